//! A request's part in a distributed trace (W3C Trace Context, Recommendation of
//! 23 November 2021): what comes of its `traceparent`, and what the upstream is
//! told.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::list::members;

/// The field that names the trace and the caller's span (§3.2).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The field with what others know of the trace (§3.3).
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Members that `tracestate` has at most (§3.3.1.1).
const MOST_MEMBERS: usize = 32;
/// The flag of a caller that records the trace (§3.2.2.5.1).
const SAMPLED: u8 = 1;

/// The number of a trace, which is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// The number of a span within its trace, which is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId(pub u64);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Whether somebody records a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// It is recorded.
    Sampled,
    /// Its numbers are only passed on.
    Unsampled,
}

/// What a caller says of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    trace: TraceId,
    span: SpanId,
    sampling: Sampling,
}

impl Parent {
    /// The parent that the fields name. Several lines name none, nor does one
    /// that is not as §3.2.2 has it.
    fn of(headers: &HeaderMap) -> Option<Parent> {
        let mut lines = headers.get_all(TRACEPARENT).iter();
        let line = lines.next().filter(|_| lines.next().is_none())?;
        Parent::parse(line.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Parent> {
        let mut parts = text.splitn(5, '-');
        let version = number(parts.next()?, 2)?;
        let trace = number(parts.next()?, 32).filter(|id| *id != 0)?;
        let span = number(parts.next()?, 16).filter(|id| *id != 0)?;
        let flags = number(parts.next()?, 2)?;
        // Later versions may add to the end (§3.2.4); this one ends here, and 255 is none.
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) {
            return None;
        }
        let is_sampled = flags & u128::from(SAMPLED) != 0;
        Some(Parent {
            trace: TraceId(trace),
            span: SpanId(u64::try_from(span).ok()?),
            sampling: if is_sampled { Sampling::Sampled } else { Sampling::Unsampled },
        })
    }
}

/// A number of so many digits, of which the letters are small.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_number = text.len() == digits && text.bytes().all(is_digit);
    is_number.then(|| u128::from_str_radix(text, 16).ok())?
}

/// What others know of the trace, as one line; `None` where there is nothing or
/// too much.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let all: Vec<_> = members(headers, &TRACESTATE).take(MOST_MEMBERS + 1).collect();
    let is_passed_on = (1..=MOST_MEMBERS).contains(&all.len());
    is_passed_on.then(|| HeaderValue::try_from(all.join(",")).ok())?
}

/// The relay's own span in a trace; an extension of the request.
#[derive(Debug)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// The relay's span.
    pub span: SpanId,
    /// The caller's.
    pub parent: Option<SpanId>,
    /// Whether it is recorded: as the caller says, where there is one.
    pub sampling: Sampling,
    state: Option<HeaderValue>,
    /// Nanoseconds until the upstream's answer began; 0 where it was not asked.
    upstream: AtomicU64,
}

impl Trace {
    /// The span of a request with these fields. `id` is the trace's where the
    /// request belongs to none, or to one that cannot be read; of those, `share`
    /// are recorded.
    pub fn begin(headers: &HeaderMap, id: TraceId, span: SpanId, share: f64) -> Trace {
        let parent = Parent::of(headers);
        Trace {
            id: parent.map_or(id, |parent| parent.trace),
            span,
            parent: parent.map(|parent| parent.span),
            sampling: parent.map_or_else(|| id.sampling(share), |parent| parent.sampling),
            // Without its trace it says nothing (§3.3).
            state: parent.and_then(|_| state(headers)),
            upstream: AtomicU64::new(0),
        }
    }

    /// Makes a request to the upstream part of the trace, with the relay as its
    /// caller.
    pub fn write(&self, headers: &mut HeaderMap) {
        let flags = if self.sampling == Sampling::Sampled { SAMPLED } else { 0 };
        let parent = format!("00-{}-{}-{flags:02x}", self.id, self.span);
        headers.remove(TRACESTATE);
        if let Ok(parent) = HeaderValue::try_from(parent) {
            headers.insert(TRACEPARENT, parent);
            headers.extend(self.state.clone().map(|state| (TRACESTATE, state)));
        }
    }

