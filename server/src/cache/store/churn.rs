//! Hit ratios and bounds of the store under churn.
//!
//! `cargo test -p server --lib hit_ratio -- --nocapture` prints the figures.

use std::{
    collections::{BTreeMap, HashMap},
    thread,
    time::UNIX_EPOCH,
};

use super::{
    tests::{MIB, body, key, put, response, variant},
    *,
};
use crate::cache::stored::StoredResponse;

const KIB: usize = 1 << 10;
const OBJECTS: usize = 100_000;
/// The store of a relay with `--cache-size 64MiB`, and its largest object.
const BOUND: usize = 56 * MIB;
const LARGEST: usize = 8 * MIB;
/// The relay runs maintenance every 250 ms; at 4,000 requests a second that
/// is every so many requests.
const MAINTENANCE_EVERY: usize = 1000;

/// A generator of numbers that are the same in each run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 1 KiB to 1 MiB, as often in each octave.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 2^20")]
    fn size(&mut self) -> usize {
        2_f64.powf(10.0 + 10.0 * self.uniform()) as usize
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Ranks from 0, each so likely as it is far from the front (Zipf, exponent 1).
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(ranks: usize) -> Zipf {
        let harmonic = (1..=ranks).scan((0.0, 0.0), |(sum, rank), _| {
            *rank += 1.0;
            *sum += 1.0 / *rank;
            Some(*sum)
        });
        Zipf(harmonic.collect())
    }

    fn next(&self, random: &mut Random) -> usize {
        let at = random.uniform() * self.0[self.0.len() - 1];
        self.0.partition_point(|sum| *sum < at)
    }
}

/// A byte-sized LRU: what leaves first is what was not asked for the longest.
struct Lru {
    capacity: usize,
    used: usize,
    turn: usize,
    turns: HashMap<usize, usize>,
    /// Key and size, by the turn in which it was asked for last.
    by_turn: BTreeMap<usize, (usize, usize)>,
}

impl Lru {
    fn new(capacity: usize) -> Lru {
        Lru { capacity, used: 0, turn: 0, turns: HashMap::new(), by_turn: BTreeMap::new() }
    }

    fn is_hit(&mut self, asked: &Asked) -> bool {
        self.turn += 1;
        let last = self.turns.insert(asked.key, self.turn);
        self.by_turn.insert(self.turn, (asked.key, asked.size));
        if let Some(last) = last {
            self.by_turn.remove(&last);
            return true;
        }
        self.used += asked.size;
        while self.capacity < self.used {
            let (_, (key, size)) = self.by_turn.pop_first().unwrap();
            self.turns.remove(&key);
            self.used -= size;
        }
        false
    }
}

/// What part of the requests and of the bytes came from the cache, in percent.
struct Ratio {
    requests: f64,
    bytes: f64,
}

impl Ratio {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer bytes than a float counts")]
    fn of(trace: &[Asked], mut hits: impl FnMut(&Asked) -> bool) -> Ratio {
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let hits: Vec<&Asked> = trace.iter().filter(|asked| hits(asked)).collect();
        let bytes = |asked: usize, next: &Asked| asked + next.size;
        let hit_bytes = hits.iter().copied().fold(0, bytes);
        Ratio {
            requests: percent(hits.len(), trace.len()),
            bytes: percent(hit_bytes, trace.iter().fold(0, bytes)),
        }
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:4.1} % ({:4.1} % of bytes)", self.requests, self.bytes)
    }
}

/// One request of a trace.
struct Asked {
    key: usize,
    size: usize,
}

fn of_store(trace: &[Asked]) -> Ratio {
    let store = Store::new(BOUND, LARGEST);
    let bytes = Bytes::from(vec![0; MIB]);
    let mut until_maintenance = MAINTENANCE_EVERY;
    Ratio::of(trace, |asked| {
        until_maintenance -= 1;
        if until_maintenance == 0 {
            until_maintenance = MAINTENANCE_EVERY;
            store.let_go();
        }
        let path = format!("/{}", asked.key);
        let is_hit = body(&store, &path).is_some();
        if !is_hit {
            put(&store, &path, sized(&bytes, asked.size));
            check_bound(&store);
        }
        is_hit
    })
}

fn sized(bytes: &Bytes, size: usize) -> StoredResponse {
    StoredResponse { body: bytes.slice(..size), ..response(b"") }
}

/// Compares the store with an LRU that has all of `--cache-size` for bodies.
#[track_caller]
fn check(name: &str, trace: &[Asked]) {
    let ours = of_store(trace);
    let mut lru = Lru::new(64 * MIB);
    let theirs = Ratio::of(trace, |asked| lru.is_hit(asked));
    println!("{name:40} store {ours}, LRU {theirs}");
    assert!(theirs.requests - 5.0 <= ours.requests, "{name}: {ours}, LRU {theirs}");
}

/// A trace of so many requests: which object is the next, in the order of
/// popularity, and how large each object is.
fn trace(
    requests: usize,
    sizes: impl FnOnce(&mut Vec<usize>),
    mut next: impl FnMut(usize, usize) -> usize,
) -> Vec<Asked> {
    let mut random = Random(1);
    let zipf = Zipf::new(OBJECTS);
    let mut all: Vec<usize> = (0..OBJECTS).map(|_| random.size()).collect();
    sizes(&mut all);
    let asked = |at| {
        let key = next(at, zipf.next(&mut random));
        Asked { key, size: all[key % all.len()] }
    };
    (0..requests).map(asked).collect()
}

