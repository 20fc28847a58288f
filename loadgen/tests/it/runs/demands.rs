//! What is demanded of a run, and what becomes of it.

use loadgen::summary::{Ended, Summary};

use super::null;
use crate::{
    fault_server::{FaultServer, answer},
    support::{closed, constant, load, ms, options},
};

#[tokio::test]
async fn what_is_demanded_is_found_or_not() {
    let (url, _null) = null().await;
    let demands = ["errors>0%", "service.max>0s", "service.max>1h", "rate<1 @rate<=10"];
    let mut options = options(&url, closed(2, ms(100)));
    options.fail_if = demands.map(|demand| demand.parse().unwrap()).into();
    let summary = load(options).await.unwrap();
    let found = |at: usize| &summary.thresholds[at].findings;
    assert!(found(0).is_empty() && found(2).is_empty() && found(3).is_empty());
    assert_eq!(found(1).len(), 1);
    assert!(found(1)[0].starts_with("step 0: "), "{:?}", found(1));
    assert_eq!(summary.exit_code(), 1);
}

async fn busy(abort_if: &str) -> Summary {
    let server =
        FaultServer::always(answer("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")).await;
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
