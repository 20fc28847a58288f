//! Which times are kept apart, and what their histograms are called.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From when to when a time is measured.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// From due to done: what a client waits. Counting from when a request was
    /// sent would leave out the time for which a slow server kept it from
    /// being sent (coordinated omission; G. Tene, "How NOT to measure latency").
    Response,
    /// From sent to done: what the server takes for those it is asked.
    Service,
    /// From due to sent: the wait for a free connection, and the generator's
    /// own lateness.
    Lag,
    /// From sent to the answer's first byte.
    Ttfb,
    /// From due, or from when a connection was free if that was later, to sent:
    /// the generator's own lateness alone.
    Lateness,
}

impl Clock {
    /// All of them, in the order in which tables have them.
    pub const ALL: [Self; 5] =
        [Self::Response, Self::Service, Self::Lag, Self::Ttfb, Self::Lateness];

    /// The word for it, the same in every file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Lag => "lag",
            Self::Ttfb => "ttfb",
            Self::Lateness => "lateness",
        }
    }
}

/// What a cache did for an answer, in the words of RFC 9211.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheClass {
    /// A fresh stored response (RFC 9211, section 2.1).
    Hit,
    /// The request went forward, and the answer is the upstream's.
    Miss,
    /// A stored response that was not fresh.
    Stale,
    /// A stored response that the upstream has just validated.
    Revalidated,
}

/// A part of the answers whose times are also kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Status 200 to 299.
    Success,
    /// Any other status, and requests without a whole answer.
    Other,
    /// What a cache says of the answer.
    Cache(CacheClass),
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::Other,
        Self::Cache(CacheClass::Hit),
        Self::Cache(CacheClass::Miss),
        Self::Cache(CacheClass::Stale),
        Self::Cache(CacheClass::Revalidated),
    ];

    /// The class of a status code.
    pub fn of_status(status: u16) -> Self {
        if (200..300).contains(&status) { Self::Success } else { Self::Other }
    }

    /// The word for it, the same in every file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Other => "other",
            Self::Cache(CacheClass::Hit) => "hit",
            Self::Cache(CacheClass::Miss) => "miss",
            Self::Cache(CacheClass::Stale) => "stale",
            Self::Cache(CacheClass::Revalidated) => "revalidated",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Success => 0,
            Self::Other => 1,
            Self::Cache(cache) => 2 + cache as usize,
        }
    }
}

/// The name of a histogram: a clock, over all requests or over one class.
/// By class there are response and service times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    clock: Clock,
    class: Option<Class>,
}

impl Tag {
    /// How many there are.
    pub const COUNT: usize = Clock::ALL.len() + 2 * Class::ALL.len();

    /// A clock over all requests.
    pub fn all(clock: Clock) -> Self {
        Self { clock, class: None }
    }

    /// Response or service times of one class; of any other clock there are
    /// only those of all requests.
    pub fn of(clock: Clock, class: Class) -> Self {
        let class = matches!(clock, Clock::Response | Clock::Service).then_some(class);
        Self { clock, class }
    }

    /// All of them: over all requests first.
    pub fn each() -> impl Iterator<Item = Self> {
        let all = Clock::ALL.into_iter().map(Self::all);
        let by_class = Class::ALL.into_iter().flat_map(|class| {
            [Clock::Response, Clock::Service].map(|clock| Self::of(clock, class))
        });
        all.chain(by_class)
    }

    /// The tag that is written as `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::each().find(|tag| tag.to_string() == name)
    }

    /// What is measured.
    pub fn clock(self) -> Clock {
        self.clock
    }

    /// Of which part of the requests.
    pub fn class(self) -> Option<Class> {
        self.class
    }

    /// A number below [`COUNT`](Self::COUNT), another one for each.
    pub(super) fn index(self) -> usize {
        match self.class {
            None => self.clock as usize,
            Some(class) => Clock::ALL.len() + 2 * class.index() + self.clock as usize,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.clock.as_str();
        match self.class {
            None => f.write_str(clock),
            Some(class) => write!(f, "{clock}-{}", class.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_has_its_number_and_its_name() {
        let mut indices: Vec<_> = Tag::each().map(Tag::index).collect();
        indices.sort_unstable();
        assert_eq!(indices, (0..Tag::COUNT).collect::<Vec<_>>());
        for tag in Tag::each() {
            assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
        }
        assert_eq!(Tag::parse("response-hit"), Some(Tag::of(Clock::Response, Class::ALL[2])));
        assert_eq!(Tag::parse("lag-hit"), None);
    }
}