    /// Notes how long the upstream's answer took to begin.
    pub fn upstream_took(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.upstream.store(nanos.max(1), Ordering::Relaxed);
    }

    /// How long it took; `None` where the request had no exchange of its own.
    pub fn upstream_time(&self) -> Option<Duration> {
        let nanos = self.upstream.load(Ordering::Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }
}

impl TraceId {
    /// Whether this trace is among the share that is recorded. Its number is as
    /// good as chance, and says the same everywhere.
    fn sampling(self, share: f64) -> Sampling {
        const RANGE: u128 = 1 << 52;
        // Both are whole numbers that a float holds.
        #[expect(clippy::cast_precision_loss, reason = "52 bits fit")]
        let place = (self.0 % RANGE) as f64 / RANGE as f64;
        if place < share { Sampling::Sampled } else { Sampling::Unsampled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn begin(lines: &[(&'static str, &str)]) -> Trace {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        Trace::begin(&headers, TraceId(7), SpanId(9), 1.0)
    }

    fn written(trace: &Trace) -> (String, Option<String>) {
        let mut headers = HeaderMap::new();
        headers.insert(TRACESTATE, HeaderValue::from_static("old=1"));
        trace.write(&mut headers);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        (text(&headers[TRACEPARENT]), headers.get(TRACESTATE).map(text))
    }

    #[test]
    fn a_trace_goes_on_with_the_relay_as_the_caller() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let trace =
            begin(&[("traceparent", &parent), ("tracestate", "a=1, b=2"), ("tracestate", "c=3")]);
        assert_eq!((trace.id.to_string(), trace.span), (TRACE.to_owned(), SpanId(9)));
        assert_eq!(trace.parent.unwrap().to_string(), SPAN);
        let expected = format!("00-{TRACE}-0000000000000009-01");
        assert_eq!(written(&trace), (expected, Some("a=1,b=2,c=3".to_owned())));
    }

    #[test]
    fn the_callers_flag_is_honoured_and_only_what_is_known_of_it() {
        for (flags, sampling, told) in [
            ("00", Sampling::Unsampled, "00"),
            ("01", Sampling::Sampled, "01"),
            ("fe", Sampling::Unsampled, "00"),
            ("ff", Sampling::Sampled, "01"),
        ] {
            let trace = begin(&[("traceparent", &format!("00-{TRACE}-{SPAN}-{flags}"))]);
            assert_eq!(trace.sampling, sampling, "{flags}");
            assert!(written(&trace).0.ends_with(told), "{flags}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_replaced_with_its_state() {
        let zeros = "0".repeat(32);
        for parent in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
        ] {
            let trace = begin(&[("traceparent", &parent), ("tracestate", "a=1")]);
            assert_eq!((trace.id, trace.parent), (TraceId(7), None), "{parent}");
            assert_eq!(written(&trace).1, None, "{parent}");
        }
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let twice = begin(&[("traceparent", &parent), ("traceparent", &parent)]);
        assert_eq!(twice.id, TraceId(7));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for parent in [format!("01-{TRACE}-{SPAN}-01"), format!("cc-{TRACE}-{SPAN}-01-what-else")] {
            let trace = begin(&[("traceparent", &parent)]);
            assert_eq!(trace.id.to_string(), TRACE, "{parent}");
            assert!(written(&trace).0.starts_with("00-"), "{parent}");
        }
    }

    #[test]
    fn too_much_state_is_dropped() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let state = |members: usize| vec!["a=1"; members].join(",");
        let of = |members| {
            written(&begin(&[("traceparent", &parent), ("tracestate", &state(members))])).1
        };
        assert_eq!(of(MOST_MEMBERS), Some(state(MOST_MEMBERS)));
        assert_eq!(of(MOST_MEMBERS + 1), None);
    }

    #[test]
    fn a_share_of_new_traces_is_recorded() {
        let is_sampled = |id, share| TraceId(id).sampling(share) == Sampling::Sampled;
        let half = 1 << 51;
        assert!(is_sampled(half - 1, 0.5) && !is_sampled(half, 0.5));
        assert!(is_sampled(u128::MAX, 1.0) && !is_sampled(1 << 52, 0.0));
    }
}
