//! What has ended what is stored: a purge, as instances tell it each other.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What the clocks of instances may differ by.
const CLOCKS: Duration = Duration::from_secs(2);
/// What is said to be later than this (the year 9999) cannot be added to.
const LATEST: Duration = Duration::from_hours(24 * 365 * 8000);

/// An end of stored responses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    /// Of which.
    pub scope: Scope,
    /// In which way.
    pub how: How,
    /// When: what was asked for later is not meant. A key's needs no time.
    pub at: SystemTime,
}

/// Which stored responses end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those under this key.
    Key(String),
    /// Those whose key begins so.
    Prefix(String),
    /// Those with this tag.
    Tag(String),
}

/// In which way stored responses end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// They are removed.
    Hard,
    /// They are stale from now on: they answer where a stale one may, and are
    /// validated.
    Soft,
}

/// A text that is no [`Ending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not written as the end of stored responses is")]
pub struct NotAnEnding;

impl Ending {
    /// The end of what is under a key.
    pub fn of_key(key: &str, how: How) -> Ending {
        Ending { scope: Scope::Key(key.to_owned()), how, at: UNIX_EPOCH }
    }

    /// The bytes of what it names.
    pub fn bytes(&self) -> usize {
        let (Scope::Key(text) | Scope::Prefix(text) | Scope::Tag(text)) = &self.scope;
        text.len()
    }

    /// Whether it may be the end of what was asked for at this time.
    pub fn may_be_of(&self, asked_at: SystemTime) -> bool {
        asked_at <= self.at + CLOCKS
    }

    /// The key, where it is the end of one.
    pub fn key(&self) -> Option<&str> {
        match &self.scope {
            Scope::Key(key) => Some(key),
            Scope::Prefix(_) | Scope::Tag(_) => None,
        }
    }
}

/// `/key`, `prefix MILLISECONDS /beginning` or `tag MILLISECONDS TAG`, behind the
/// word `soft` where it is that.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        if self.how == How::Soft {
            f.write_str("soft ")?;
        }
        match &self.scope {
            Scope::Key(key) => f.write_str(key),
            Scope::Prefix(prefix) => write!(f, "prefix {millis} {prefix}"),
            Scope::Tag(tag) => write!(f, "tag {millis} {tag}"),
        }
    }
}

impl FromStr for Ending {
    type Err = NotAnEnding;

    fn from_str(text: &str) -> Result<Ending, NotAnEnding> {
        let (how, text) = match text.strip_prefix("soft ") {
            Some(rest) => (How::Soft, rest),
            None => (How::Hard, text),
        };
        if text.starts_with('/') {
            return Ok(Ending::of_key(text, how));
        }
        let mut words = text.splitn(3, ' ');
        let (Some(word), Some(millis), Some(rest)) = (words.next(), words.next(), words.next())
        else {
            return Err(NotAnEnding);
        };
        let millis = Duration::from_millis(millis.parse().map_err(|_| NotAnEnding)?);
        let at = UNIX_EPOCH.checked_add(millis.min(LATEST)).ok_or(NotAnEnding)?;
        let scope = match word {
            "prefix" if rest.starts_with('/') => Scope::Prefix(rest.to_owned()),
            "tag" if !rest.is_empty() => Scope::Tag(rest.to_owned()),
            _ => return Err(NotAnEnding),
        };
        Ok(Ending { scope, how, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_read_as_they_are_written() {
        for text in [
            "/menu?day=1",
            "soft /menu",
            "prefix 1800000000123 /menu/",
            "soft prefix 0 /",
            "tag 5 fish soup",
            "soft tag 5 /",
        ] {
            assert_eq!(text.parse::<Ending>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "soft",
            "soft ",
            "menu",
            "prefix",
            "prefix 1",
            "prefix 1 menu",
            "prefix x /",
            "tag 1 ",
            "tag -1 a",
            "tag 99999999999999999999999 a",
            "all 1 /",
        ] {
            assert_eq!(text.parse::<Ending>(), Err(NotAnEnding), "{text}");
        }
    }
}
