//! What happens to each request in turn: the limit, the latency, the faults.

use std::time::Duration;

use http::{Method, StatusCode, request};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    DemoConfig, FaultKind,
    answer::Answer,
    heard::{self, Heard},
    limiter::Limiter,
    routes::{self, State, Workers},
    target,
};

/// The demo upstream, apart from its sockets.
#[derive(Debug)]
pub(super) struct Demo {
    config: DemoConfig,
    state: State,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    limiter: Option<Limiter>,
    /// Requests so far; how many they are is the next one's place in the
    /// sequence of chances.
    heard: Heard,
}

/// What is done with one request.
#[derive(Debug)]
pub(super) struct Turn {
    /// How long it takes.
    pub(super) latency: Duration,
    pub(super) outcome: Outcome,
}

/// How a request ends.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With an answer.
    Answered(Answer),
    /// With less of the answer than it promised.
    Truncated(Answer),
    /// With the connection reset.
    Reset,
    /// Never.
    Stalled,
}

impl Demo {
    pub(super) fn new(config: DemoConfig, now: Instant) -> Demo {
        let burst = config.burst.map(std::num::NonZeroU32::get);
        let limiter = config.rate_limit.map(|rate| Limiter::new(rate, burst, now));
        let state = State::new(config.era, config.weekday, config.seed, now);
        Demo { config, state, progress: Mutex::new(Progress { limiter, heard: Heard::default() }) }
    }

    /// Decides about the next request. Only the API is slow, limited and at
    /// fault; other paths are answered at once.
    pub(super) fn turn(&self, request: &request::Parts, now: Instant) -> Turn {
        let path = request.uri.path();
        if target::is_api(path) {
            return self.turn_of_the_api(request, now);
        }
        let answer = if path == heard::PATH {
            self.progress.lock().heard.answer()
        } else {
            routes::answer(&self.state, request, Workers::Agree, now)
        };
        Turn { latency: Duration::ZERO, outcome: Outcome::Answered(answer) }
    }

    fn turn_of_the_api(&self, request: &request::Parts, now: Instant) -> Turn {
        let (number, quota) = {
            let mut progress = self.progress.lock();
            let number = progress.heard.add(&request.uri);
            (number, progress.limiter.as_mut().map(|limiter| limiter.ask(now)))
        };
        if let Some(mut refusal) = quota.and_then(|quota| quota.refusal()) {
            if request.method == Method::HEAD {
                refusal.body.clear();
            }
            return Turn { latency: Duration::ZERO, outcome: Outcome::Answered(refusal) };
        }

        let fault = struck(&self.config, number);
        let workers = match fault {
            Some(FaultKind::Flap) => Workers::Alternate,
            _ => Workers::Agree,
        };
        let answer = || {
            let answer = routes::answer(&self.state, request, workers, now);
            quota.iter().fold(answer, |answer, quota| quota.announce(answer))
        };
        let outcome = match fault {
            None | Some(FaultKind::Flap) => Outcome::Answered(answer()),
            Some(FaultKind::ServerError) => {
                let mut page = Answer::nginx(StatusCode::BAD_GATEWAY);
                if request.method == Method::HEAD {
                    page.body.clear();
                }
                Outcome::Answered(page)
            }
            Some(FaultKind::Truncate) => Outcome::Truncated(answer()),
            Some(FaultKind::Reset) => Outcome::Reset,
            Some(FaultKind::Stall) => Outcome::Stalled,
        };
        Turn { latency: latency(&self.config, number), outcome }
    }
}

/// The fault that strikes a request: the first whose share it falls into.
fn struck(config: &DemoConfig, number: u64) -> Option<FaultKind> {
    let strikes = |index: usize| chance(config.seed, number, 1 + index as u64);
    let mut faults = config.fail.iter().enumerate();
    faults.find(|(index, fault)| strikes(*index) < fault.share).map(|(_, fault)| fault.kind)
}

/// How long a request takes; with jitter, half to one and a half of the latency.
fn latency(config: &DemoConfig, number: u64) -> Duration {
    if config.jitter {
        config.latency.mul_f64(0.5 + chance(config.seed, number, 0))
    } else {
        config.latency
    }
}

