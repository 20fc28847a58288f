//! Programs and the steps that they give.

use std::num::NonZeroU32;

use super::*;

fn rate(per_second: f64) -> Rate {
    Rate::new(per_second).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn options(sweep: &str, repeat: u32, order: Order) -> StepsOptions {
    StepsOptions {
        sweep: sweep.parse().unwrap(),
        hold: seconds(20),
        settle: seconds(3),
        repeat: NonZeroU32::new(repeat).unwrap(),
        order,
        arrivals: Arrivals::Poisson { seed: 1 },
    }
}

/// The rates of steps, and how many of the same rate came before.
fn rates(steps: &[Step]) -> Vec<(f64, u32)> {
    steps.iter().map(|step| (step.rate.map_or(0.0, Rate::per_second), step.trial)).collect()
}

#[track_caller]
fn check(sweep: &str, repeat: u32, order: Order, expected: &[(f64, u32)]) {
    let steps = Steps::new(options(sweep, repeat, order)).unwrap();
    assert_eq!(rates(steps.all()), expected);
}

#[test]
fn orders() {
    check("1,2", 2, Order::Up, &[(1.0, 0), (2.0, 0), (1.0, 1), (2.0, 1)]);
    check("1,2", 2, Order::Down, &[(2.0, 0), (1.0, 0), (2.0, 1), (1.0, 1)]);
    check("1,2", 1, Order::UpDown, &[(1.0, 0), (2.0, 0), (2.0, 1), (1.0, 1)]);
    // The order of a seed stays, on any machine and with any version.
    let random = [(2.0, 0), (3.0, 0), (1.0, 0), (2.0, 1), (1.0, 1), (3.0, 1)];
    check("1,2,3", 2, Order::Random { seed: 7 }, &random);
}

#[test]
fn each_random_repeat_has_all_rates_in_an_order_of_its_own() {
    let order = |seed| {
        let steps = Steps::new(options("1..50:+1", 4, Order::Random { seed })).unwrap();
        rates(steps.all())
    };
    let all = order(1);
    let sorted: Vec<_> = (1..=50).map(f64::from).collect();
    for (repeat, block) in (0..).zip(all.chunks(50)) {
        let mut rates: Vec<_> = block.iter().map(|(rate, _)| *rate).collect();
        rates.sort_unstable_by(f64::total_cmp);
        assert_eq!(rates, sorted);
        assert!(block.iter().all(|(_, trial)| *trial == repeat));
    }
    let without_trials = |block: &[(f64, u32)]| block.iter().map(|it| it.0).collect::<Vec<_>>();
    assert_ne!(without_trials(&all[..50]), without_trials(&all[50..100]));
    assert_eq!(all, order(1));
    assert_ne!(all, order(2));
}

/// Each of the rates is first about as often as any other.
#[test]
fn orders_are_even() {
    let steps = Steps::new(options("1,2,3,4", 2000, Order::Random { seed: 3 })).unwrap();
    let rates = rates(steps.all());
    for place in 0..4 {
        let often = rates.chunks(4).filter(|block| block[place].0 < 1.5).count();
        // Four standard deviations of a binomial number.
        assert!((423..=577).contains(&often), "{often} times at {place}");
    }
}

#[test]
fn each_step_has_arrivals_of_its_own() {
    let mut seeds: Vec<_> = Steps::new(options("1..50:+1", 4, Order::Up))
        .unwrap()
        .all()
        .iter()
        .map(|step| match &step.load {
            Load::Open { arrivals: Arrivals::Poisson { seed }, .. } => *seed,
            other => panic!("{other:?}"),
        })
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 200);
    let even = StepsOptions { arrivals: Arrivals::Constant, ..options("5", 1, Order::Up) };
    let step = Program::Steps(Steps::new(even).unwrap()).next(None).unwrap();
    let profile = Profile::constant(rate(5.0), seconds(23)).unwrap();
    let load = Load::Open { profile, arrivals: Arrivals::Constant };
    assert_eq!(step, Step { rate: Some(rate(5.0)), trial: 0, load, settle: seconds(3) });
}

#[test]
fn the_most_that_is_due_within_a_minute() {
    let most = |program: &Program| program.most_within(seconds(60)).map(f64::round);
    let steps =
        |sweep, repeat| Program::Steps(Steps::new(options(sweep, repeat, Order::Up)).unwrap());
    let profile = Profile::constant(rate(100.0), seconds(10)).unwrap();
    let load = Load::Open { profile, arrivals: Arrivals::Constant };
    assert_eq!(most(&once(load, None)), Some(1000.0));
    // Each lasts 23 s: the last two and the end of the one before.
    assert_eq!(most(&steps("10,20,40", 1)), Some(14.0 * 10.0 + 23.0 * 60.0));
    // Or two of the highest rate, and all between them that fits.
    assert_eq!(most(&steps("1,100", 2)), Some(37.0 * 100.0 + 23.0));
    // A year and more is no schedule, and is as busy as it can be.
    let long = StepsOptions { hold: seconds(20_000_000), ..options("1,5", 1, Order::Down) };
    assert_eq!(most(&Program::Steps(Steps::new(long).unwrap())), Some(300.0));
    assert_eq!(most(&Program::Search(search())), Some(60.0 * search().highest().per_second()));
    let load = Load::Closed { users: NonZeroU32::MIN, duration: seconds(10) };
    assert_eq!(most(&once(load, None)), None);
}

