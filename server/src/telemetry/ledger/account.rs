//! The figures of a moment, and what became of them between two.

use std::time::SystemTime;

use crate::{
    cache::saved::{self, By},
    exchange::{Bound, Purpose},
    upstream::governor::ledger::{self, Ledger, Spent},
};

/// The figures of a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// When.
    pub at: SystemTime,
    /// What was spent and refused, and what may be spent now.
    pub governor: ledger::Figures,
    /// What was saved, by the names of the rules.
    pub saved: Vec<(String, saved::Figures)>,
    /// Bytes of bodies that came from the upstream.
    pub received_bytes: u64,
}

impl Account {
    /// What was saved, whatever the rule.
    pub fn saved(&self) -> saved::Figures {
        let mut all = saved::Figures::default();
        for (_, figures) in &self.saved {
            all += *figures;
        }
        all
    }
}

/// What happened between two moments, and the budget that is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How long that was.
    pub seconds: u64,
    /// Requests put to the upstream that have ended, by how they came out.
    pub spent: [u64; Spent::ALL.len()],
    /// Those among them that no client waited for.
    pub refreshes: u64,
    /// Requests that were not put to it.
    pub refused: u64,
    /// Bytes of bodies that came from it.
    pub received_bytes: u64,
    /// What it was spared.
    pub saved: saved::Figures,
    /// Requests that may go at once now; `None`: nothing limits the rate.
    pub tokens: Option<u32>,
    /// Requests that the upstream says are left.
    pub quota_remaining: Option<u32>,
}

impl Line {
    /// What happened since `before`.
    pub fn between(before: &Account, now: &Account) -> Line {
        let ledgers = (&before.governor.ledger, &now.governor.ledger);
        let since =
            |figure: &dyn Fn(&Ledger) -> u64| figure(ledgers.1).saturating_sub(figure(ledgers.0));
        Line {
            seconds: now.at.duration_since(before.at).unwrap_or_default().as_secs(),
            spent: Spent::ALL.map(|how| {
                since(&|ledger| {
                    Purpose::ALL.iter().map(|purpose| ledger.spent(*purpose, how)).sum()
                })
            }),
            refreshes: since(&|ledger| {
                Spent::ALL.iter().map(|how| ledger.spent(Purpose::Refresh, *how)).sum()
            }),
            refused: since(&|ledger| Bound::ALL.iter().map(|bound| ledger.refused(*bound)).sum()),
            received_bytes: now.received_bytes.saturating_sub(before.received_bytes),
            saved: now.saved() - before.saved(),
            tokens: now.governor.tokens,
            quota_remaining: now.governor.quota.map(|quota| quota.remaining),
        }
    }

    /// Requests put to the upstream, however they came out.
    pub fn total_spent(&self) -> u64 {
        self.spent.iter().sum()
    }

    /// How often the upstream was spared in each way.
    pub fn saved_by(&self) -> [u64; By::ALL.len()] {
        By::ALL.map(|by| self.saved.by(by).requests)
    }

