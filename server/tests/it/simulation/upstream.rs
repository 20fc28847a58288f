//! The simulated upstream: a limit, a latency, and weather; and what it was
//! asked for.

use std::{sync::Arc, time::Duration};

use http::{StatusCode, header};
use parking_lot::Mutex;
use poem::{Endpoint, Request, Response, endpoint::make};
use server::{
    clock::Clock,
    exchange::{Failure, Purpose},
};
use tokio::time::{Instant, sleep};

use super::{
    Wrong,
    chance::Chance,
    weather::{Forecast, Weather},
};

/// How many paths there are.
pub(super) const PATHS: usize = 200;
/// Requests a second.
const RATE: u32 = 2;
/// Requests at once.
const BURST: u32 = 5;
/// How long an answer takes, and a half more at most.
const LATENCY: Duration = Duration::from_secs(5);
/// How long the limiter and those who refuse take.
const QUICK: Duration = Duration::from_millis(50);
/// `--upstream-timeout`: the real way out gives up then, so this one does.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the governor waits for the one that goes first after a hold.
const PROBE: Duration = Duration::from_secs(10);

/// How the upstream tells of its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// `Retry-After` in seconds.
    Seconds,
    /// `Retry-After` as a date.
    Date,
    /// `RateLimit` and `RateLimit-Policy` on every answer.
    RateLimit,
    /// `X-RateLimit-*` on every answer.
    XRateLimit,
    /// A 429 that says nothing.
    Terse,
}

const MANNERS: [Manners; 5] =
    [Manners::Seconds, Manners::Date, Manners::RateLimit, Manners::XRateLimit, Manners::Terse];

/// What the upstream has seen.
#[derive(Debug)]
pub(super) struct Log {
    /// Requests that arrived.
    pub(super) calls: u64,
    /// When the last ones arrived.
    pub(super) arrivals: Vec<Duration>,
    /// Those that the limit refused.
    pub(super) limited: u64,
    /// Windows that were announced.
    pub(super) windows: u64,
    /// When each path's answer was delivered last, whole and good.
    pub(super) delivered: Vec<Option<Duration>>,
    /// What no polite client does.
    pub(super) offences: Wrong,
}

/// The upstream.
#[derive(Clone, Debug)]
pub(super) struct Simulated {
    began: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    chance: Chance,
    forecast: Forecast,
    manners: Manners,
    /// For how long it refuses all who were too many.
    penalty: Duration,
    /// When the bucket will be full again.
    full_at: Duration,
    /// Until when all are refused.
    shut_until: Duration,
    /// What has been announced to the client: from when until when.
    window: Option<(Duration, Duration)>,
    first: First,
    log: Log,
}

/// The requests that went first after a window, while none of them is over: one,
/// and another where that has taken too long.
#[derive(Debug, Default)]
struct First {
    numbers: Vec<u64>,
    /// When the last of them arrived.
    since: Duration,
}

/// How an exchange goes on.
struct Turn {
    number: u64,
    after: Duration,
    end: End,
}

enum End {
    Failure(Failure),
    Answer(Response, Says),
}

/// What a delivered answer means.
#[derive(Clone, Copy)]
enum Says {
    /// This path's answer is good.
    Good(usize),
    /// Come back then.
    Window(Duration),
    Nothing,
}

impl Simulated {
    pub(super) fn new(clock: Clock, seed: u64, forecast: Forecast) -> Simulated {
        let mut chance = Chance::new(seed ^ 0x5eed);
        let manners = MANNERS[usize::try_from(seed).unwrap() % MANNERS.len()];
        let penalty = Duration::from_secs(1 + chance.below(30));
        let log = Log {
            calls: 0,
            arrivals: Vec::new(),
            limited: 0,
            windows: 0,
            delivered: vec![None; PATHS],
            offences: Wrong::default(),
        };
        let state = State {
            clock,
            chance,
            forecast,
            manners,
            penalty,
            full_at: Duration::ZERO,
            shut_until: Duration::ZERO,
            window: None,
            first: First::default(),
            log,
        };
        Simulated { began: Instant::now(), state: Arc::new(Mutex::new(state)) }
    }

