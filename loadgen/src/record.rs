//! What is recorded while requests go out: times and counters that add up over
//! threads, intervals, steps and machines. Their size does not depend on how
//! many requests there are.

mod counts;
mod tag;
mod times;
mod under_way;
mod window;

use std::time::Duration;

pub use counts::{Counts, Miscounted, Totals};
pub use tag::{CacheClass, Class, Clock, Tag};
pub use times::{BOUNDS, Quantile, Times};
pub use under_way::UnderWay;
pub use window::{Window, Within};

use crate::fault::Fault;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The answer came whole.
    Completed(Answer),
    /// There is no whole answer, or not the expected one.
    Failed(Fault),
    /// It was given up when the run ended.
    Unfinished,
}

/// A whole answer, as far as it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// What a cache on the way says of it.
    pub cache: Option<CacheClass>,
    /// Bytes of its body.
    pub bytes: u64,
    /// Whether its body is that of the first.
    pub body: Body,
}

/// An answer's body beside the first that came with status 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It has the same length and hash, or its status is another.
    Same,
    /// It is another one.
    Differs,
}

/// The times of a request, each since the step's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// When the schedule has it; a closed model has no due times.
    pub due: Option<Due>,
    /// When it was handed to its connection.
    pub sent: Duration,
    /// When the answer's first byte was here.
    pub first_byte: Option<Duration>,
    /// When its last byte was here, or when it ended otherwise.
    pub done: Duration,
}

/// When a request was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When the schedule has it.
    pub at: Duration,
    /// From when on a connection was free for it as well: what passes from here
    /// until it is sent, the generator is to blame for.
    pub ready: Duration,
}

/// Everything that was recorded in some stretch of time.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Counters.
    pub counts: Counts,
    /// By [`Tag::index`]; a histogram is made when it is first needed.
    times: [Option<Box<Times>>; Tag::COUNT],
}

impl Record {
    /// A record of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A record of nothing yet that has its memory for what most requests
    /// need: it does not come one after the other while they go out.
    pub fn prepared() -> Self {
        let mut record = Self::new();
        for tag in Tag::each().filter(|tag| matches!(tag.class(), None | Some(Class::Success))) {
            record.times_mut(tag);
        }
        record
    }

    /// A request goes out.
    pub fn sent(&mut self) {
        self.counts.sent += 1;
    }

    /// A request that went out has ended. Failures count among the times, so
    /// that a server does not look faster for them.
    pub fn ended(&mut self, outcome: Outcome, moments: Moments) {
        self.counts.ended(outcome);
        let bound = match outcome {
            Outcome::Failed(fault) if fault.is_timeout() => Bound::AtLeast,
            Outcome::Completed(_) | Outcome::Failed(_) => Bound::Exact,
            Outcome::Unfinished => Bound::AtLeast,
        };
        let Moments { due, sent, first_byte, done } = moments;
        let (success, cache) = match outcome {
            Outcome::Completed(answer) => (Class::of_status(answer.status), answer.cache),
            Outcome::Failed(_) | Outcome::Unfinished => (Class::Other, None),
        };
        let classes = [Some(success), cache.map(Class::Cache)];
        if let Some(due) = due {
            let response = done.saturating_sub(due.at);
            self.record(Tag::all(Clock::Response), response, bound);
            for class in classes.into_iter().flatten() {
                self.record(Tag::of(Clock::Response, class), response, bound);
            }
            self.record(Tag::all(Clock::Lag), sent.saturating_sub(due.at), Bound::Exact);
            let lateness = sent.saturating_sub(due.ready);
            self.record(Tag::all(Clock::Lateness), lateness, Bound::Exact);
        }
        let service = done.saturating_sub(sent);
        self.record(Tag::all(Clock::Service), service, bound);
        for class in classes.into_iter().flatten() {
            self.record(Tag::of(Clock::Service, class), service, bound);
        }
        // What brought no byte would have brought its first later than that.
        let (first_byte, bound) = match first_byte {
            Some(first_byte) => (first_byte, Bound::Exact),
            None => (done, Bound::AtLeast),
        };
        self.record(Tag::all(Clock::Ttfb), first_byte.saturating_sub(sent), bound);
    }

    /// A request was never sent, though it had waited for so long since it was
    /// due: its response time and lag are longer than that. Without it the
    /// times would be those of the lucky ones.
    pub fn unsent(&mut self, waited: Duration) {
        for tag in [
            Tag::all(Clock::Response),
            Tag::of(Clock::Response, Class::Other),
            Tag::all(Clock::Lag),
        ] {
            self.record(tag, waited, Bound::AtLeast);
        }
    }

    fn record(&mut self, tag: Tag, time: Duration, bound: Bound) {
        let times = self.times[tag.index()].get_or_insert_default();
        match bound {
            Bound::Exact => times.record(time),
            Bound::AtLeast => times.record_at_least(time),
        }
    }

    /// The times under `tag`, if there are any.
    pub fn times(&self, tag: Tag) -> Option<&Times> {
        self.times[tag.index()].as_deref().filter(|times| !times.is_empty())
    }

