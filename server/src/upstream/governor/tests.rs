//! The governor told what happens, without sockets or a clock.

use std::net::IpAddr;

use Purpose::{Client, PassThrough, Refresh};
use proptest::prelude::*;

use super::{bucket::tests::check_windows, *};
use crate::exchange::budget::{Claimed, Told};

const FREE: Limits = Limits { rate: None, burst: 20, concurrency: None, share: Fraction::WHOLE };
/// How long a request waits, where the scene does not say.
const PATIENCE: Duration = Duration::from_secs(30);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn share(number: u8) -> Share {
    Share::of(IpAddr::from([192, 0, 2, number]))
}

/// A governor and the time.
struct Scene {
    governor: Governor,
    patience: Duration,
    now: Duration,
}

impl Scene {
    fn new(limits: Limits) -> Scene {
        let governor = Governor::new(limits, 7);
        Scene { governor, patience: PATIENCE, now: Duration::ZERO }
    }

    fn ask(&mut self, purpose: Purpose) -> Result<Entry, Refusal> {
        self.governor.ask(purpose, share(1), self.now + self.patience, self.now)
    }

    #[track_caller]
    fn go(&mut self, purpose: Purpose) -> Grant {
        match self.ask(purpose).unwrap() {
            Entry::Go(grant) => grant,
            Entry::Wait(_) => panic!("it has to wait"),
        }
    }

    #[track_caller]
    fn wait(&mut self, purpose: Purpose) -> Ticket {
        match self.ask(purpose).unwrap() {
            Entry::Wait(ticket) => ticket,
            Entry::Go(_) => panic!("it may go"),
        }
    }

    /// What is refused, and for how many milliseconds.
    #[track_caller]
    fn refused(&mut self, purpose: Purpose) -> (Bound, u128) {
        let refusal = self.ask(purpose).unwrap_err();
        (refusal.bound, refusal.retry_after.as_millis())
    }

    fn answer(&mut self, mut grant: Grant, status: u16, advice: &Advice) {
        let status = StatusCode::from_u16(status).unwrap();
        self.governor.came(&mut grant, Came::Answer(status, advice), self.now);
        self.governor.release(&grant, self.now);
    }

    fn fail(&mut self, mut grant: Grant) {
        self.governor.came(&mut grant, Came::Failure, self.now);
        self.governor.release(&grant, self.now);
    }

    /// Whose waiting is over, and how.
    fn next(&mut self) -> Vec<(Ticket, Result<Grant, Refusal>)> {
        std::iter::from_fn(|| self.governor.next(self.now)).collect()
    }
}

fn retry_after(seconds: u64) -> Advice {
    Advice { retry_after: Some(Duration::from_secs(seconds)), ..Advice::default() }
}

fn quota(remaining: u32, seconds: u64) -> Advice {
    let quota = Quota { remaining, reset: Duration::from_secs(seconds) };
    Advice { quota: Some(quota), ..Advice::default() }
}

#[test]
fn who_would_wait_in_vain_is_told_the_true_wait() {
    let mut scene = Scene::new(Limits { rate: Some(2.0), burst: 1, ..FREE });
    scene.patience = ms(1000);
    scene.go(Client);
    let (first, second) = (scene.wait(Client), scene.wait(Client));
    assert_eq!(scene.refused(Client), (Bound::Rate, 1500));
    assert_eq!(scene.governor.wake_at(scene.now), Some(ms(500)));
    scene.now = ms(500);
    assert_eq!(scene.next()[0].0, first);
    // A place in line has become free.
    let third = scene.wait(Client);
    scene.governor.cancel(second);
    scene.now = ms(1000);
    let served = scene.next();
    assert!(served.len() == 1 && served[0].0 == third, "{served:?}");
    assert_eq!(scene.governor.wake_at(scene.now), None);
}

