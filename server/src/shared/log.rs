//! The log of purges, as it is read: what is new in it, and whether anything is
//! missing.
//!
//! A place in the log is the number of its generation: the time in
//! milliseconds by the server's clock, and a count within it. The server makes
//! each greater than the one before.

/// How many purges the log has at most.
pub const LONGEST: usize = 1024;

/// A place in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64, u64);

impl Generation {
    fn read(text: &str) -> Option<Generation> {
        let (millis, count) = text.split_once('-')?;
        Some(Generation(millis.parse().ok()?, count.parse().ok()?))
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// What the log says that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// These keys were purged by others, up to this place.
    Keys(Vec<String>, Generation),
    /// Purges are missing: any key may have been purged.
    Gap(Generation),
    /// The log is another one, which ends before the place that was read: it is
    /// to be read from its beginning.
    Anew,
}

/// Reads what the log has after `since`; what this instance (`own`) has purged
/// is no news to it.
///
/// `said` is the log's length, its first and last place (empty where there is
/// none), and then place, instance and key of each entry. `None` where it is
/// not that.
pub fn news(said: &[String], since: Generation, own: &str) -> Option<News> {
    let [length, first, last, entries @ ..] = said else { return None };
    if length == "0" {
        return Some(News::Keys(Vec::new(), since));
    }
    let length: usize = length.parse().ok()?;
    let (first, last) = (Generation::read(first)?, Generation::read(last)?);
    if last < since {
        return Some(News::Anew);
    }
    if LONGEST <= length && since < first {
        return Some(News::Gap(last));
    }
    let mut keys = Vec::new();
    for entry in entries.chunks(3) {
        let [_, by, key] = entry else { return None };
        if by != own {
            keys.push(key.clone());
        }
    }
    Some(News::Keys(keys, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_says() {
        let check = |said: &str, since: (u64, u64)| {
            let said: Vec<String> = said.split(' ').map(str::to_owned).collect();
            news(&said, Generation(since.0, since.1), "me")
        };
        let keys = |keys: &[&str], last| {
            Some(News::Keys(keys.iter().map(ToString::to_string).collect(), last))
        };
        assert_eq!(check("0  ", (5, 0)), keys(&[], Generation(5, 0)));
        assert_eq!(check("2 4-0 5-1 5-1 you /a", (5, 0)), keys(&["/a"], Generation(5, 1)));
        let both = "2 4-0 5-1 5-0 me /b 5-1 you /a";
        assert_eq!(check(both, (4, 0)), keys(&["/a"], Generation(5, 1)));
        assert_eq!(check("2 4-0 5-1", (5, 1)), keys(&[], Generation(5, 1)));
        // As many as there may be: what was before the first is not known.
        assert_eq!(check("1024 4-0 9-0", (3, 9)), Some(News::Gap(Generation(9, 0))));
        assert_eq!(check("1024 4-0 9-0", (4, 0)), keys(&[], Generation(9, 0)));
        assert_eq!(check("1023 4-0 9-0", (3, 9)), keys(&[], Generation(9, 0)));
        assert_eq!(check("1 1-0 1-0", (9, 0)), Some(News::Anew));
        for none in ["1 1-0 x 1-0 you", "1 1-0 1-0 1-0 you", "x"] {
            assert_eq!(check(none, (0, 0)), None, "{none}");
        }
        assert_eq!(Generation(7, 1).to_string(), "7-1");
    }
}
