//! What is demanded of a run, and what becomes of it.

use std::time::Duration;

use loadgen::{
    program::{Program, Step},
    run::{Event, run},
    schedule::{Arrivals, Load, Profile},
    summary::{Ended, Summary},
};
use tokio::sync::mpsc;

use super::null;
use crate::{
    fault_server::{Act, FaultServer, answer},
    support::{closed, constant, load, ms, options, rate},
};

const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn what_is_demanded_is_found_or_not() {
    let (url, _null) = null().await;
    let demands = ["errors>0%", "service.max>0s", "service.max>1h"];
    let mut options = options(&url, closed(4, ms(100)));
    options.fail_if = demands.map(|demand| demand.parse().unwrap()).into();
    let summary = load(options).await.unwrap();
    let found = |at: usize| &summary.thresholds[at].findings;
    assert!(found(0).is_empty() && found(2).is_empty());
    assert_eq!(found(1).len(), 1);
    assert!(found(1)[0].starts_with("step 0: "), "{:?}", found(1));
    assert_eq!(summary.exit_code(), 1);
}

async fn busy(abort_if: &str) -> Summary {
    let server = FaultServer::always(answer(BUSY)).await;
    let mut options = options(&server.url(), constant(100.0, ms(60_000)));
    options.interval = ms(50);
    options.abort_if = vec![abort_if.parse().unwrap()];
    load(options).await.unwrap()
}

#[tokio::test]
async fn a_run_that_goes_wrong_is_ended_early() {
    for (abort_if, least) in [("errors>5%", 1), ("errors>5% for 200ms", 10)] {
        let summary = busy(abort_if).await;
        match &summary.ended {
            Ended::Aborted(why) => assert!(why.contains("errors"), "{why}"),
            other => panic!("{abort_if}: {other:?}"),
        }
        assert!(summary.totals.add_up());
        assert!((least..6000).contains(&summary.totals.completed), "{:?}", summary.totals);
        assert_eq!(summary.exit_code(), 4);
    }
}

/// Errors of a server that refuses after `wait`, at 100/s: settling for
/// `settle`, holding for 100 ms.
async fn refused(wait: Duration, settle: Duration, abort_if: &str) -> Ended {
    let server =
        FaultServer::always(vec![Act::Read, Act::Wait(wait), Act::Say(BUSY.as_bytes())]).await;
    let profile = Profile::constant(rate(100.0), settle + ms(100)).unwrap();
    let load_of = Load::Open { profile, arrivals: Arrivals::Constant };
    let step = Step { rate: None, trial: 0, load: load_of, settle };
    let mut options = options(&server.url(), Program::once(step));
    options.interval = ms(50);
    options.abort_if = vec![abort_if.parse().unwrap()];
    load(options).await.unwrap().ended
}

/// Neither what settles nor what is left to end says anything of a rate.
#[tokio::test]
async fn only_what_holds_ends_a_run() {
    assert_eq!(refused(ms(0), ms(200), "errors>5% for 150ms").await, Ended::Finished);
    assert_eq!(refused(ms(400), ms(0), "errors>5%").await, Ended::Finished);
}

/// Who stops a run has stopped it, though what it has until then is bad.
#[tokio::test]
async fn who_interrupts_does_not_abort() {
    let server = FaultServer::always(answer(BUSY)).await;
    let mut options = options(&server.url(), constant(100.0, ms(60_000)));
    // The one interval ends because of the signal.
    options.interval = ms(60_000);
    options.abort_if = vec!["errors>=0%".parse().unwrap()];
    let (stop, signals) = mpsc::channel(1);
    let began = |event: Event<'_>| {
        if let Event::StepBegins(..) = event {
            stop.try_send(()).unwrap();
        }
    };
    let summary = run(options, signals, began).await.unwrap();
    assert_eq!(summary.ended, Ended::Interrupted);
    assert_eq!(summary.exit_code(), 130);
}