#[test]
fn a_place_is_kept_until_it_is_released() {
    let mut scene = Scene::new(Limits { concurrency: Some(2), ..FREE });
    let (one, two) = (scene.go(Client), scene.go(Refresh));
    let refresh = scene.wait(Refresh);
    let client = scene.wait(Client);
    // Only somebody's end helps, so the timer is for the deadline.
    assert_eq!(scene.governor.wake_at(scene.now), Some(PATIENCE));
    scene.now = ms(3000);
    scene.answer(one, 200, &Advice::default());
    let served = scene.next();
    assert!(served.len() == 1 && served[0].0 == client, "clients first: {served:?}");
    scene.now = PATIENCE;
    let served = scene.next();
    // An exchange takes three seconds, two at a time.
    let refusal = Refusal { bound: Bound::Concurrency, retry_after: ms(1500) };
    assert_eq!(served, [(refresh, Err(refusal))]);
    scene.answer(two, 200, &Advice::default());
    scene.go(Client);
}

#[test]
fn who_would_wait_too_long_for_a_place_is_refused_at_once() {
    let mut scene = Scene::new(Limits { concurrency: Some(1), ..FREE });
    let grant = scene.go(Client);
    scene.now = ms(12_000);
    scene.answer(grant, 200, &Advice::default());
    scene.go(Client);
    scene.wait(Client);
    scene.wait(Client);
    assert_eq!(scene.refused(Client), (Bound::Concurrency, 36_000));
}

#[test]
fn what_passes_through_has_half_of_the_places() {
    let mut scene = Scene::new(Limits { concurrency: Some(4), ..FREE });
    let (one, _two) = (scene.go(PassThrough), scene.go(PassThrough));
    let waits = scene.wait(PassThrough);
    scene.go(Refresh);
    scene.answer(one, 200, &Advice::default());
    let served = scene.next();
    assert!(served.len() == 1 && served[0].0 == waits, "{served:?}");
    // One place of one is for both.
    let mut scene = Scene::new(Limits { concurrency: Some(1), ..FREE });
    scene.go(PassThrough);
    scene.wait(Client);
}

#[test]
fn the_queue_has_an_end() {
    let mut scene = Scene::new(Limits { concurrency: Some(1), ..FREE });
    scene.go(Client);
    for _ in 0..queue::PLACES {
        scene.wait(Refresh);
    }
    assert_eq!(scene.refused(Client).0, Bound::Queue);
    assert_eq!(scene.governor.figures(scene.now).waiting, 1024);
    assert_eq!(scene.governor.figures(scene.now).ledger.refused(Bound::Queue), 1);
}

#[test]
fn nobody_waits_for_an_upstream_that_said_when_to_come_back() {
    for status in [429, 503] {
        let mut scene = Scene::new(Limits { concurrency: Some(1), ..FREE });
        let grant = scene.go(Client);
        let waits = scene.wait(Client);
        scene.now = ms(100);
        scene.answer(grant, status, &retry_after(20));
        let served = scene.next();
        let (bound, wait) = scene.refused(Client);
        assert_eq!(bound, Bound::Hold);
        assert!((20_000..=22_000).contains(&wait), "{wait}");
        let refusal =
            Refusal { bound, retry_after: Duration::from_millis(u64::try_from(wait).unwrap()) };
        assert_eq!(served, [(waits, Err(refusal))]);

        // When it is over one goes, and the others wait for what it finds.
        scene.now = ms(22_101);
        let probe = scene.go(Refresh);
        let waits = scene.wait(Client);
        assert_eq!(scene.next(), []);
        scene.now = ms(23_000);
        scene.answer(probe, 200, &Advice::default());
        scene.now = ms(30_000);
        let served = scene.next();
        assert!(served.len() == 1 && served[0].0 == waits && served[0].1.is_ok(), "{served:?}");
    }
}

