//! What a client's preconditions mean for a stored response (RFC 9111 §4.3.2).
//!
//! `If-Match` and `If-Unmodified-Since` are for the origin server: a cache has
//! no current representation to guard and may ignore them (RFC 9110 §13.1.1,
//! §13.1.4), and it must not evaluate what only applies there (RFC 9111 §4.3.2).

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    date,
    etag::{self, EntityTag},
};

/// What tells a stored response from other versions of it (RFC 9110 §8.8).
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// `ETag`.
    pub etag: Option<&'a HeaderValue>,
    /// `Last-Modified`, where it is there and valid.
    pub last_modified: Option<SystemTime>,
    /// `Date`, or when the response was received.
    pub date: SystemTime,
}

/// How the preconditions turned out (RFC 9110 §13.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluated {
    /// Answer with the stored response, `Range` considered.
    Proceed,
    /// The client has it already: 304.
    NotModified,
}

impl<'a> Validators<'a> {
    /// Whether both are of the same bytes for certain: "they all share the
    /// same strong validator" (RFC 9111 §3.4).
    pub fn share_strong(&self, other: &Validators<'_>) -> bool {
        match (self.tag(), other.tag()) {
            (Some(tag), Some(other)) => tag.strong_eq(&other),
            (None, None) => {
                self.strong_date().is_some() && self.strong_date() == other.strong_date()
            }
            _ => false,
        }
    }

    fn tag(&self) -> Option<EntityTag<'a>> {
        self.etag.map(EntityTag::of)
    }

    /// `Last-Modified`, in seconds, where it is a strong validator: "that cache
    /// entry includes a Date value which is at least one second after the
    /// Last-Modified value" (RFC 9110 §8.8.2.2).
    fn strong_date(&self) -> Option<u64> {
        self.last_modified.map(seconds).filter(|modified| *modified < seconds(self.date))
    }
}

/// Evaluates a GET's or HEAD's preconditions where a response with this status
/// is stored and may be reused.
pub fn evaluate(request: &HeaderMap, status: StatusCode, validators: &Validators<'_>) -> Evaluated {
    // Preconditions are ignored where the answer without them would be no 2xx
    // (RFC 9110 §13.2.1).
    if !status.is_success() {
        return Evaluated::Proceed;
    }
    // `If-None-Match` takes precedence, and is compared weakly (RFC 9110 §13.1.2).
    if request.contains_key(header::IF_NONE_MATCH) {
        let tags = etag::list(request, &header::IF_NONE_MATCH);
        return if tags.weakly_include(validators.tag().as_ref()) {
            Evaluated::NotModified
        } else {
            Evaluated::Proceed
        };
    }
    // A date that is not valid, or not alone, is ignored (RFC 9110 §13.1.3).
    let Some(since) = date::field(request, &header::IF_MODIFIED_SINCE, validators.date) else {
        return Evaluated::Proceed;
    };
    // Without `Last-Modified`, `Date` or the time of receipt stands for it
    // (RFC 9111 §4.3.2); "earlier or equal" means not modified.
    if seconds(validators.last_modified.unwrap_or(validators.date)) <= seconds(since) {
        Evaluated::NotModified
    } else {
        Evaluated::Proceed
    }
}

/// Whether `If-Range` lets a GET's `Range` apply to the stored response
/// (RFC 9110 §13.1.5).
pub fn range_applies(request: &HeaderMap, validators: &Validators<'_>) -> bool {
    if !request.contains_key(header::IF_RANGE) {
        return true;
    }
    let Some(value) = only(request, &header::IF_RANGE) else { return false };
    // What has quotes is no valid date, so that this tells tags and dates apart.
    if let Some(date) = date::parse(value, validators.date) {
        // The date is a strong validator, and matches exactly.
        return validators.strong_date() == Some(seconds(date));
    }
    validators.tag().is_some_and(|tag| tag.strong_eq(&EntityTag::of(value)))
}

/// The line of a field, `None` where it has none or several.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => line,
        _ => None,
    }
}

