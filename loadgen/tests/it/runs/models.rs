//! Schedules and models: who sends how much, and when.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use loadgen::{
    dispatch::LatePolicy,
    program::{Ended as SearchEnd, Order, Program, Search, SearchOptions, Steps, StepsOptions},
    run::{Event, Goal},
    schedule::{Arrivals, Profile, Shard, Stage},
    summary::Summary,
};

use super::null;
use crate::{
    fault_server::{Act, FaultServer},
    support::{check_totals, closed, constant, load, ms, observed, open, options, rate},
};

#[tokio::test]
async fn threads_share_the_schedule() {
    let (url, _null) = null().await;
    for threads in [1, 2, 5] {
        let mut options = options(&url, constant(400.0, ms(250)));
        options.threads = threads;
        options.connections = 5;
        let summary = load(options).await.unwrap();
        check_totals(&summary, [100, 100, 100, 0, 0, 0, 0]);
        assert_eq!((summary.run.threads, summary.run.connections), (threads, 5));
    }
}

/// Parts of one load that several generators send add up to it.
#[tokio::test]
async fn generators_share_the_schedule() {
    let (url, _null) = null().await;
    let mut planned = Vec::new();
    let three = NonZeroU32::new(3).unwrap();
    for index in 0..3 {
        let mut options = options(&url, constant(400.0, ms(250)));
        options.shard = Shard::new(index, three).unwrap();
        planned.push(load(options).await.unwrap().totals.planned);
    }
    planned.sort_unstable();
    assert_eq!(planned, [33, 33, 34]);
}

/// What is answered after the time for which a step held is answered, but not
/// in that time: a server that does not keep up has not achieved what it was
/// offered.
#[tokio::test]
async fn what_is_answered_late_was_not_achieved() {
    let answer = Act::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let server = FaultServer::always(vec![Act::Read, Act::Wait(ms(20)), answer]).await;
    let mut options = options(&server.url(), constant(100.0, ms(500)));
    options.connections = 1;
    options.interval = ms(100);
    let summary = load(options).await.unwrap();
    check_totals(&summary, [50, 50, 50, 0, 0, 0, 0]);
    let step = &summary.steps[0];
    assert!((step.completed_rate - 100.0).abs() < 1e-9, "{}", step.completed_rate);
    // One connection carries 50 a second at the most.
    assert!(step.throughput < 75.0, "{}", step.throughput);
}

/// Rates are over the time for which a step holds, however few requests it has
/// and wherever its intervals end; it lasts as long as its schedule.
#[tokio::test]
async fn a_step_lasts_until_its_schedule_ends() {
    let (url, _null) = null().await;
    for interval in [ms(50), ms(400), ms(10_000)] {
        let mut options = options(&url, constant(5.0, ms(500)));
        options.interval = interval;
        let mut until = ms(0);
        let observe = |event: Event<'_>| {
            if let Event::Interval(interval) = event {
                until = until.max(interval.start + interval.length);
            }
        };
        let summary = observed(options, observe).await.unwrap();
        check_totals(&summary, [3, 3, 3, 0, 0, 0, 0]);
        let step = &summary.steps[0];
        assert!(step.throughput <= 3.0 / 0.5 + 1e-9, "{}", step.throughput);
        assert!(ms(500) <= until, "{until:?}");
    }
}