#[test]
fn a_hold_is_bounded_and_grows_where_nothing_is_said() {
    let mut scene = Scene::new(FREE);
    let mut held = |advice: &Advice| {
        let grant = scene.go(Client);
        scene.answer(grant, 429, advice);
        let wait = scene.refused(Client).1;
        scene.now += Duration::from_hours(2);
        wait
    };
    assert!((1000..=1100).contains(&held(&Advice::default())));
    assert!((2000..=2200).contains(&held(&Advice::default())));
    assert!((4000..=4400).contains(&held(&Advice::default())));
    assert!((9000..=9900).contains(&held(&quota(0, 9))));
    assert!((3_600_000..=3_605_000).contains(&held(&retry_after(1_000_000))));
    assert!((1000..=1100).contains(&held(&retry_after(0))));
    assert!((60_000..=65_000).contains(&{
        held(&Advice::default());
        held(&Advice::default())
    }));
}

#[test]
fn answers_from_before_do_not_shorten_the_next_hold() {
    let mut scene = Scene::new(FREE);
    let (limited, late) = (scene.go(Client), scene.go(Client));
    scene.now = ms(100);
    scene.answer(limited, 429, &Advice::default());
    scene.answer(late, 200, &Advice::default());
    scene.now = Duration::from_mins(1);
    let probe = scene.go(Client);
    let before = scene.governor.figures(scene.now).ledger.held;
    scene.answer(probe, 429, &Advice::default());
    assert!(2000 <= scene.refused(Client).1);
    assert_eq!((before, scene.governor.figures(scene.now).ledger.held), (1, 2));
}

#[test]
fn those_that_were_under_way_make_no_hold_of_their_own() {
    let mut scene = Scene::new(FREE);
    let crowd = [scene.go(Client), scene.go(Client), scene.go(Client)];
    scene.now = ms(100);
    for (grant, seconds) in crowd.into_iter().zip([5, 60, 5]) {
        scene.answer(grant, 429, &retry_after(seconds));
    }
    assert_eq!(scene.governor.figures(scene.now).ledger.held, 1);
    // The longest counts.
    assert!(60_000 <= scene.refused(Client).1);
}

#[test]
fn relays_that_were_told_the_same_come_back_one_after_the_other() {
    let waits: std::collections::BTreeSet<u128> = (0..20)
        .map(|seed| {
            let mut scene = Scene { governor: Governor::new(FREE, seed), ..Scene::new(FREE) };
            let grant = scene.go(Client);
            scene.answer(grant, 429, &retry_after(60));
            scene.refused(Client).1
        })
        .collect();
    assert!(10 < waits.len(), "{waits:?}");
}

#[test]
fn a_probe_that_nobody_waits_for_leaves_it_to_the_next() {
    let mut scene = Scene::new(FREE);
    let grant = scene.go(Client);
    scene.answer(grant, 429, &retry_after(5));
    scene.now = ms(5600);
    let probe = scene.go(Client);
    let waits = scene.wait(Client);
    scene.governor.release(&probe, scene.now);
    scene.now = ms(12_000);
    let served = scene.next();
    assert!(served.len() == 1 && served[0].0 == waits && served[0].1.is_ok(), "{served:?}");
    let ledger = scene.governor.figures(scene.now).ledger;
    assert_eq!(ledger.spent(Client, Spent::Abandoned), 1);
    assert_eq!(ledger.spent(Client, Spent::Limited), 1);
    // One that stalls is followed by another after ten seconds.
    let stalled = scene.governor.figures(scene.now).total_under_way();
    assert_eq!(stalled, 1);
    scene.wait(Client);
    scene.now = ms(22_100);
    assert_eq!(scene.next().len(), 1);
}

#[test]
fn a_probe_from_before_a_new_hold_does_not_end_it() {
    let mut scene = Scene::new(Limits { rate: Some(100.0), ..FREE });
    let grant = scene.go(Client);
    scene.answer(grant, 429, &retry_after(1));
    scene.now = ms(2000);
    let old = scene.go(Client);
    scene.now = ms(12_500);
    let new = scene.go(Client);
    scene.answer(new, 429, &retry_after(60));
    scene.now = ms(13_000);
    scene.answer(old, 200, &Advice::default());
    assert_eq!(scene.refused(Client).0, Bound::Hold);
}