/// A number from 0 up to 1, the same for the same request, draw and seed
/// (`SplitMix64`, <https://prng.di.unimi.it/splitmix64.c>).
fn chance(seed: u64, number: u64, draw: u64) -> f64 {
    let mix = |z: u64| {
        let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mixed = mix(mix(mix(seed) ^ number) ^ draw);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
    let fraction = (mixed >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(fail: &[&str]) -> DemoConfig {
        let fail = fail.iter().map(|fault| fault.parse().unwrap()).collect();
        DemoConfig { fail, ..DemoConfig::standard() }
    }

    fn get(path: &str) -> request::Parts {
        http::Request::get(path).header("host", "h").body(()).unwrap().into_parts().0
    }

    fn statuses(config: DemoConfig, paths: &[&str]) -> Vec<u16> {
        let now = Instant::now();
        let demo = Demo::new(config, now);
        let status = |path: &&str| match demo.turn(&get(path), now).outcome {
            Outcome::Answered(answer) => answer.status.as_u16(),
            outcome => panic!("{outcome:?}"),
        };
        paths.iter().map(status).collect()
    }

    #[test]
    fn faults_strike_their_share() {
        #[track_caller]
        fn check(fail: &[&str], kind: FaultKind, per_thousand: std::ops::RangeInclusive<usize>) {
            let config = config(fail);
            let struck = (0..10_000).filter(|number| struck(&config, *number) == Some(kind));
            let count = struck.count() / 10;
            assert!(per_thousand.contains(&count), "{count} of 1000");
        }

        check(&["reset"], FaultKind::Reset, 1000..=1000);
        check(&["reset:0"], FaultKind::Reset, 0..=0);
        check(&["reset:0.2"], FaultKind::Reset, 190..=210);
        check(&["reset:0.5", "stall:0.5"], FaultKind::Stall, 240..=260);
    }

    #[test]
    fn the_same_seed_brings_the_same_faults() {
        let with_seed = |seed| DemoConfig { seed, ..config(&["5xx:0.5"]) };
        let paths = ["/api/"; 64];
        assert_eq!(statuses(with_seed(3), &paths), statuses(with_seed(3), &paths));
        assert_ne!(statuses(with_seed(3), &paths), statuses(with_seed(4), &paths));
    }

    #[test]
    fn jitter_stays_within_half_of_the_latency() {
        let config = DemoConfig { jitter: true, ..DemoConfig::standard() };
        let latencies: Vec<_> = (0..1000).map(|number| latency(&config, number)).collect();
        let ms = Duration::from_millis;
        assert!(latencies.iter().all(|latency| (ms(100)..ms(300)).contains(latency)));
        assert!(latencies.iter().any(|latency| *latency < ms(110)));
        assert!(latencies.iter().any(|latency| *latency > ms(290)));
    }

    #[test]
    fn only_the_api_is_slow_limited_and_at_fault() {
        let rate_limit = Some("1/s".parse().unwrap());
        let limited = DemoConfig { rate_limit, ..DemoConfig::standard() };
        let paths = ["/api/", "/api/", "/favicon.ico", "//api/"];
        assert_eq!(statuses(limited, &paths), [200, 429, 404, 429]);

        let now = Instant::now();
        let demo = Demo::new(config(&["reset"]), now);
        assert_eq!(demo.turn(&get("/"), now).latency, Duration::ZERO);
        assert_eq!(demo.turn(&get("/api/"), now).latency, Duration::from_millis(200));
    }

    #[test]
    fn tells_what_it_was_asked() {
        let now = Instant::now();
        let demo = Demo::new(config(&["reset"]), now);
        for path in ["/api/", "/favicon.ico", "/api/", heard::PATH] {
            demo.turn(&get(path), now);
        }
        let Outcome::Answered(answer) = demo.turn(&get(heard::PATH), now).outcome else {
            panic!("no answer");
        };
        assert_eq!(answer.body, br#"{"total":2,"targets":{"/api/":2}}"#);
    }

    #[test]
    fn flapping_menus_are_full_and_empty_by_turns() {
        let now = Instant::now();
        let demo = Demo::new(config(&["flap"]), now);
        let dishes = |path| match demo.turn(&get(path), now).outcome {
            Outcome::Answered(answer) => {
                String::from_utf8(answer.body).unwrap().matches("\"dish\"").count()
            }
            outcome => panic!("{outcome:?}"),
        };
        let [bikupan, rudbeck] = ["/api/restaurant/bikupan/", "/api/restaurant/rudbeck/"];
        let asked = [bikupan, bikupan, rudbeck, bikupan, rudbeck, bikupan];
        assert_eq!(asked.map(dishes), [7, 0, 6, 7, 0, 0]);
    }
}
