//! Which connection sends which request when: the open and the closed model as
//! a state machine that is told the time.
//!
//! Nothing is queued in memory. What is due and cannot be sent for want of a
//! free connection is what the schedule has not given out yet, so a server
//! that stands still for an hour costs the generator nothing.

use std::{iter::Peekable, time::Duration};

use crate::{
    record::Due,
    schedule::{Dues, Load, Shard},
};

/// What can carry one request at a time: an HTTP/1 connection, or a stream of
/// an HTTP/2 one. Numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(pub usize);

/// What becomes of a request that is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatePolicy {
    /// It is sent: what waits is load too, and its wait is measured.
    Send,
    /// It is left out and counted as dropped if it could not be sent within
    /// this time after it was due.
    DropAfter(Duration),
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send a request over this slot.
    Send {
        /// Who sends it; it is busy until it is [freed](Dispatcher::free).
        slot: Slot,
        /// When it was due; in a closed model there is no such time.
        due: Option<Due>,
    },
    /// Leave out the request that was due at this time.
    Drop(Duration),
    /// Nothing before this time.
    Wait(Duration),
    /// Nothing until a slot is free.
    Busy,
    /// Nothing any more.
    Over,
}

/// The state of one shard's slots and its part of the schedule. Times are since
/// the step's start, and never go back.
#[derive(Debug)]
pub struct Dispatcher {
    supply: Supply,
    late: LatePolicy,
    /// The last one that was freed goes first: its connection is warm, and those
    /// that are not needed stay idle.
    idle: Vec<Slot>,
    /// Since when there has always been an idle slot.
    idle_since: Duration,
}

#[derive(Debug)]
enum Supply {
    Open(Peekable<Dues>),
    Closed { until: Duration },
}

impl Dispatcher {
    /// The part `shard` of `load`, with all of `slots` free.
    ///
    /// Of a closed model the slots are the users, whatever the shard.
    pub fn new(load: &Load, shard: Shard, late: LatePolicy, slots: Vec<Slot>) -> Self {
        let supply = match load {
            Load::Open { profile, arrivals } => {
                Supply::Open(arrivals.dues(profile, shard).peekable())
            }
            Load::Closed { duration, .. } => Supply::Closed { until: *duration },
        };
        Self { supply, late, idle: slots, idle_since: Duration::ZERO }
    }

    /// What is to be done at `now`. To be asked until it says to wait.
    pub fn next(&mut self, now: Duration) -> Next {
        match &mut self.supply {
            Supply::Closed { until } if *until <= now => Next::Over,
            Supply::Closed { .. } => match self.idle.pop() {
                Some(slot) => Next::Send { slot, due: None },
                None => Next::Busy,
            },
            Supply::Open(dues) => {
                let Some(&at) = dues.peek() else { return Next::Over };
                if now < at {
                    return Next::Wait(at);
                }
                if matches!(self.late, LatePolicy::DropAfter(limit) if limit < now.saturating_sub(at))
                {
                    dues.next();
                    return Next::Drop(at);
                }
                let Some(slot) = self.idle.pop() else { return Next::Busy };
                dues.next();
                Next::Send { slot, due: Some(Due { at, ready: at.max(self.idle_since) }) }
            }
        }
    }

    /// Whether there is nothing to be given out any more.
    pub fn is_over(&mut self, now: Duration) -> bool {
        match &mut self.supply {
            Supply::Open(dues) => dues.peek().is_none(),
            Supply::Closed { until } => *until <= now,
        }
    }

    /// `slot` can carry the next request.
    pub fn free(&mut self, slot: Slot, now: Duration) {
        if self.idle.is_empty() {
            self.idle_since = now;
        }
        self.idle.push(slot);
    }