#[test]
fn an_old_probe_that_nobody_waits_for_does_not_end_a_new_hold() {
    let mut scene = Scene::new(Limits { rate: Some(100.0), ..FREE });
    let grant = scene.go(Client);
    scene.answer(grant, 429, &retry_after(1));
    scene.now = ms(2000);
    let old = scene.go(Client);
    scene.now = ms(12_500);
    let new = scene.go(Client);
    scene.answer(new, 429, &retry_after(60));
    scene.now = ms(13_000);
    scene.governor.release(&old, scene.now);
    assert_eq!(scene.refused(Client).0, Bound::Hold);
}

#[test]
fn what_is_left_is_not_overspent() {
    let mut scene = Scene::new(Limits { concurrency: Some(8), ..FREE });
    let first = scene.go(Client);
    let _under_way = scene.go(Client);
    // Three are left, and one is under way that it may not have counted.
    scene.answer(first, 200, &quota(3, 10));
    let second = scene.go(Client);
    scene.go(Client);
    let waits = scene.wait(Client);
    // An older answer comes late.
    scene.answer(second, 200, &quota(5, 10));
    assert_eq!(scene.next(), []);
    assert_eq!(scene.governor.wake_at(scene.now), Some(ms(10_000)));
    scene.now = ms(10_000);
    let served = scene.next();
    assert!(served.len() == 1 && served[0].0 == waits, "{served:?}");
    // Who would wait for longer than it can is told.
    let grant = scene.go(Client);
    scene.answer(grant, 200, &quota(0, 40));
    assert_eq!(scene.refused(Client), (Bound::Quota, 40_000));
}

#[test]
fn the_upstreams_own_limits_count_where_they_are_lower() {
    let mut scene = Scene::new(Limits { concurrency: Some(8), ..FREE });
    let grant = scene.go(Client);
    let policy = advice::Policy { quota: 1, window: Duration::from_secs(1) };
    let said = Advice { policy: Some(policy), concurrency: Some(2), ..Advice::default() };
    scene.answer(grant, 200, &said);
    assert_eq!(scene.governor.figures(scene.now).rate, Some(0.9));
    scene.now = ms(1112);
    scene.go(Client);
    scene.now = ms(2224);
    scene.go(Client);
    scene.now = ms(9999);
    scene.wait(Client);
    assert_eq!(scene.next(), []);
}

#[test]
fn a_dead_upstream_gets_probes_and_nothing_else() {
    let mut scene = Scene::new(Limits { rate: Some(10.0), concurrency: Some(8), ..FREE });
    let mut sent = Vec::new();
    let hour = 3_600_000;
    for at in (0..hour).step_by(10) {
        scene.now = ms(at);
        if let Ok(Entry::Go(grant)) = scene.ask(Client) {
            sent.push(at);
            scene.fail(grant);
        }
    }
    assert!(sent.len() < 10 + 4 + 360 + 1, "{}", sent.len());
    assert!(sent.windows(2).skip(10).all(|pair| pair[1] - pair[0] <= 10_010));
    assert_eq!(scene.refused(Client).0, Bound::Breaker);
    // One that goes well ends it.
    scene.now += Duration::from_secs(11);
    let probe = scene.go(Client);
    assert_eq!(scene.refused(Client).0, Bound::Breaker);
    scene.answer(probe, 404, &Advice::default());
    scene.go(Client);
    scene.go(Client);
}