    /// All times there are.
    pub fn all_times(&self) -> impl Iterator<Item = (Tag, &Times)> {
        Tag::each().filter_map(|tag| Some((tag, self.times(tag)?)))
    }

    /// The times under `tag`, to add to.
    pub fn times_mut(&mut self, tag: Tag) -> &mut Times {
        self.times[tag.index()].get_or_insert_default()
    }

    /// Adds what `other` has.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        for (tag, times) in other.all_times() {
            self.times_mut(tag).add(times);
        }
    }

    /// Forgets what was recorded, and keeps the memory for it.
    pub fn clear(&mut self) {
        self.counts = Counts::default();
        self.times.iter_mut().flatten().for_each(|times| times.clear());
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts == Counts::default()
    }
}

/// What a recorded time says of the real one.
#[derive(Clone, Copy)]
enum Bound {
    Exact,
    /// It was given up: the real time is longer.
    AtLeast,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, cache: Option<CacheClass>) -> Outcome {
        Outcome::Completed(Answer { status, cache, bytes: 7, body: Body::Same })
    }

    fn max(record: &Record, tag: Tag) -> Option<u128> {
        record.times(tag).map(|times| (times.max().as_micros() + 500) / 1000)
    }

    const LATE: Moments = Moments {
        due: Some(Due { at: Duration::from_millis(10), ready: Duration::from_millis(38) }),
        sent: Duration::from_millis(40),
        first_byte: Some(Duration::from_millis(44)),
        done: Duration::from_millis(45),
    };

    #[test]
    fn a_late_request_waited_since_it_was_due() {
        let mut record = Record::new();
        record.sent();
        record.ended(answer(200, Some(CacheClass::Hit)), LATE);
        let all = |clock| max(&record, Tag::all(clock));
        assert_eq!(all(Clock::Response), Some(35));
        assert_eq!(all(Clock::Service), Some(5));
        assert_eq!(all(Clock::Lag), Some(30));
        assert_eq!(all(Clock::Ttfb), Some(4));
        assert_eq!(all(Clock::Lateness), Some(2));
        let of = |class| max(&record, Tag::of(Clock::Response, class));
        assert_eq!(of(Class::Success), Some(35));
        assert_eq!(of(Class::Cache(CacheClass::Hit)), Some(35));
        assert_eq!(of(Class::Cache(CacheClass::Miss)), None);
        assert_eq!(of(Class::Other), None);
    }

    /// Nobody waits for a due time where there is none.
    #[test]
    fn a_closed_model_has_service_times_only() {
        let mut record = Record::new();
        record.sent();
        record.ended(answer(503, None), Moments { due: None, ..LATE });
        assert_eq!(max(&record, Tag::all(Clock::Response)), None);
        assert_eq!(max(&record, Tag::all(Clock::Lag)), None);
        assert_eq!(max(&record, Tag::of(Clock::Service, Class::Other)), Some(5));
    }

    #[test]
    fn what_was_given_up_is_a_lower_bound() {
        let mut record = Record::new();
        for outcome in [Outcome::Failed(Fault::HeaderTimeout), Outcome::Unfinished] {
            record.sent();
            record.ended(outcome, LATE);
        }
        let response = record.times(Tag::all(Clock::Response)).unwrap();
        assert_eq!((response.len(), response.censored()), (2, 2));
        // When it was sent is known to the nanosecond all the same.
        assert_eq!(record.times(Tag::all(Clock::Lag)).unwrap().censored(), 0);
    }

    #[test]
    fn what_was_never_sent_waited_too() {
        let mut record = Record::new();
        record.unsent(Duration::from_millis(70));
        for clock in [Clock::Response, Clock::Lag] {
            let times = record.times(Tag::all(clock)).unwrap();
            assert_eq!((times.len(), times.censored()), (1, 1));
        }
        assert_eq!(max(&record, Tag::of(Clock::Response, Class::Other)), Some(70));
        assert_eq!(max(&record, Tag::all(Clock::Service)), None);
    }

    #[test]
    fn without_a_first_byte_it_came_no_sooner() {
        let mut record = Record::new();
        record.sent();
        let silent = Moments { first_byte: None, ..LATE };
        record.ended(Outcome::Failed(Fault::HeaderTimeout), silent);
        let ttfb = record.times(Tag::all(Clock::Ttfb)).unwrap();
        assert_eq!((ttfb.len(), ttfb.censored()), (1, 1));
    }

    #[test]
    fn records_add_and_are_used_again() {
        let (mut one, mut other) = (Record::new(), Record::new());
        one.sent();
        one.ended(answer(200, None), LATE);
        other.sent();
        other.ended(Outcome::Failed(Fault::Parse), LATE);
        one.add(&other);
        assert_eq!(one.counts.sent, 2);
        assert_eq!(one.times(Tag::all(Clock::Response)).unwrap().len(), 2);
        assert_eq!(one.times(Tag::of(Clock::Service, Class::Success)).unwrap().len(), 1);
        one.clear();
        assert!(one.is_empty());
        assert_eq!(one.all_times().count(), 0);
    }
}
