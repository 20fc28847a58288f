//! Relays that ask one upstream keep to one budget together.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use super::{
    counting,
    valkey::{Valkey, eventually},
};
use crate::support::{Origin, Relay, Then, get};

const FRESH: &str = "cache-control: max-age=600\r\n";
/// So slow that no token comes in a test: what goes was saved up.
const SAVED_UP: [&str; 4] =
    ["--upstream-rate=1/h", "--upstream-burst=6", "--upstream-share=1/3", "--error-ttl=0s"];

/// Three relays that share a budget.
fn three(valkey: &Valkey, upstream: &str, flags: &[&str]) -> [Relay; 3] {
    let relays = [(); 3].map(|()| valkey.relay(upstream, flags));
    all_take_from(&relays, "shared");
    relays
}

/// Waits until a relay takes from this budget.
#[track_caller]
fn takes_from(relay: &Relay, budget: &str) {
    let metric = format!("lunch_relay_upstream_budget{{source=\"{budget}\"}}");
    eventually(budget, || relay.metric(&metric) == 1);
}

fn all_take_from(relays: &[Relay], budget: &str) {
    for relay in relays {
        takes_from(relay, budget);
    }
}

/// Puts so many tokens into the pool: the time in which they would come is long.
fn save_up(valkey: &Valkey, tokens: u32) {
    let fill = "local time = redis.call('TIME') \
                local now = string.format('%.0f', time[1] * 1000000 + time[2]) \
                return redis.call('HSET', KEYS[1], 'pool', ARGV[1] .. ' ' .. now .. ' 0')";
    valkey.say(&["EVAL", fill, "1", &valkey.key(":budget"), &tokens.to_string()]);
}

/// What the pool has: tokens, counted until, held until.
fn pool(valkey: &Valkey) -> [f64; 3] {
    let said = valkey.say(&["HGET", &valkey.key(":budget"), "pool"]);
    let numbers: Vec<f64> = said.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// The server's time as the pool has it.
fn server_time(valkey: &Valkey) -> f64 {
    let said = valkey.say(&["TIME"]);
    let (seconds, micros) = said.split_once('\n').unwrap();
    seconds.trim().parse::<f64>().unwrap() * 1e6 + micros.trim().parse::<f64>().unwrap()
}

/// Asks a relay for things that nobody has: how many were answered.
fn ask(relay: &Relay, name: &str, number: usize) -> usize {
    let answers = (0..number).map(|number| relay.get(&format!("/{name}/{number}")).status());
    answers.filter(|status| *status == 200).count()
}

#[test]
fn three_relays_together_keep_to_one_budget() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = three(&valkey, &origin.url(), &SAVED_UP);
    save_up(&valkey, 6);
    let answered: usize = thread::scope(|scope| {
        let asking = ["a", "b", "c"].iter().zip(&relays);
        let asking: Vec<_> =
            asking.map(|(name, relay)| scope.spawn(|| ask(relay, name, 5))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).sum()
    });
    assert_eq!(answered, origin.heads().len());
    assert!((1..=6).contains(&answered), "{answered}");
}

#[test]
fn what_others_leave_one_relay_may_have() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = three(&valkey, &origin.url(), &SAVED_UP);
    let round = AtomicUsize::new(0);
    // Once more where the machine was so slow that a lease has ended.
    eventually("the whole budget", || {
        save_up(&valkey, 6);
        let round = round.fetch_add(1, SeqCst);
        ask(&relays[0], &format!("round-{round}"), 6) == 6
    });
}

#[test]
fn the_budget_is_kept_where_the_server_is_killed_and_comes_back_empty() {
    let (mut valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = three(&valkey, &origin.url(), &SAVED_UP);
    save_up(&valkey, 6);
    let all = |name: &str| -> usize {
        let names = ["a", "b", "c"].iter().zip(&relays);
        names.map(|(relay_name, relay)| ask(relay, &format!("{name}/{relay_name}"), 3)).sum()
    };
    let before = all("before");
    valkey.kill();
    all_take_from(&relays, "apart");
    let without = all("without");
    valkey.begin();
    all_take_from(&relays, "shared");
    let after = all("after");
    assert!(before + without + after <= 6, "{before} {without} {after}");
    assert_eq!(before + without + after, origin.heads().len());
    // It has forgotten the script, and works as before.
    eventually("a token", || {
        save_up(&valkey, 1);
        ask(&relays[0], &format!("again/{}", origin.heads().len()), 1) == 1
    });
    for relay in relays {
        let log = relay.end();
        assert!(log.contains("the upstream's budget cannot be shared"), "{log}");
        assert!(log.matches("the upstream's budget is shared").count() >= 2, "{log}");
    }
}

#[test]
fn each_relay_has_its_own_share_where_the_server_is_away() {
    let (mut valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let flags = [
        "--upstream-rate=30/s",
        "--upstream-burst=3",
        "--upstream-concurrency=8",
        "--upstream-share=1/3",
    ];
    let relays = three(&valkey, &origin.url(), &flags);
    valkey.kill();
    for (relay, name) in relays.iter().zip(["a", "b", "c"]) {
        takes_from(relay, "apart");
        // Who asks before its share is its own waits.
        assert_eq!(ask(relay, name, 3), 3);
        let said = get(relay.admin, "/v1/upstream", "").text();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["budget"], serde_json::json!({"source": "apart", "share": "1/3"}));
        assert_eq!(said["in_force"]["requests_per_second"], 10.0);
        assert_eq!(said["in_force"]["burst"], 1);
        assert_eq!(said["in_force"]["concurrency"], 2);
    }
}

#[test]
fn a_script_that_the_server_has_forgotten_is_sent_anew() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let relays = three(&valkey, &origin.url(), &SAVED_UP);
    valkey.say(&["SCRIPT", "FLUSH"]);
    eventually("a token", || {
        save_up(&valkey, 1);
        ask(&relays[0], &origin.heads().len().to_string(), 1) == 1
    });
    assert!(!relays.into_iter().any(|relay| relay.end().contains("NOSCRIPT")));
}

