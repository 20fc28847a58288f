//! Whether something has held for long enough.

use std::time::Duration;

use super::{Answer, Condition};

/// A condition followed over successive readings: since when it has held
/// without interruption.
///
/// A reading that says nothing interrupts it too: a run is not ended for what
/// was not seen. Of short intervals at low rates high percentiles are never
/// known, where `max` and `errors` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sustained {
    lasting: Duration,
    held: Duration,
}

impl Sustained {
    /// Something that has to hold for `lasting`; for 0, of one reading.
    pub fn new(lasting: Duration) -> Self {
        Self { lasting, held: Duration::ZERO }
    }

    /// As long as `condition` has it.
    pub fn of(condition: &Condition) -> Self {
        Self::new(condition.lasting().unwrap_or_default())
    }

    /// Takes the answer of the next reading, which is `length` long, and says
    /// whether it has held for long enough by its end. `None` is where nothing
    /// was demanded.
    pub fn observe(&mut self, answer: Option<Answer>, length: Duration) -> bool {
        if answer == Some(Answer::Holds) {
            self.held = self.held.saturating_add(length);
            self.lasting <= self.held
        } else {
            self.held = Duration::ZERO;
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings as letters, each a second long: h(olds), f(ails), u(nknown),
    /// - (nothing demanded). A capital one is where it has held long enough.
    #[track_caller]
    fn check(seconds: u64, readings: &str) {
        let mut sustained = Sustained::new(Duration::from_secs(seconds));
        let found: String = readings
            .chars()
            .map(|letter| {
                let answer = match letter.to_ascii_lowercase() {
                    'h' => Some(Answer::Holds),
                    'f' => Some(Answer::Fails),
                    'u' => Some(Answer::Unknown),
                    _ => None,
                };
                let long_enough = sustained.observe(answer, Duration::from_secs(1));
                if long_enough { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            })
            .collect();
        assert_eq!(found, readings);
    }

    #[test]
    fn it_has_to_hold_without_interruption() {
        check(0, "HfHu-H");
        check(1, "HHfH");
        check(3, "hhHHfhhuhhHf");
        check(3, "hh-hhfhh");
        assert_eq!(
            Sustained::of(&"errors>5% for 3s".parse().unwrap()),
            Sustained::new(Duration::from_secs(3))
        );
        assert_eq!(Sustained::of(&"errors>5%".parse().unwrap()), Sustained::new(Duration::ZERO));
    }
}