    /// Ends the schedule at `at`: what was due before and has not been given
    /// out never will be. The due times of those, in order.
    pub fn cut(&mut self, at: Duration) -> impl Iterator<Item = Duration> + use<> {
        let rest = std::mem::replace(&mut self.supply, Supply::Closed { until: Duration::ZERO });
        let dues = match rest {
            Supply::Open(dues) => Some(dues),
            Supply::Closed { .. } => None,
        };
        dues.into_iter().flatten().take_while(move |due| *due < at)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::schedule::{Arrivals, Profile, Rate};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn open(rate: f64, length: Duration, late: LatePolicy, slots: usize) -> Dispatcher {
        let profile = Profile::constant(Rate::new(rate).unwrap(), length).unwrap();
        let load = Load::Open { profile, arrivals: Arrivals::Constant };
        Dispatcher::new(&load, Shard::WHOLE, late, (0..slots).map(Slot).collect())
    }

    fn send(slot: usize, at: Duration, ready: Duration) -> Next {
        Next::Send { slot: Slot(slot), due: Some(Due { at, ready }) }
    }

    #[test]
    fn requests_go_out_when_they_are_due_and_over_what_was_free_last() {
        let mut dispatcher = open(100.0, ms(40), LatePolicy::Send, 2);
        assert_eq!(dispatcher.next(ms(0)), send(1, ms(0), ms(0)));
        assert_eq!(dispatcher.next(ms(0)), Next::Wait(ms(10)));
        assert_eq!(dispatcher.next(ms(10)), send(0, ms(10), ms(10)));
        dispatcher.free(Slot(0), ms(11));
        dispatcher.free(Slot(1), ms(12));
        dispatcher.free(Slot(2), ms(13));
        // All that are due go out at once, however late they are.
        assert_eq!(dispatcher.next(ms(35)), send(2, ms(20), ms(20)));
        assert_eq!(dispatcher.next(ms(35)), send(1, ms(30), ms(30)));
        assert_eq!(dispatcher.next(ms(35)), Next::Over);
    }

    /// Who waits for a connection is late, but the generator is not.
    #[test]
    fn a_request_is_not_ready_before_a_slot_is_free() {
        let mut dispatcher = open(100.0, ms(40), LatePolicy::Send, 1);
        assert_eq!(dispatcher.next(ms(0)), send(0, ms(0), ms(0)));
        assert_eq!(dispatcher.next(ms(25)), Next::Busy);
        dispatcher.free(Slot(0), ms(26));
        assert_eq!(dispatcher.next(ms(28)), send(0, ms(10), ms(26)));
        dispatcher.free(Slot(0), ms(29));
        assert_eq!(dispatcher.next(ms(29)), send(0, ms(20), ms(29)));
        // From here on a slot is free before the next is due.
        dispatcher.free(Slot(0), ms(29));
        assert_eq!(dispatcher.next(ms(29)), Next::Wait(ms(30)));
        assert_eq!(dispatcher.next(ms(33)), send(0, ms(30), ms(30)));
    }

    /// The slot that is used may have become free later than another one, on
    /// which the request could have been sent.
    #[test]
    fn it_is_ready_when_any_slot_is_free() {
        let mut dispatcher = open(100.0, ms(40), LatePolicy::Send, 2);
        assert_eq!(dispatcher.next(ms(0)), send(1, ms(0), ms(0)));
        dispatcher.free(Slot(1), ms(19));
        assert_eq!(dispatcher.next(ms(19)), send(1, ms(10), ms(10)));
    }

    #[test]
    fn what_is_too_late_is_dropped() {
        let mut dispatcher = open(100.0, ms(40), LatePolicy::DropAfter(ms(15)), 1);
        assert_eq!(dispatcher.next(ms(0)), send(0, ms(0), ms(0)));
        assert_eq!(dispatcher.next(ms(25)), Next::Busy);
        assert_eq!(dispatcher.next(ms(26)), Next::Drop(ms(10)));
        assert_eq!(dispatcher.next(ms(26)), Next::Busy);
        dispatcher.free(Slot(0), ms(30));
        assert_eq!(dispatcher.next(ms(30)), send(0, ms(20), ms(30)));
    }

    #[test]
    fn a_closed_model_sends_whenever_it_has_its_answer() {
        let load = Load::Closed { users: NonZeroU32::MIN, duration: ms(20) };
        let mut dispatcher = Dispatcher::new(&load, Shard::WHOLE, LatePolicy::Send, vec![Slot(0)]);
        assert_eq!(dispatcher.next(ms(0)), Next::Send { slot: Slot(0), due: None });
        assert_eq!(dispatcher.next(ms(5)), Next::Busy);
        dispatcher.free(Slot(0), ms(7));
        assert_eq!(dispatcher.next(ms(7)), Next::Send { slot: Slot(0), due: None });
        dispatcher.free(Slot(0), ms(20));
        assert_eq!(dispatcher.next(ms(20)), Next::Over);
        assert_eq!(dispatcher.cut(ms(20)).count(), 0);
    }

    #[test]
    fn a_cut_tells_what_was_never_sent() {
        let mut dispatcher = open(100.0, ms(40), LatePolicy::Send, 1);
        dispatcher.next(ms(0));
        assert_eq!(dispatcher.cut(ms(30)).collect::<Vec<_>>(), [ms(10), ms(20)]);
        assert_eq!(dispatcher.next(ms(30)), Next::Over);
    }
}