#[test]
fn all_times_are_the_servers() {
    let (valkey, origin) = (Valkey::start(&[]), counting(FRESH));
    let before = server_time(&valkey);
    let _relays = three(&valkey, &origin.url(), &SAVED_UP);
    let [_, counted, held] = pool(&valkey);
    assert!((before..=server_time(&valkey)).contains(&counted), "{counted}");
    assert!(held <= counted);
    // Where the server's clock was set back nothing has come meanwhile, and
    // nothing lasts for longer than it can have been told.
    let ahead = counted + 1e15;
    let key = valkey.key(":budget");
    valkey.say(&["HSET", &key, "pool", &format!("1 {ahead} {ahead}")]);
    eventually("the server's time", || pool(&valkey)[1] < ahead);
    let [tokens, _, held] = pool(&valkey);
    assert!(tokens <= 1.0 && held < ahead, "{tokens} {held}");
}

#[test]
fn a_hold_that_one_is_told_holds_all() {
    let valkey = Valkey::start(&[]);
    let origin = Origin::start(|_, stream| {
        let fields = "retry-after: 600\r\ncontent-length: 0\r\n";
        write!(stream.get_mut(), "HTTP/1.1 429 Too Many Requests\r\n{fields}\r\n")?;
        Ok(Then::KeepOpen)
    });
    let relays = three(&valkey, &origin.url(), &["--upstream-rate=100/s", "--error-ttl=0s"]);
    assert_eq!(relays[0].get("/one").status(), 429);
    eventually("the hold", || server_time(&valkey) < pool(&valkey)[2]);
    // Whether the others have heard of it or not, it comes with the next grant.
    for relay in &relays[1..] {
        assert_eq!(relay.get("/another").status(), 503);
    }
    assert_eq!(origin.heads().len(), 1);
    // And without one.
    for relay in &relays {
        eventually("the hold", || 0 < relay.metric("lunch_relay_upstream_hold_seconds"));
    }
    // Who comes later learns of it at once.
    let late = valkey.relay(&origin.url(), &["--error-ttl=0s"]);
    takes_from(&late, "shared");
    assert_eq!(late.get("/late").status(), 503);
    assert_eq!(origin.heads().len(), 1);
}

#[test]
fn a_quota_that_one_has_exhausted_holds_all() {
    let valkey = Valkey::start(&[]);
    let origin = counting("ratelimit: \"default\";r=0;t=600\r\ncache-control: no-store\r\n");
    let relays = three(&valkey, &origin.url(), &["--upstream-rate=100/s", "--error-ttl=0s"]);
    assert_eq!(relays[0].get("/one").status(), 200);
    eventually("the hold", || server_time(&valkey) < pool(&valkey)[2]);
    assert!(relays.iter().all(|relay| relay.get("/another").status() == 503));
    assert_eq!(origin.heads().len(), 1);
}

#[test]
fn three_relays_together_have_so_many_requests_under_way() {
    let valkey = Valkey::start(&[]);
    let (asked, is_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let (asked, may_go) = (Mutex::new(asked), Mutex::new(may_go));
    let under_way = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = Arc::clone(&under_way);
    let origin = Origin::start(move |_, stream| {
        let now = counted[0].fetch_add(1, SeqCst) + 1;
        counted[1].fetch_max(now, SeqCst);
        asked.lock().unwrap().send(()).unwrap();
        let _ = may_go.lock().unwrap().recv();
        counted[0].fetch_sub(1, SeqCst);
        write!(stream.get_mut(), "HTTP/1.1 200 OK\r\n{FRESH}content-length: 4\r\n\r\nmenu")?;
        Ok(Then::KeepOpen)
    });
    let flags = [
        "--upstream-rate=unlimited",
        "--upstream-concurrency=3",
        "--upstream-share=1/3",
        "--upstream-timeout=10m",
    ];
    let relays = three(&valkey, &origin.url(), &flags);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|number| {
                let relay = &relays[number % 3];
                scope.spawn(move || relay.get(&format!("/{number}")).status())
            })
            .collect();
        for _ in 0..3 {
            is_asked.recv().unwrap();
        }
        for _ in 0..12 {
            go.send(()).unwrap();
        }
        assert!(asking.into_iter().all(|asking| asking.join().unwrap() == 200));
    });
    assert_eq!(origin.heads().len(), 12);
    assert!(under_way[1].load(SeqCst) <= 3, "{under_way:?}");
}
