//! Whatever happens, the books add up.

use std::{num::NonZeroU32, time::Duration};

use loadgen::{
    dispatch::LatePolicy,
    fault::Fault,
    record::{Answer, Body, Clock, Outcome, Tag, Times},
    schedule::{Arrivals, Load, Shard},
};
use proptest::prelude::*;

use super::{
    server::{Freeze, Server, Work},
    world::{Request, Simulated, World, open},
};

/// Every kind of end, with no order to it.
fn mixed(number: u64) -> Outcome {
    let answer = |status| {
        Outcome::Completed(Answer { status, cache: None, bytes: number, body: Body::Same })
    };
    match number % 7 {
        0 => Outcome::Failed(Fault::ReadReset),
        1 => answer(503),
        2 => Outcome::Failed(Fault::HeaderTimeout),
        _ => answer(200),
    }
}

fn ms(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

fn freeze() -> impl Strategy<Value = Freeze> {
    let some = (ms(0..1500), ms(1..800)).prop_map(|(from, lasts)| Freeze { from, lasts });
    prop_oneof![Just(Freeze::NEVER), some]
}

fn loads() -> impl Strategy<Value = (Load, usize)> {
    let arrivals = prop_oneof![
        Just(Arrivals::Constant),
        any::<u64>().prop_map(|seed| Arrivals::Poisson { seed })
    ];
    prop_oneof![
        4 => (1.0..800.0, ms(1..1500), arrivals, 1..20_usize)
            .prop_map(|(rate, length, arrivals, slots)| (open(rate, length, arrivals), slots)),
        1 => (1..20_u32, ms(1..500)).prop_map(|(users, duration)| {
            let slots = usize::try_from(users).unwrap();
            (Load::Closed { users: NonZeroU32::new(users).unwrap(), duration }, slots)
        }),
    ]
}

fn servers() -> impl Strategy<Value = Server> {
    let work = prop_oneof![
        (0..20_000_u64).prop_map(|us| Work::Fixed(Duration::from_micros(us))),
        (1..20_000_u64, any::<u64>())
            .prop_map(|(us, seed)| Work::exponential(Duration::from_micros(us), seed)),
    ];
    // A closed model asks again at once: an answer takes some time, or there
    // is no end to it.
    let work = work.prop_map(|work| match work {
        Work::Fixed(time) => Work::Fixed(time.max(Duration::from_micros(100))),
        exponential @ Work::Exponential(..) => exponential,
    });
    (1..10_usize, work, freeze())
        .prop_map(|(servers, work, frozen)| Server::new(servers, work, frozen))
}

fn worlds() -> impl Strategy<Value = World> {
    let late = prop_oneof![Just(LatePolicy::Send), ms(0..100).prop_map(LatePolicy::DropAfter),];
    let cut = proptest::option::of((ms(0..2000), ms(0..200)));
    let shard = (0..3_u32).prop_flat_map(|others| {
        (0..=others)
            .prop_map(move |index| Shard::new(index, NonZeroU32::new(others + 1).unwrap()).unwrap())
    });
    (loads(), servers(), freeze(), late, cut, shard).prop_map(
        |((load, slots), server, frozen, late, cut, shard)| World {
            frozen,
            late,
            cut,
            shard,
            outcome: mixed,
            ..World::new(load, slots, server)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Planned = sent + dropped + unsent, and sent = completed + failed +
    /// unfinished, of whichever shard, however the run is cut short.
    #[test]
    fn every_request_is_accounted_for(world in worlds()) {
        let (late, cut) = (world.late, world.cut);
        let Simulated { record, requests, planned, unsent, .. } = world.run();
        let totals = record.counts.totals(planned, unsent);
        prop_assert!(totals.is_ok(), "{totals:?}");
        prop_assert_eq!(record.counts.sent, u64::try_from(requests.len()).unwrap());
        let service = record.times(Tag::all(Clock::Service)).map_or(0, Times::len);
        prop_assert_eq!(service, record.counts.sent);
        // What was given up is a lower bound, and nothing else is.
        let given_up = record.counts.faults.get(&Fault::HeaderTimeout).copied().unwrap_or_default()
            + record.counts.unfinished;
        let censored = record.times(Tag::all(Clock::Service)).map_or(0, Times::censored);
        prop_assert_eq!(censored, given_up);
        if late == LatePolicy::Send {
            prop_assert_eq!(record.counts.dropped, 0);
        }
        if cut.is_none() {
            prop_assert_eq!((unsent, record.counts.unfinished), (0, 0));
        }
    }

    /// What is sent was due and not too late, and a generator that never stands
    /// still never holds it back while a connection is free.
    #[test]
    fn moments_come_in_their_order(world in worlds()) {
        let (late, on_time) = (world.late, world.frozen.lasts.is_zero());
        for request in world.run().requests {
            let moments = request.moments;
            prop_assert!(moments.sent <= moments.done);
            let Some(due) = moments.due else { continue };
            prop_assert!(due.at <= due.ready && due.ready <= moments.sent, "{moments:?}");
            if on_time {
                prop_assert_eq!(due.ready, moments.sent);
            }
            if let LatePolicy::DropAfter(limit) = late {
                prop_assert!(moments.sent <= due.at + limit, "{moments:?}");
            }
        }
    }

    /// Little's law without a mean: what is under way, over time, is what each
    /// request took, to the nanosecond.
    #[test]
    fn the_requests_under_way_are_the_sum_of_their_times(world in worlds()) {
        let slots = world.slots;
        let Simulated { requests, busy, most_under_way, .. } = world.run();
        prop_assert_eq!(busy, requests.iter().map(Request::service).sum());
        prop_assert!(most_under_way <= u64::try_from(slots).unwrap());
    }
}