async fn poisson(url: &str, seed: u64) -> Summary {
    let profile = Profile::constant(rate(200.0), ms(300)).unwrap();
    load(options(url, open(profile, Arrivals::Poisson { seed }))).await.unwrap()
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed() {
    let (url, _null) = null().await;
    let (one, same) = (poisson(&url, 1).await, poisson(&url, 1).await);
    assert_eq!(one.totals, same.totals);
    assert_eq!(one.totals.completed, one.totals.planned);
    let mut numbers = BTreeSet::from([one.totals.planned]);
    for seed in 2..6 {
        numbers.insert(poisson(&url, seed).await.totals.planned);
    }
    assert!(1 < numbers.len(), "{numbers:?}");
}

/// What could not be sent soon enough is left out, and said to be.
#[tokio::test]
async fn late_requests_are_dropped_where_that_is_wanted() {
    let server = FaultServer::always(vec![Act::Read, Act::Hang]).await;
    let mut options = options(&server.url(), constant(100.0, ms(200)));
    options.connections = 1;
    options.late = LatePolicy::DropAfter(ms(50));
    options.timeouts.header = ms(10_000);
    options.drain = ms(300);
    let summary = load(options).await.unwrap();
    // What was late when the last look was taken; the others were never sent.
    let totals = summary.totals;
    assert_eq!((totals.planned, totals.sent, totals.unfinished), (20, 1, 1));
    assert_eq!(totals.dropped + totals.unsent, 19);
    assert_eq!(summary.steps[0].errors, 20);
}

/// Loads of nothing, of a single request, and of next to no time.
#[tokio::test]
async fn the_smallest_loads_end() {
    let (url, _null) = null().await;
    let stage = |to, over| Stage { to: rate(to), over: ms(over) };
    let pause =
        [stage(100.0, 0), stage(100.0, 50), stage(0.0, 0), stage(0.0, 100), stage(200.0, 50)];
    for (program, planned) in [
        (constant(0.0, ms(50)), 0),
        (constant(1.0, ms(50)), 1),
        (constant(1e-6, ms(50)), 1),
        (constant(1e6, Duration::from_nanos(1)), 1),
        (open(Profile::linear(rate(0.0), rate(200.0), ms(100)).unwrap(), Arrivals::Constant), 10),
        (open(Profile::stages(rate(0.0), pause).unwrap(), Arrivals::Constant), 10),
    ] {
        let text = program.to_string();
        let mut options = options(&url, program);
        options.interval = ms(10);
        // Longer than any machine is up.
        options.drain = Duration::from_hours(4_000_000);
        options.timeouts.header = options.drain;
        let summary = load(options).await.unwrap();
        assert_eq!(summary.totals.planned, planned, "{text}");
        assert_eq!(summary.totals.completed, planned, "{text}");
        assert!(summary.to_string().contains("planned"), "{summary}");
    }
}

#[tokio::test]
async fn a_closed_model_has_as_many_under_way_as_users() {
    let (url, _null) = null().await;
    let mut options = options(&url, closed(4, ms(200)));
    options.threads = 2;
    let summary = load(options).await.unwrap();
    assert_eq!(summary.totals.completed, summary.totals.planned);
    assert!(4 < summary.totals.completed);
    assert!(!summary.measures.times.contains_key("response"));
    assert_eq!(summary.steps[0].most_in_flight, 4);
}

#[tokio::test]
async fn steps_come_in_their_order() {
    let (url, _null) = null().await;
    let steps = Steps::new(StepsOptions {
        sweep: "50,100".parse().unwrap(),
        hold: ms(100),
        settle: ms(40),
        repeat: NonZeroU32::MIN,
        order: Order::UpDown,
        arrivals: Arrivals::Constant,
    });
    let mut told = Vec::new();
    let options = options(&url, Program::Steps(steps.unwrap()));
    let summary = observed(options, |event| {
        if let Event::StepBegins(index, step) = event {
            told.push((index, step.rate.unwrap().per_second(), step.trial));
        }
    });
    let summary = summary.await.unwrap();
    assert_eq!(told, [(0, 50.0, 0), (1, 100.0, 0), (2, 100.0, 1), (3, 50.0, 1)]);
    let planned: Vec<_> = summary.steps.iter().map(|step| step.totals.planned).collect();
    assert_eq!(planned, [5, 10, 10, 5]);
    // What was sent while they settled is in all, but not in them.
    check_totals(&summary, [42, 42, 42, 0, 0, 0, 0]);
}

/// A server that fails from some rate on: what a search finds is below that.
#[tokio::test]
async fn a_search_ends_where_the_demand_is_missed() {
    let server = FaultServer::always(vec![Act::Read, Act::Reset]).await;
    let search = Search::new(SearchOptions {
        lowest: rate(40.0),
        highest: rate(80.0),
        precision: 1.0,
        trials: NonZeroU32::MIN,
        hold: ms(200),
        settle: ms(0),
        arrivals: Arrivals::Constant,
    });
    let search = search.unwrap();
    let run = |url: &str, demand: &str| {
        let mut options = options(url, Program::Search(search.clone()));
        options.goal = Goal::Slo(demand.parse().unwrap());
        load(options)
    };
    let missed = run(&server.url(), "errors<1%").await.unwrap().search.unwrap();
    // A machine too busy to send when it is time has nothing to say.
    if missed.ended != SearchEnd::GeneratorLimited {
        assert_eq!(missed.ended, SearchEnd::LowestMissed);
        assert_eq!((missed.lower, missed.upper), (None, Some(rate(40.0))));
    }
    let (url, _null) = null().await;
    let met = run(&url, "errors<1%").await.unwrap().search.unwrap();
    if met.ended != SearchEnd::GeneratorLimited {
        assert_eq!(met.ended, SearchEnd::HighestMet);
        assert_eq!((met.lower, met.upper), (Some(rate(80.0)), None));
    }
}