    /// The way to it.
    pub(super) fn endpoint(&self) -> impl Endpoint<Output = Response> + use<> {
        let upstream = self.clone();
        make(move |request: Request| {
            let upstream = upstream.clone();
            async move { upstream.exchange(&request).await.map_err(poem::Error::from) }
        })
    }

    /// The time since it began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// What it has seen.
    pub(super) fn read<T>(&self, reader: impl FnOnce(&Log) -> T) -> T {
        reader(&self.state.lock().log)
    }

    async fn exchange(&self, request: &Request) -> Result<Response, Failure> {
        let turn = self.state.lock().arrive(request, self.now());
        if PATIENCE < turn.after {
            sleep(PATIENCE).await;
            self.state.lock().left(turn.number, Says::Nothing, self.now());
            return Err(Failure::TimedOut("30s".to_owned()));
        }
        sleep(turn.after).await;
        let (says, outcome) = match turn.end {
            End::Failure(failure) => (Says::Nothing, Err(failure)),
            End::Answer(answer, says) => (says, Ok(answer)),
        };
        self.state.lock().left(turn.number, says, self.now());
        outcome
    }
}

impl State {
    /// A request arrives.
    fn arrive(&mut self, request: &Request, now: Duration) -> Turn {
        let number = self.log.calls;
        self.log.calls += 1;
        self.log.arrivals.push(now);
        self.check(number, now);
        let (weather, lasts) = self.forecast.at(now);
        let turn = |after, end| Turn { number, after, end };
        if matches!(weather, Weather::Refusing | Weather::Dead) {
            return turn(QUICK, End::Failure(Failure::Unreachable("refused".to_owned())));
        }
        if let Some(wait) = self.limit(now) {
            self.log.limited += 1;
            return turn(QUICK, self.too_many(wait, now));
        }
        let after = self.chance.between(LATENCY, LATENCY * 3 / 2);
        let stalls = match weather {
            Weather::Stalling => 700,
            _ => 3,
        };
        if self.chance.strikes(stalls) {
            return turn(Duration::from_mins(1), self.good(request, now));
        }
        let status =
            |status| End::Answer(Response::builder().status(status).finish(), Says::Nothing);
        let end = match (weather, self.chance.below(3)) {
            (Weather::Failing, 0) | (Weather::Flapping, 1) => {
                status(StatusCode::INTERNAL_SERVER_ERROR)
            }
            (Weather::Failing, 1) => status(StatusCode::BAD_GATEWAY),
            (Weather::Failing, _) => status(StatusCode::SERVICE_UNAVAILABLE),
            (Weather::Maintenance, _) => {
                let wait = whole_seconds(lasts);
                let answer = Response::builder()
                    .status(StatusCode::SERVICE_UNAVAILABLE)
                    .header(header::RETRY_AFTER, wait.as_secs())
                    .finish();
                return turn(QUICK, End::Answer(answer, Says::Window(now + wait)));
            }
            (Weather::Flapping, 0) => match self.good(request, now) {
                End::Answer(mut answer, says) if answer.status() == StatusCode::OK => {
                    answer.set_body(r#"{"menu":[]}"#);
                    answer.headers_mut().remove(header::ETAG);
                    End::Answer(answer, says)
                }
                other => other,
            },
            _ => self.good(request, now),
        };
        turn(after, end)
    }

    /// Nobody calls in a window that was announced; after it, one goes first.
    fn check(&mut self, number: u64, now: Duration) {
        let First { numbers, since } = &mut self.first;
        if !numbers.is_empty() {
            if now < *since + PROBE {
                self.log.offences.note(format!("{now:?}: one went first at {since:?}"));
            }
            numbers.push(number);
            *since = now;
        }
        if let Some((from, until)) = self.window {
            if now < until {
                self.log
                    .offences
                    .note(format!("{now:?}: told at {from:?} to wait until {until:?}"));
            } else {
                self.window = None;
                self.first = First { numbers: vec![number], since: now };
            }
        }
    }

    /// How long one has to wait who is one too many.
    fn limit(&mut self, now: Duration) -> Option<Duration> {
        if now < self.shut_until {
            return Some(self.shut_until.saturating_sub(now));
        }
        let interval = Duration::from_secs(1) / RATE;
        if now + interval * (BURST - 1) < self.full_at {
            self.shut_until = now + self.penalty;
            return Some(self.penalty);
        }
        self.full_at = self.full_at.max(now) + interval;
        None
    }

    fn too_many(&self, wait: Duration, now: Duration) -> End {
        // The times that it can tell are of whole seconds.
        let wait = whole_seconds(wait);
        let mut answer = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
        match self.manners {
            Manners::Seconds => answer = answer.header(header::RETRY_AFTER, wait.as_secs()),
            Manners::Date => {
                let date = httpdate::fmt_http_date(self.clock.now() + wait);
                answer = answer.header(header::RETRY_AFTER, date);
            }
            Manners::RateLimit => {
                answer = answer.header("ratelimit", format!("\"sim\";r=0;t={}", wait.as_secs()));
            }
            Manners::XRateLimit => {
                answer = answer
                    .header("x-ratelimit-remaining", 0)
                    .header("x-ratelimit-reset", wait.as_secs());
            }
            Manners::Terse => return End::Answer(answer.finish(), Says::Nothing),
        }
        // A date is cut to the second.
        let cut = Duration::from_secs(u64::from(self.manners == Manners::Date));
        End::Answer(answer.finish(), Says::Window(now + wait.saturating_sub(cut)))
    }

    /// A path's answer; it changes every ten minutes.
    fn good(&self, request: &Request, now: Duration) -> End {
        let path = index_of(request.uri().path());
        let etag = format!("\"{path}-{}\"", now.as_secs() / 600);
        let is_known =
            request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| *known == *etag);
        let mut answer = Response::builder().header(header::ETAG, etag);
        let left = self.left_in_bucket(now);
        match self.manners {
            Manners::RateLimit => {
                answer = answer
                    .header("ratelimit-policy", "\"sim\";q=20;w=10")
                    .header("ratelimit", format!("\"sim\";r={left};t=1"));
            }
            Manners::XRateLimit => {
                answer = answer
                    .header("x-ratelimit-limit", BURST)
                    .header("x-ratelimit-remaining", left)
                    .header("x-ratelimit-reset", 1);
            }
            _ => {}
        }
        let answer = if is_known {
            answer.status(StatusCode::NOT_MODIFIED).finish()
        } else {
            answer.body(format!(r#"{{"restaurant":{path},"menu":["soup","fish"]}}"#))
        };
        // What was asked for in one client's name is stored only if it says that it is for all.
        let is_for_one = request.extensions().get() == Some(&Purpose::PassThrough);
        End::Answer(answer, if is_for_one { Says::Nothing } else { Says::Good(path) })
    }

    fn left_in_bucket(&self, now: Duration) -> u32 {
        let missing = self.full_at.saturating_sub(now).as_millis().div_ceil(500);
        BURST.saturating_sub(u32::try_from(missing).unwrap())
    }

    /// An exchange is over.
    fn left(&mut self, number: u64, says: Says, now: Duration) {
        if self.first.numbers.contains(&number) {
            self.first = First::default();
        }
        match says {
            Says::Good(path) => self.log.delivered[path] = Some(now),
            Says::Window(until) if now < until => {
                // What was under way is told the same again.
                self.log.windows += u64::from(self.window.is_none());
                let (from, before) = self.window.unwrap_or((now, until));
                self.window = Some((from, until.max(before)));
            }
            Says::Window(_) | Says::Nothing => {}
        }
    }
}

/// The number of a path.
pub(super) fn index_of(path: &str) -> usize {
    path.rsplit_once('/').unwrap().1.parse().unwrap()
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + u64::from(time.subsec_nanos() != 0))
}