#[test]
fn errors_of_a_resource_do_not_open_the_breaker() {
    for (status, opens) in [(500, false), (501, false), (404, false), (502, true), (504, true)] {
        let mut scene = Scene::new(FREE);
        for _ in 0..10 {
            let grant = scene.go(Client);
            scene.answer(grant, status, &Advice::default());
        }
        assert_eq!(scene.ask(Client).is_err(), opens, "{status}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(Purpose, u8),
    Cancel(usize),
    Answer(usize, u16),
    Drop(usize),
    Pause(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let purpose = prop::sample::select(Purpose::ALL.to_vec());
    let status = prop::sample::select(vec![200, 200, 200, 404, 429, 502, 503]);
    prop_oneof![
        8 => (purpose, 0_u8..4).prop_map(|(purpose, client)| Step::Ask(purpose, client)),
        1 => (0_usize..50).prop_map(Step::Cancel),
        4 => ((0_usize..50), status).prop_map(|(which, status)| Step::Answer(which, status)),
        1 => (0_usize..50).prop_map(Step::Drop),
        4 => (0_u64..3000).prop_map(Step::Pause),
    ]
}

proptest! {
    /// Whatever happens: no more are under way than may be, nobody who waits is
    /// forgotten, and no permit is lost.
    #[test]
    fn whatever_happens(steps in prop::collection::vec(step(), 1..300)) {
        let limits =
            Limits { rate: Some(5.0), burst: 3, concurrency: Some(4), share: Fraction::WHOLE };
        let mut scene = Scene::new(limits);
        let patience = ms(4000);
        let mut grants: Vec<Grant> = Vec::new();
        let mut waiting: Vec<(Ticket, Duration)> = Vec::new();
        let mut went = Vec::new();
        for step in steps {
            match step {
                Step::Ask(purpose, client) => {
                    match scene.governor.ask(purpose, share(client), scene.now + patience, scene.now) {
                        Ok(Entry::Go(grant)) => {
                            went.push(scene.now);
                            grants.push(grant);
                        }
                        Ok(Entry::Wait(ticket)) => waiting.push((ticket, scene.now)),
                        Err(_) => {}
                    }
                }
                Step::Cancel(which) if which < waiting.len() => {
                    scene.governor.cancel(waiting.swap_remove(which).0);
                }
                Step::Answer(which, status) if which < grants.len() => {
                    let grant = grants.swap_remove(which);
                    scene.answer(grant, status, &Advice::default());
                }
                Step::Drop(which) if which < grants.len() => {
                    scene.governor.release(&grants.swap_remove(which), scene.now);
                }
                Step::Pause(time) => scene.now += ms(time),
                _ => {}
            }
            for (ticket, word) in scene.next() {
                let at = waiting.iter().position(|(waits, _)| *waits == ticket);
                let at = at.expect("nobody is told twice, or after having left");
                waiting.swap_remove(at);
                if let Ok(grant) = word {
                    went.push(scene.now);
                    grants.push(grant);
                }
            }
            let figures = scene.governor.figures(scene.now);
            prop_assert_eq!(figures.total_under_way(), grants.len() as u64);
            prop_assert_eq!(figures.waiting, waiting.len() as u64);
            prop_assert!(grants.len() <= 4);
            prop_assert!(waiting.iter().all(|(_, since)| scene.now < *since + patience));
            let wake_at = scene.governor.wake_at(scene.now);
            prop_assert_eq!(wake_at.is_some(), !waiting.is_empty());
            prop_assert!(wake_at.is_none_or(|at| scene.now < at), "the timer would spin");
        }
        check_windows(&went, 5.0, 3);
        for grant in &grants {
            scene.governor.release(grant, scene.now);
        }
        for (ticket, _) in &waiting {
            scene.governor.cancel(*ticket);
        }
        let figures = scene.governor.figures(scene.now);
        prop_assert_eq!((figures.total_under_way(), figures.waiting), (0, 0));
    }
}

#[test]
fn figures_say_what_stands_in_the_way() {
    let mut scene = Scene::new(Limits { rate: Some(2.0), burst: 20, ..FREE });
    let grant = scene.go(Client);
    scene.answer(grant, 200, &quota(10, 60));
    let before = scene.governor.figures(scene.now);
    assert_eq!((before.tokens, before.rate, before.burst), (Some(19), Some(2.0), Some(20)));
    assert_eq!(before.quota, Some(Quota { remaining: 10, reset: Duration::from_mins(1) }));
    assert_eq!((before.hold, before.circuit), (None, Circuit::Closed));

    let grant = scene.go(Client);
    scene.now = ms(500);
    scene.answer(grant, 429, &retry_after(20));
    let held = scene.governor.figures(scene.now);
    assert_eq!((held.tokens, held.rate, held.burst), (Some(0), Some(1.0), Some(1)));
    assert_eq!(held.hold.map(|refusal| refusal.bound), Some(Bound::Hold));
    assert!((20..=23).contains(&held.held_for()), "{held:?}");
    assert_eq!(held.circuit, Circuit::Closed);
    // Quotas end, and what was told of them with them.
    assert_eq!(scene.governor.figures(ms(59_999)).quota.map(|quota| quota.reset), Some(ms(1)));
    assert_eq!(scene.governor.figures(ms(60_000)).quota, None);

    let mut scene = Scene::new(FREE);
    for _ in 0..10 {
        let grant = scene.go(Client);
        scene.fail(grant);
    }
    let open = scene.governor.figures(scene.now);
    assert_eq!((open.circuit, open.held_for()), (Circuit::Open, 1));
    assert_eq!(open.hold.map(|refusal| refusal.bound), Some(Bound::Breaker));
    scene.now = ms(1000);
    let due = scene.governor.figures(scene.now);
    assert_eq!((due.circuit, due.hold), (Circuit::HalfOpen, None));
    assert_eq!((due.tokens, due.rate, due.burst), (None, None, None));
    let probe = scene.go(Client);
    assert_eq!(scene.governor.figures(scene.now).circuit, Circuit::Open);
    assert_eq!(scene.governor.figures(scene.now).under_way, [1, 0, 0]);
    scene.answer(probe, 200, &Advice::default());
    assert_eq!(scene.governor.figures(scene.now).circuit, Circuit::Closed);
}

/// What the pool answers: so many granted, more in so long.
fn granted(granted: u32, wait: u64) -> Claimed {
    let (wait, interval) = (ms(wait), ms(100));
    Claimed::Told(Told { granted, wait, interval, hold: Duration::ZERO })
}

/// A scene that shares its budget from now on: a third of six an hour is its own.
fn sharing() -> Scene {
    let share = "1/3".parse().unwrap();
    let limits = Limits { rate: Some(1.0 / 3600.0), burst: 6, concurrency: Some(6), share };
    let mut scene = Scene::new(limits);
    scene.governor.share(scene.now);
    scene.governor.claim(scene.now);
    scene.governor.claimed(granted(0, 0), scene.now);
    scene
}

#[test]
fn who_shares_goes_when_it_is_granted_and_in_its_turn() {
    let mut scene = sharing();
    let [first, second, third] = [(); 3].map(|()| scene.wait(Client));
    let refresh = scene.wait(Refresh);
    assert_eq!(scene.governor.claim_at(scene.now), Some(ms(1)));
    let claim = scene.governor.claim(scene.now);
    assert_eq!((claim.wanted, claim.under_way, claim.concurrency), (4, 0, Some(6)));
    assert_eq!((claim.rate, claim.burst), (Some(1.0 / 3600.0), 6));
    scene.governor.claimed(granted(2, 100), scene.now);
    let served = scene.next();
    assert_eq!(served.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [first, second]);
    scene.now = ms(100);
    let claim = scene.governor.claim(scene.now);
    assert_eq!((claim.wanted, claim.under_way), (2, 2));
    scene.governor.claimed(granted(2, 0), scene.now);
    let served = scene.next();
    assert_eq!(served.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [third, refresh]);
}

#[test]
fn who_is_granted_nothing_in_time_is_told_the_true_wait() {
    let mut scene = sharing();
    let first = scene.wait(Client);
    scene.governor.claim(scene.now);
    scene.governor.claimed(granted(0, 40_000), scene.now);
    let refused = scene.next();
    assert!(refused.len() == 1 && refused[0].0 == first);
    assert_eq!(refused[0].1.as_ref().unwrap_err().retry_after, ms(40_000));
    assert_eq!(scene.refused(Client), (Bound::Rate, 40_000));
}

#[test]
fn only_those_are_wanted_that_could_go() {
    let mut scene = sharing();
    let limits = Limits { concurrency: Some(4), rate: None, ..scene.governor.limits };
    scene.governor.limits = limits;
    for _ in 0..5 {
        scene.wait(PassThrough);
    }
    // Half of the places.
    assert_eq!(scene.governor.claim(scene.now).wanted, 2);
    scene.governor.claimed(granted(2, 0), scene.now);
    assert_eq!(scene.next().len(), 2);
    assert_eq!(scene.governor.claim(scene.now).wanted, 0);
    scene.governor.claimed(granted(0, 0), scene.now);
    scene.wait(Client);
    assert_eq!(scene.governor.claim(scene.now).wanted, 1);
}

#[test]
fn the_change_over_gives_nothing_that_was_saved_up() {
    // However long it takes until the claim is known to have come to nothing.
    for (claimed, at) in [
        (Claimed::Unmade, 1000),
        (Claimed::Unmade, 9000),
        (Claimed::Lost, 1000),
        (Claimed::Lost, 9000),
    ] {
        let mut scene = sharing();
        scene.patience = Duration::from_hours(9);
        scene.now = ms(1000);
        scene.governor.claim(scene.now);
        scene.now = ms(at);
        scene.governor.claimed(claimed, scene.now);
        let (first, second) = (scene.wait(Client), scene.wait(Client));
        scene.now = Duration::from_secs(3599);
        assert!(scene.next().is_empty(), "{claimed:?} after {at} ms");
        scene.now = Duration::from_hours(4);
        assert_eq!(scene.next()[0].0, first, "{claimed:?} after {at} ms");
        scene.governor.cancel(second);
    }
}

#[test]
fn what_another_was_told_holds_and_is_not_told_back() {
    let mut scene = sharing();
    let waiting = scene.wait(Client);
    scene.governor.claim(scene.now);
    let told = Told { granted: 0, wait: ms(5000), interval: ms(100), hold: ms(5000) };
    scene.governor.claimed(Claimed::Told(told), scene.now);
    let refused = scene.next();
    assert!(refused.len() == 1 && refused[0].0 == waiting);
    assert_eq!(scene.refused(Client), (Bound::Hold, 5000));
    assert_eq!(scene.governor.figures(scene.now).ledger.held, 1);
    // Told once more, a little later, it is the same.
    scene.now = ms(100);
    assert_eq!(scene.governor.claim(scene.now).hold, None);
    scene.governor.claimed(Claimed::Told(told), scene.now);
    assert_eq!(scene.governor.figures(scene.now).ledger.held, 1);
}

#[test]
fn what_this_one_is_told_it_tells_the_others() {
    let mut scene = sharing();
    scene.wait(Client);
    scene.governor.claim(scene.now);
    scene.governor.claimed(granted(1, 0), scene.now);
    let (_, grant) = scene.next().remove(0);
    scene.answer(grant.unwrap(), 429, &retry_after(60));
    let hold = scene.governor.claim(scene.now).hold.unwrap();
    assert!((ms(60_000)..=ms(66_000)).contains(&hold), "{hold:?}");
}

#[test]
fn other_limits_count_from_now_on() {
    let mut scene = Scene::new(Limits {
        rate: Some(1.0),
        burst: 1,
        concurrency: Some(1),
        share: Fraction::WHOLE,
    });
    let first = scene.go(Client);
    let ticket = scene.wait(Client);
    assert_eq!(scene.governor.next(scene.now), None);
    // Room for another, and a rate that has its token by then.
    let wider = Limits { rate: Some(10.0), burst: 5, concurrency: Some(2), share: Fraction::WHOLE };
    scene.governor.keep_to(wider, scene.now);
    scene.now += ms(100);
    let (next, grant) = scene.governor.next(scene.now).unwrap();
    assert_eq!((next, grant.is_ok()), (ticket, true));
    assert_eq!(scene.governor.figures(scene.now).limits, wider);
    // Who is under way counts by the limits of now.
    scene.governor.keep_to(Limits { concurrency: Some(1), ..wider }, scene.now);
    scene.now += ms(1000);
    scene.governor.release(&first, scene.now);
    scene.wait(Client);
    assert_eq!(scene.governor.next(scene.now), None);
}