fn by_chance(_: &mut Vec<usize>) {}

fn unchanged(_at: usize, rank: usize) -> usize {
    rank
}

#[test]
fn hit_ratio_where_size_has_nothing_to_do_with_popularity() {
    check("size has nothing to do with popularity", &trace(400_000, by_chance, unchanged));
}

#[test]
fn hit_ratio_where_the_popular_are_small() {
    check("the popular are small", &trace(100_000, |all| all.sort_unstable(), unchanged));
}

#[test]
fn hit_ratio_where_the_popular_are_large() {
    let descending = |all: &mut Vec<usize>| all.sort_unstable_by(|a, b| b.cmp(a));
    check("the popular are large", &trace(100_000, descending, unchanged));
}

#[test]
fn hit_ratio_where_all_have_one_size() {
    check("all have 8 KiB", &trace(100_000, |all| all.fill(8 * KIB), unchanged));
}

#[test]
fn hit_ratio_where_a_quarter_is_asked_for_once() {
    let next = |at: usize, rank| if at.is_multiple_of(4) { OBJECTS + at } else { rank };
    check("a quarter is asked for once", &trace(100_000, by_chance, next));
}

#[test]
fn hit_ratio_where_popularity_turns_round() {
    let next = |at, rank| if at < 50_000 { rank } else { OBJECTS - 1 - rank };
    check("popularity turns round halfway", &trace(100_000, by_chance, next));
}

#[test]
fn hit_ratio_where_popularity_drifts() {
    let next = |at, rank| (rank + at / 4000 * 997) % OBJECTS;
    check("the most popular are new ones every 4,000", &trace(100_000, by_chance, next));
}

#[track_caller]
fn check_bound(store: &Store) {
    let used = store.memory.used.load(Ordering::Relaxed);
    assert!(used <= store.memory.bound, "{used}");
}

#[test]
fn one_key_replaced_again_and_again() {
    let mut random = Random(6);
    let store = Store::new(BOUND, LARGEST);
    let bytes = Bytes::from(vec![0; MIB]);
    for _ in 0..10_000 {
        let size = 1 + random.below(MIB);
        put(&store, "/a", sized(&bytes, size));
        check_bound(&store);
        assert_eq!(body(&store, "/a").map(|body| body.len()), Some(size));
    }
    let figures = store.figures();
    assert!(figures.entries == 1 && figures.bytes < 2 * MIB as u64, "{figures:?}");
}

#[test]
fn variants_come_and_go() {
    let mut random = Random(7);
    let store = Store::new(BOUND, LARGEST);
    let bytes = Bytes::from(vec![0; 8 * MIB]);
    for most in [KIB, MIB, 8 * MIB] {
        for _ in 0..2000 {
            let body = bytes.slice(..=random.below(most));
            put(&store, "/a", StoredResponse { body, ..variant(random.below(40)) });
            check_bound(&store);
            assert!(store.variants(&key("/a")).len() <= MAX_VARIANTS);
        }
    }
    store.purge(&key("/a"));
    let figures = store.figures();
    assert_eq!((figures.entries, figures.bytes), (0, 0));
}

#[test]
fn what_has_expired_or_was_purged_leaves_memory() {
    let store = Store::new(BOUND, LARGEST);
    let bytes = Bytes::from(vec![0; 16 * KIB]);
    let fill = || {
        for at in 0..2000 {
            put(&store, &format!("/{at}"), sized(&bytes, 16 * KIB));
        }
        assert!(1000 * 16 * KIB as u64 <= store.figures().bytes, "{:?}", store.figures());
    };
    fill();
    store.sweep(UNIX_EPOCH + Duration::from_mins(1));
    assert_eq!((store.figures().entries, store.figures().bytes), (0, 0));
    fill();
    (0..2000).for_each(|at| {
        store.purge(&key(&format!("/{at}")));
    });
    assert_eq!((store.figures().entries, store.figures().bytes), (0, 0));
}

#[test]
fn many_threads_at_once() {
    let store = Store::new(BOUND, LARGEST);
    let bytes = Bytes::from(vec![0; MIB]);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (store, bytes) = (&store, &bytes);
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..20_000 {
                    let path = format!("/{}", random.below(200));
                    match random.below(8) {
                        0 => {
                            store.purge(&key(&path));
                        }
                        1 => store.let_go(),
                        2 | 3 => {
                            body(store, &path);
                        }
                        _ => {
                            put(store, &path, sized(bytes, 1 + random.below(MIB)));
                        }
                    }
                    check_bound(store);
                }
            });
        }
    });
    let figures = store.figures();
    // Nothing is counted that is not there.
    let weights = store.entries.iter().map(|entry| entry.key().as_str().len() + entry.weight());
    assert_eq!(store.entries.weighted_size(), weights.sum::<usize>() as u64);
    assert_eq!(figures.entries, store.entries.iter().count() as u64);
    for path in 0..200 {
        store.purge(&key(&format!("/{path}")));
    }
    let figures = store.figures();
    assert_eq!((figures.entries, figures.bytes), (0, 0));
}
