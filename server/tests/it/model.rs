//! The functions that decide on freshness and storing, compared with a slow and
//! literal model of RFC 9111 over generated cases.
//!
//! `RELAY_MODEL_CASES` says over how many, `RELAY_MODEL_SEED` from which seed on;
//! a failing case tells its own.

mod case;
mod compare;
mod generator;
mod rfc9111;
mod syntax;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use self::{
    case::Case,
    compare::{classes, difference},
    rfc9111::store,
};

const CASES: u64 = 1_000_000;
const SEED: u64 = 20_261_123;

/// Classes of cases, and how many in ten thousand there have to be: a
/// comparison over cases that are all refused would prove nothing.
const CLASSES: &[(&str, u64)] = &[
    ("stored", 4000),
    ("explicit", 2000),
    ("configured", 500),
    ("heuristic", 100),
    ("targeted", 500),
    ("never stale", 500),
    ("always validated", 100),
    ("withheld", 100),
    ("part", 100),
    ("ends", 300),
    ("fresh", 1000),
    ("stale-while-revalidate", 300),
    ("max-stale in request", 100),
    ("stands in though stale", 500),
    ("forwarded", 1000),
    ("unsatisfiable", 50),
];

fn number(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap())
}

#[test]
fn decides_as_the_model_does() {
    let count = number("RELAY_MODEL_CASES").unwrap_or(CASES);
    let seed = number("RELAY_MODEL_SEED").unwrap_or(SEED);
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let failed = AtomicBool::new(false);
    let work = |first: u64| {
        let mut found = Counts::new();
        for seed in (first..seed + count).step_by(usize::try_from(threads).unwrap()) {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let (case, stored) = generator::case(seed);
            if difference(&case, &stored).is_some() {
                failed.store(true, Ordering::Relaxed);
                return Err(Box::new(case));
            }
            for class in classes(&case, &stored) {
                *found.entry(class).or_default() += 1;
            }
        }
        Ok(found)
    };
    let mut found = Counts::new();
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || work(seed + thread))).collect();
        for worker in workers {
            match worker.join().unwrap() {
                Ok(of_thread) => {
                    for (class, cases) in of_thread {
                        *found.entry(class).or_default() += cases;
                    }
                }
                Err(case) => fail(*case),
            }
        }
    });

    // A few cases need not have everything in them.
    if CASES <= count {
        for (class, cases) in &found {
            println!("{cases:8} of {count}: {class}");
        }
        for (class, least) in CLASSES {
            let cases = found.get(class).copied().unwrap_or_default();
            assert!(count * least <= cases * 10_000, "only {cases} of {count} cases are {class}");
        }
    }
}

/// How many cases there are of each class.
type Counts = BTreeMap<&'static str, u64>;

fn fail(case: Case) {
    let case = shrunk(case);
    let difference = difference(&case, &store(&case)).unwrap_or_default();
    let seed = case.seed;
    panic!("\n{difference}\n\n{case}\nRELAY_MODEL_SEED={seed} RELAY_MODEL_CASES=1\n");
}

/// The case with as few lines as it needs to fail.
fn shrunk(mut case: Case) -> Case {
    let lists: [fn(&mut Case) -> &mut Vec<case::Line>; 3] =
        [|case| &mut case.request, |case| &mut case.response, |case| &mut case.presented];
    for list in lists {
        let mut at = 0;
        while at < list(&mut case).len() {
            let mut smaller = case.clone();
            list(&mut smaller).remove(at);
            if difference(&smaller, &store(&smaller)).is_some() { case = smaller } else { at += 1 }
        }
    }
    case
}
