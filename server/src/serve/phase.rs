//! What a connection is doing, and how long it may go on doing it.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// How long a connection may keep us waiting, by what we wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For the first byte after the connection is made.
    pub first_byte: Duration,
    /// For a whole header section, from its first byte.
    pub header: Duration,
    /// For the next request, and for the client to take what it is sent.
    pub idle: Duration,
    /// For a last request on an idle connection once the drain has begun.
    pub linger: Duration,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has been read.
    Fresh,
    /// A header section has begun.
    Header,
    /// A request is being answered.
    Busy,
    /// An answer waits for the client to take it.
    Blocked,
    /// All requests are answered.
    Idle,
}

impl Deadlines {
    /// How long a phase may last, `None` for as long as it takes.
    pub(super) fn of(&self, phase: Phase, draining: bool) -> Option<Duration> {
        let limit = match phase {
            Phase::Fresh => self.first_byte,
            Phase::Header => self.header,
            Phase::Blocked | Phase::Idle => self.idle,
            Phase::Busy => return None,
        };
        Some(if draining && matches!(phase, Phase::Idle | Phase::Fresh) {
            limit.min(self.linger)
        } else {
            limit
        })
    }
}

/// What is seen of a connection from its bytes and its requests.
///
/// Written by the I/O below hyper and by the service above it, read by the
/// task that drives them both.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Bytes have been read that no request has been made of yet.
    unparsed: AtomicBool,
    /// The client takes nothing more at the moment.
    write_blocked: AtomicBool,
    /// Answers of which the client of HTTP/2 has not taken what there is: a
    /// window that it does not open blocks no write.
    offered: AtomicU32,
    /// Pieces written or offered, so that a slow reader is told from one that
    /// stopped.
    writes: AtomicU32,
    /// Requests begun, above those that are not yet answered ([`OPEN`]).
    requests: AtomicU64,
    multiplexed: AtomicBool,
}

/// One request begun, in [`Activity::requests`].
const ONE_BEGUN: u64 = 1 << 32;
/// The part of [`Activity::requests`] that counts those not yet answered.
const OPEN: u64 = ONE_BEGUN - 1;

/// A phase, and which one of its kind: two idle times are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) phase: Phase,
    serial: u64,
}

impl Activity {
    pub(super) fn note_read(&self) {
        self.unparsed.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_written(&self) {
        // Almost always nothing was blocked, and a look is cheaper than a change.
        if self.write_blocked.load(Ordering::Relaxed) {
            self.write_blocked.store(false, Ordering::Relaxed);
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn note_write_blocked(&self) {
        self.write_blocked.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin_offer(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end_offer(&self) {
        self.offered.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn begin_request(&self, version: http::Version) {
        if version == http::Version::HTTP_2 {
            self.multiplexed.store(true, Ordering::Relaxed);
        }
        self.unparsed.store(false, Ordering::Relaxed);
        self.requests.fetch_add(ONE_BEGUN + 1, Ordering::Relaxed);
    }

    pub(super) fn end_request(&self) {
        // What was read meanwhile was the request's body.
        self.unparsed.store(false, Ordering::Relaxed);
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether this is an HTTP/2 connection, as far as can be seen.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    pub(super) fn moment(&self) -> Moment {
        let requests = self.requests.load(Ordering::Relaxed);
        let begun = requests / ONE_BEGUN;
        let open = requests & OPEN;
        let offered = u64::from(self.offered.load(Ordering::Relaxed));
        let blocked = self.write_blocked.load(Ordering::Relaxed) || (0 < open && open <= offered);
        let unparsed = self.unparsed.load(Ordering::Relaxed);
        // The frames of an idle HTTP/2 connection (PING, WINDOW_UPDATE) are no header.
        let header = unparsed && !self.is_multiplexed();
        let phase = if blocked {
            Phase::Blocked
        } else if 0 < open {
            Phase::Busy
        } else if header {
            Phase::Header
        } else if begun == 0 {
            Phase::Fresh
        } else {
            Phase::Idle
        };
        let serial = match phase {
            Phase::Blocked => u64::from(self.writes.load(Ordering::Relaxed)),
            _ => begun,
        };
        Moment { phase, serial }
    }
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    #[test]
    fn a_connection_goes_from_fresh_over_header_and_busy_to_idle() {
        let activity = Activity::default();
        let mut seen = vec![activity.moment().phase];
        activity.note_read();
        seen.push(activity.moment().phase);
        activity.begin_request(Version::HTTP_11);
        seen.push(activity.moment().phase);
        activity.note_read();
        seen.push(activity.moment().phase);
        activity.end_request();
        seen.push(activity.moment().phase);
        activity.note_read();
        seen.push(activity.moment().phase);
        assert_eq!(
            seen,
            [Phase::Fresh, Phase::Header, Phase::Busy, Phase::Busy, Phase::Idle, Phase::Header]
        );
    }

    #[test]
    fn frames_on_an_idle_http2_connection_begin_no_header() {
        let activity = Activity::default();
        activity.note_read();
        activity.begin_request(Version::HTTP_2);
        activity.end_request();
        activity.note_read();
        assert_eq!(activity.moment().phase, Phase::Idle);
    }

    #[test]
    fn two_idle_times_are_not_one() {
        let activity = Activity::default();
        let idle_once = || {
            activity.begin_request(Version::HTTP_11);
            activity.end_request();
            activity.moment()
        };
        assert_ne!(idle_once(), idle_once());
    }

    #[test]
    fn a_slow_reader_is_told_from_one_that_stopped() {
        let activity = Activity::default();
        activity.begin_request(Version::HTTP_11);
        activity.note_write_blocked();
        let blocked = activity.moment();
        assert_eq!(blocked.phase, Phase::Blocked);
        assert_eq!(activity.moment(), blocked);
        activity.note_written();
        activity.note_write_blocked();
        assert_ne!(activity.moment(), blocked);
    }

    #[test]
    fn an_answer_that_waits_for_its_window_is_blocked_unless_another_waits_for_us() {
        let activity = Activity::default();
        activity.begin_request(Version::HTTP_2);
        assert_eq!(activity.moment().phase, Phase::Busy);
        activity.begin_offer();
        let first = activity.moment();
        assert_eq!(first.phase, Phase::Blocked);
        activity.begin_request(Version::HTTP_2);
        assert_eq!(activity.moment().phase, Phase::Busy);
        activity.begin_offer();
        assert_eq!(activity.moment().phase, Phase::Blocked);
        assert_ne!(activity.moment(), first);
        activity.end_offer();
        activity.end_request();
        activity.end_offer();
        activity.end_request();
        assert_eq!(activity.moment().phase, Phase::Idle);
    }

    #[test]
    fn deadlines() {
        let secs = Duration::from_secs;
        let deadlines =
            Deadlines { first_byte: secs(10), header: secs(11), idle: secs(60), linger: secs(1) };
        let check = |phase, serving, draining| {
            assert_eq!(deadlines.of(phase, false), serving, "{phase:?}");
            assert_eq!(deadlines.of(phase, true), draining, "{phase:?} draining");
        };
        check(Phase::Fresh, Some(secs(10)), Some(secs(1)));
        check(Phase::Header, Some(secs(11)), Some(secs(11)));
        check(Phase::Busy, None, None);
        check(Phase::Blocked, Some(secs(60)), Some(secs(60)));
        check(Phase::Idle, Some(secs(60)), Some(secs(1)));
    }
}