/// An HTTP-date has whole seconds; a time of receipt has more.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the date of RFC 9110 §5.6.7.
    const THEN: u64 = 784_111_777;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn fields(text: &str) -> HeaderMap {
        text.lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check_tag(status: u16, etag: Option<&'static str>, request: &str, expected: Evaluated) {
        let etag = etag.map(HeaderValue::from_static);
        let validators =
            Validators { etag: etag.as_ref(), last_modified: Some(at(THEN)), date: at(THEN + 60) };
        let status = StatusCode::from_u16(status).unwrap();
        let actual = evaluate(&fields(request), status, &validators);
        assert_eq!(actual, expected, "{status} {etag:?} {request}");
    }

    #[test]
    fn if_none_match() {
        use Evaluated::{NotModified, Proceed};
        let check = check_tag;
        check(200, Some("\"a\""), "", Proceed);
        check(200, Some("\"a\""), "if-none-match: \"a\"", NotModified);
        check(200, Some("W/\"a\""), "if-none-match: \"a\"", NotModified);
        check(200, Some("\"a\""), "if-none-match: \"b\", W/\"a\"", NotModified);
        check(200, Some("\"a\""), "if-none-match: \"b\"\nif-none-match: \"a\"", NotModified);
        check(200, Some("\"a\""), "if-none-match: \"b\"", Proceed);
        check(200, Some("\"a\""), "if-none-match: *", NotModified);
        check(200, None, "if-none-match: *", NotModified);
        check(200, None, "if-none-match: \"a\"", Proceed);
        check(200, None, "if-none-match: ", Proceed);
        check(203, Some("\"a\""), "if-none-match: \"a\"", NotModified);
        check(404, Some("\"a\""), "if-none-match: \"a\"", Proceed);
        check(301, Some("\"a\""), "if-none-match: *", Proceed);
        // It takes precedence over the date, which alone would say 304.
        let date = "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT";
        check(200, Some("\"a\""), date, NotModified);
        check(200, Some("\"a\""), &format!("if-none-match: \"b\"\n{date}"), Proceed);
        check(404, Some("\"a\""), date, Proceed);
        // Not for a cache.
        check(200, Some("\"a\""), "if-match: \"b\"", Proceed);
        check(200, None, "if-unmodified-since: Sat, 29 Oct 1994 19:43:31 GMT", Proceed);
    }

    #[track_caller]
    fn check_date(last_modified: Option<u64>, date: u64, request: &str, expected: Evaluated) {
        let validators = Validators {
            etag: None,
            last_modified: last_modified.map(at),
            // As a time of receipt may be.
            date: at(date) + Duration::from_millis(700),
        };
        let actual = evaluate(&fields(request), StatusCode::OK, &validators);
        assert_eq!(actual, expected, "{last_modified:?} {date} {request}");
    }

    #[test]
    fn if_modified_since() {
        use Evaluated::{NotModified, Proceed};
        let check = check_date;
        let request = "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT";
        check(Some(THEN - 1), THEN + 60, request, NotModified);
        check(Some(THEN), THEN + 60, request, NotModified);
        check(Some(THEN + 1), THEN + 60, request, Proceed);
        check(None, THEN - 1, request, NotModified);
        check(None, THEN, request, NotModified);
        check(None, THEN + 1, request, Proceed);
        let check = |text: &str, expected| {
            check_date(Some(THEN), THEN, &format!("if-modified-since: {text}"), expected);
        };
        check("Sunday, 06-Nov-94 08:49:37 GMT", NotModified);
        check("Sun Nov  6 08:49:37 1994", NotModified);
        check("Sun Nov  6 08:49:36 1994", Proceed);
        check("tomorrow", Proceed);
        check("Tue, 06 Nov 2040 08:49:37 GMT", NotModified);
        check_date(Some(THEN), THEN, &format!("{request}\n{request}"), Proceed);
    }

    #[track_caller]
    fn check_range(etag: Option<&'static str>, date: u64, if_range: &str, expected: bool) {
        let etag = etag.map(HeaderValue::from_static);
        let validators = Validators {
            etag: etag.as_ref(),
            last_modified: Some(at(THEN)),
            date: at(date) + Duration::from_millis(700),
        };
        let actual = range_applies(&fields(if_range), &validators);
        assert_eq!(actual, expected, "{etag:?} {date} {if_range}");
    }

    #[test]
    fn if_range() {
        let check = check_range;
        check(None, THEN, "", true);
        check(Some("\"a\""), THEN, "if-range: \"a\"", true);
        check(Some("\"a\""), THEN, "if-range: \"b\"", false);
        check(Some("W/\"a\""), THEN, "if-range: W/\"a\"", false);
        check(Some("\"a\""), THEN, "if-range: W/\"a\"", false);
        check(Some("a"), THEN, "if-range: a", true);
        check(None, THEN, "if-range: \"a\"", false);
        check(None, THEN, "if-range: a", false);
        check(Some("\"a\""), THEN, "if-range: \"a\"\nif-range: \"a\"", false);
        let date = "if-range: Sun, 06 Nov 1994 08:49:37 GMT";
        check(None, THEN + 1, date, true);
        check(Some("\"a\""), THEN + 1, date, true);
        // Modified again in the same second, maybe.
        check(None, THEN, date, false);
        check(None, THEN + 60, "if-range: Sun, 06 Nov 1994 08:49:38 GMT", false);
        check(None, THEN + 60, "if-range: Sun, 06 Nov 1994 08:49:36 GMT", false);
    }

    #[test]
    fn strong_validators_shared() {
        let tags = ["\"a\"", "\"b\"", "W/\"a\""].map(HeaderValue::from_static);
        let check = |one: (Option<&HeaderValue>, u64), other: (Option<&HeaderValue>, u64), yes| {
            let validators = |(etag, modified)| Validators {
                etag,
                last_modified: Some(at(modified)),
                date: at(THEN),
            };
            let actual = validators(one).share_strong(&validators(other));
            assert_eq!(actual, yes, "{one:?} {other:?}");
        };
        let [a, b, weak] = &tags;
        check((Some(a), 1), (Some(a), 2), true);
        check((Some(a), 1), (Some(b), 1), false);
        check((Some(weak), 1), (Some(weak), 1), false);
        check((Some(a), 1), (None, 1), false);
        check((None, 1), (None, 1), true);
        check((None, 1), (None, 2), false);
        check((None, THEN), (None, THEN), false);
    }
}
