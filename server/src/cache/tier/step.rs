//! What a flight does after the shared tier was asked.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::super::{
    clause::Clause,
    policy::{Decision, Refresh},
    stored::{Prepared, StoredResponse},
};
use crate::exchange::Purpose;

/// What a flight does next.
#[derive(Debug)]
pub enum Step {
    /// It brings what another instance has stored.
    Bring(Arc<Prepared>, Refresh),
    /// It asks the upstream, about what is stored, if anything is.
    Ask(Option<Arc<Prepared>>),
}

/// How a flight that has found nothing to bring stands with its turn to ask the
/// upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for no turn: it brings something else than others do.
    Apart,
    /// It has not asked for its turn, or does not know how another's goes on.
    Waiting,
    /// It is its turn, and it has looked once more since.
    Turn,
    /// Another's turn is over, and has brought nothing for it.
    Over,
}

/// What a look at the tier was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The tier has said what it has.
    Good,
    /// It could not be asked.
    Blind,
}

/// Whether a flight that has found nothing to bring asks for its turn; otherwise
/// it asks the upstream. It has been so long that it does not wait for longer
/// where no `patience` is left.
pub fn wants_turn(standing: Standing, look: Look, patience: Duration) -> bool {
    standing == Standing::Waiting && look == Look::Good && !patience.is_zero()
}

/// What comes of the decision on the flight's request after something was taken
/// from the tier.
///
/// Who refreshes has a stale response already: only a fresh one is news.
pub fn after(decision: Decision, purpose: Purpose) -> Step {
    match decision {
        Decision::Reuse(stored, clause, refresh)
            if purpose != Purpose::Refresh || clause == Clause::Fresh =>
        {
            Step::Bring(stored, refresh)
        }
        Decision::Reuse(stored, ..) => Step::Ask(Some(stored)),
        Decision::Forward(forward) => Step::Ask(forward.stored),
        Decision::Unsatisfiable => Step::Ask(None),
    }
}

/// Whether a response from the tier is newer than what is stored of its kind,
/// or the first of it.
pub fn is_newer(new: &StoredResponse, stored: &[Arc<Prepared>]) -> bool {
    let received = |response: &StoredResponse| -> SystemTime { response.times.response_time };
    stored
        .iter()
        .map(|stored| &stored.response)
        .filter(|stored| stored.selecting == new.selecting && stored.part.is_none())
        .all(|stored| received(stored) < received(new))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::cache::{
        policy::{Forward, tests::prepared},
        range::ContentRange,
        record::tests::record,
        rules::Rule,
        status::Fwd,
    };

    #[test]
    fn what_a_flight_does_next() {
        #[track_caller]
        fn check(decision: Decision, purpose: Purpose, expected: &str) {
            let found = match after(decision, purpose) {
                Step::Bring(_, Refresh::Behind) => "bring and refresh",
                Step::Bring(..) => "bring",
                Step::Ask(Some(_)) => "ask about it",
                Step::Ask(None) => "ask",
            };
            assert_eq!(found, expected);
        }

        let (client, refreshing) = (Purpose::Client, Purpose::Refresh);
        let stored = || prepared("cache-control: max-age=60", None, &Rule::default());
        let reuse = |clause, refresh| Decision::Reuse(stored(), clause, refresh);
        let forward = Forward { stored: Some(stored()), ..Forward::alone(Fwd::Stale) };
        check(reuse(Clause::Fresh, Refresh::None), client, "bring");
        check(reuse(Clause::Fresh, Refresh::None), refreshing, "bring");
        let stale = || reuse(Clause::StaleWhileRevalidate, Refresh::Behind);
        check(stale(), client, "bring and refresh");
        check(stale(), refreshing, "ask about it");
        check(reuse(Clause::RequestMaxStale, Refresh::None), client, "bring");
        check(Decision::Forward(forward), client, "ask about it");
        check(Decision::Forward(Forward::alone(Fwd::UriMiss)), client, "ask");
        check(Decision::Unsatisfiable, client, "ask");
    }

    #[test]
    fn who_waits_for_a_turn() {
        let (none, some) = (Duration::ZERO, Duration::from_millis(1));
        assert!(wants_turn(Standing::Waiting, Look::Good, some));
        assert!(!wants_turn(Standing::Waiting, Look::Good, none));
        assert!(!wants_turn(Standing::Waiting, Look::Blind, some));
        for standing in [Standing::Apart, Standing::Turn, Standing::Over] {
            assert!(!wants_turn(standing, Look::Good, some), "{standing:?}");
        }
    }

    #[test]
    fn only_what_is_newer_is_taken() {
        let at = |seconds| {
            let mut response = prepared("etag: \"a\"", None, &Rule::default()).response.clone();
            response.times.response_time = UNIX_EPOCH + Duration::from_secs(seconds);
            response
        };
        let stored = prepared("etag: \"a\"", None, &Rule::default());
        assert!(is_newer(&at(1), &[Arc::clone(&stored)]));
        assert!(!is_newer(&at(0), &[Arc::clone(&stored)]));
        assert!(is_newer(&at(0), &[]));
        // Of another variant, or a part, it is not known.
        assert!(is_newer(
            &StoredResponse { selecting: record().response.selecting, ..at(0) },
            &[stored]
        ));
        let part = Some(ContentRange { first: 0, last: 9, complete: None });
        assert!(is_newer(&at(0), &[prepared("etag: \"a\"", part, &Rule::default())]));
    }
}