#[test]
fn what_cannot_be_is_named() {
    #[track_caller]
    fn fails(options: StepsOptions, expected: &str) {
        assert_eq!(Steps::new(options).unwrap_err().to_string(), expected);
    }
    let many = "steps are too many: at most 10000; try fewer rates or repeats";
    fails(options("1,2", 5001, Order::Up), &format!("10002 {many}"));
    fails(options("1", 5001, Order::UpDown), &format!("10002 {many}"));
    fails(options("1..10000:+1", u32::MAX, Order::UpDown), &format!("85899345900000 {many}"));
    let short = StepsOptions { hold: Duration::ZERO, ..options("1", 1, Order::Up) };
    fails(short, "a schedule needs a duration of more than 0");
    let long = StepsOptions { settle: Duration::MAX, ..options("1", 1, Order::Up) };
    fails(long, "a schedule lasts a year at most");
    assert_eq!(Steps::new(options("1", 10_000, Order::Up)).unwrap().all().len(), MAX_STEPS);
}

fn search() -> Search {
    Search::new(SearchOptions {
        lowest: rate(100.0),
        highest: rate(20_000.0),
        precision: 0.05,
        trials: NonZeroU32::new(3).unwrap(),
        hold: seconds(10),
        settle: seconds(0),
        arrivals: Arrivals::Constant,
    })
    .unwrap()
}

fn once(load: Load, rate: Option<Rate>) -> Program {
    Program::once(Step { rate, trial: 0, load, settle: seconds(3) })
}

#[test]
fn all_are_driven_alike() {
    #[track_caller]
    fn check(mut program: Program, judgement: Judgement, expected: &[f64]) {
        let mut rates = Vec::new();
        let mut last = None;
        while let Some(step) = program.next(last) {
            rates.push(step.rate.map_or(0.0, Rate::per_second));
            last = Some(judgement);
        }
        assert_eq!(rates, expected);
        assert_eq!(program.next(last), None);
    }
    let load = Load::Closed { users: NonZeroU32::MIN, duration: seconds(5) };
    check(once(load, None), Judgement::Met, &[0.0]);
    let steps = || Program::Steps(Steps::new(options("1,2", 1, Order::UpDown)).unwrap());
    check(steps(), Judgement::Missed, &[1.0, 2.0, 2.0, 1.0]);
    check(Program::Search(search()), Judgement::Missed, &[100.0, 100.0]);
}

#[track_caller]
fn says(program: &Program, length: Option<u64>, expected: &str) {
    assert_eq!(program.to_string(), expected);
    assert_eq!(program.length(), length.map(seconds));
}

#[test]
fn a_program_is_said_in_a_line() {
    let steps = |options| Program::Steps(Steps::new(options).unwrap());
    says(
        &steps(options("500..20k:x1.25", 3, Order::Random { seed: 7 })),
        Some(23 * 18 * 3),
        "steps 500..20000:x1.25 per second, each held 20s after settling 3s, 3 times in random \
         order (seed 7)",
    );
    let unsettled = StepsOptions { settle: Duration::ZERO, ..options("100,200", 1, Order::UpDown) };
    says(
        &steps(unsettled),
        Some(80),
        "steps 100,200 per second, each held 20s, once going up and down",
    );
    says(
        &Program::Search(search()),
        None,
        "search 100..20000 per second to 5%, each load tried up to 3 times and held 10s",
    );
    let arrivals = Arrivals::Constant;
    let profile = Profile::constant(rate(50.0), seconds(23)).unwrap();
    let constant = once(Load::Open { profile, arrivals }, Some(rate(50.0)));
    says(&constant, Some(23), "50/s over 20s after settling 3s");
    let profile = Profile::linear(Rate::ZERO, rate(100.0), seconds(10)).unwrap();
    let ramp = once(Load::Open { profile, arrivals }, None);
    says(&ramp, Some(10), "500 requests over 7s after settling 3s");
    let users = Load::Closed { users: NonZeroU32::new(64).unwrap(), duration: seconds(33) };
    says(&once(users, None), Some(33), "64 users over 30s after settling 3s");
}