    /// By how much fewer requests the upstream got than clients made that were
    /// answered without it or put to it, in percent, to a tenth; `None` where
    /// there were none.
    pub fn saved_percent(&self) -> Option<f64> {
        let spent = self.total_spent();
        let asked = self.saved.requests() + spent.saturating_sub(self.refreshes);
        let fewer = asked.saturating_sub(spent);
        let permille = u128::from(fewer) * 1000 / u128::from((asked != 0).then_some(asked)?);
        u32::try_from(permille).ok().map(|permille| f64::from(permille) / 10.0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{
        cache::{
            rules::{Rule, Rules},
            saved::Saved,
        },
        upstream::governor::{
            Came, Entry, Governor, Limits,
            advice::{Advice, Quota},
            queue::Share,
        },
    };

    /// The account of a relay with a rate of 1/s and a burst of 20 that spent so
    /// many requests at once, and answered so many from its store.
    pub(crate) fn account(at: SystemTime, spent: u32, hits: u64) -> Account {
        let limits = Limits {
            rate: Some(1.0),
            burst: 20,
            concurrency: None,
            share: crate::config::Fraction::WHOLE,
        };
        let mut governor = Governor::new(limits, 7);
        for _ in 0..spent {
            let share = Share::Target(1);
            let Ok(Entry::Go(mut grant)) =
                governor.ask(Purpose::Client, share, Duration::MAX, Duration::ZERO)
            else {
                panic!("more than may go at once")
            };
            let came = Came::Answer(http::StatusCode::OK, &Advice::default());
            governor.came(&mut grant, came, Duration::ZERO);
            governor.release(&grant, Duration::ZERO);
        }
        let saved = Saved::new(&Rules::new(vec![Rule::default()], Rule::default()));
        (0..hits).for_each(|hit| saved.note(usize::from(hit % 2 == 0), By::Hit, 10));
        let governor = governor.figures(Duration::ZERO);
        let received_bytes = u64::from(spent) * 100;
        Account { at, governor, saved: saved.figures(), received_bytes }
    }

    #[test]
    fn a_line_has_what_happened_in_between_and_what_is_left() {
        let later = UNIX_EPOCH + Duration::from_hours(1);
        let mut now = account(later, 5, 40);
        now.governor.quota = Some(Quota { remaining: 9, reset: Duration::from_secs(1) });
        let line = Line::between(&account(UNIX_EPOCH, 3, 22), &now);
        assert_eq!((line.seconds, line.spent, line.refused), (3600, [2, 0, 0, 0], 0));
        assert_eq!((line.saved_by(), line.saved.bytes()), ([18, 0, 0, 0], 180));
        assert_eq!((line.received_bytes, line.tokens), (200, Some(15)));
        assert_eq!(line.quota_remaining, Some(9));
    }

    /// The share where so many were saved and so many spent, of which so many
    /// were refreshes.
    #[track_caller]
    fn check_percent(saved: u64, spent: u32, refreshes: u64, percent: Option<f64>) {
        let none = account(UNIX_EPOCH, 0, 0);
        let line = Line::between(&none, &account(UNIX_EPOCH, spent, saved));
        let line = Line { refreshes, ..line };
        assert_eq!(line.saved_percent(), percent, "{saved} saved, {spent} spent, {refreshes}");
    }

    #[test]
    fn the_share_is_never_made_greater_than_it_is() {
        check_percent(0, 0, 0, None);
        check_percent(0, 1, 0, Some(0.0));
        check_percent(1, 0, 0, Some(100.0));
        check_percent(2, 1, 0, Some(66.6));
        check_percent(1999, 1, 0, Some(99.9));
        // What a refresh costs is not saved.
        check_percent(9, 2, 1, Some(80.0));
        check_percent(1, 1, 1, Some(0.0));
        check_percent(0, 1, 1, None);
    }

    #[test]
    fn refreshes_are_told_apart() {
        let mut governor = Governor::new(account(UNIX_EPOCH, 0, 0).governor.limits, 7);
        for purpose in Purpose::ALL {
            let Ok(Entry::Go(grant)) =
                governor.ask(purpose, Share::Target(1), Duration::MAX, Duration::ZERO)
            else {
                panic!("it may go")
            };
            governor.release(&grant, Duration::ZERO);
        }
        let none = account(UNIX_EPOCH, 0, 0);
        let now = Account { governor: governor.figures(Duration::ZERO), ..none.clone() };
        let line = Line::between(&none, &now);
        assert_eq!((line.spent, line.refreshes), ([0, 0, 0, 3], 1));
    }

    #[test]
    fn a_304_saves_bytes_and_no_request() {
        let saved = Saved::new(&Rules::default());
        for by in By::ALL {
            saved.note(0, by, 10);
        }
        let now = Account { saved: saved.figures(), ..account(UNIX_EPOCH, 1, 0) };
        let line = Line::between(&account(UNIX_EPOCH, 0, 0), &now);
        assert_eq!((line.saved.requests(), line.saved.bytes()), (3, 40));
        assert_eq!(line.saved_percent(), Some(75.0));
    }
}
