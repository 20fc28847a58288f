//! One case: a response, how it was asked for, the rule of its path, and a
//! request that is presented later. Plain text and numbers, which the model
//! reads with its own parsers.

use std::fmt;

/// Microseconds since the epoch, or between two times.
pub(super) type Micros = i64;

pub(super) const SECOND: Micros = 1_000_000;
pub(super) const DAY: Micros = 86_400 * SECOND;

/// A field line.
pub(super) type Line = (&'static str, String);

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// What it was made from.
    pub(super) seed: u64,
    /// The request that went upstream, for [`PATH`].
    pub(super) method: &'static str,
    pub(super) request: Vec<Line>,
    pub(super) request_time: Micros,
    /// The response to it.
    pub(super) status: u16,
    pub(super) response: Vec<Line>,
    pub(super) response_time: Micros,
    /// What counts for the path.
    pub(super) rule: RuleOfCase,
    /// The request that is presented when the response has been stored.
    pub(super) presented_method: &'static str,
    pub(super) presented: Vec<Line>,
    pub(super) now: Micros,
}

/// The target of every request.
pub(super) const PATH: &str = "/menu";
/// The authority that some of them name.
pub(super) const HOST: &str = "example.test";

/// The parts of a rule that have to do with storing and freshness.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleOfCase {
    pub(super) ttl: Micros,
    /// For 404, 405 and 410.
    pub(super) negative_ttl: Micros,
    /// For 500 too.
    pub(super) negative_500: Option<Micros>,
    pub(super) stale_while_revalidate: Micros,
    pub(super) stale_if_error: Micros,
    /// Minutes after midnight, UTC.
    pub(super) expires_at: Option<i64>,
    /// Whether the rule stands over the response.
    pub(super) overrides: bool,
    /// Whether a client's directives may force a call upstream.
    pub(super) honours_clients: bool,
    pub(super) bypass: bool,
}

/// The values of the lines of a field, in their order.
pub(super) fn values<'a>(lines: &'a [Line], name: &str) -> Vec<&'a str> {
    lines.iter().filter(|(field, _)| *field == name).map(|(_, value)| value.as_str()).collect()
}

/// Whether there is a line of the field.
pub(super) fn has(lines: &[Line], name: &str) -> bool {
    lines.iter().any(|(field, _)| *field == name)
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = |time| time - self.response_time;
        writeln!(f, "{:?}", self.rule)?;
        writeln!(f, "\n{} {PATH}    ({} µs)", self.method, since(self.request_time))?;
        show(f, &self.request)?;
        writeln!(f, "\n{}    (response time {} µs)", self.status, self.response_time)?;
        show(f, &self.response)?;
        writeln!(f, "\n{} {PATH}    (+{} µs)", self.presented_method, since(self.now))?;
        show(f, &self.presented)
    }
}

fn show(f: &mut fmt::Formatter<'_>, lines: &[Line]) -> fmt::Result {
    lines.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))
}
