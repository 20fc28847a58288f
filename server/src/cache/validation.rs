//! Validation (RFC 9111 §4.3): asking the upstream whether what is stored is
//! still good, and what its answer means for it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    etag::EntityTag,
    range,
    stored::{Prepared, StoredResponse},
};

/// What a request that goes upstream finds out about what is stored.
#[derive(Clone, Debug, Default)]
pub enum Asking {
    /// Nothing: it asks for a response.
    #[default]
    Anew,
    /// Whether one of these is still good (§4.3.1), the selected one first.
    Validating(Vec<Arc<Prepared>>),
    /// What is missing of this part (§3.4), with the range that it is.
    Completing(Arc<Prepared>, HeaderValue),
}

/// What an answer means for what is stored.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// It is an answer by itself.
    Answer,
    /// This one is still good (§4.3.3).
    Freshens(Arc<Prepared>),
    /// It is what was missing of this one (§3.4).
    Completes(Arc<Prepared>),
    /// Nothing that could be used: to be asked anew.
    Nothing,
}

impl Asking {
    /// What to ask, there being these `variants` under the key, one of which
    /// may have been `selected`.
    pub fn about(selected: Option<&Arc<Prepared>>, variants: &[Arc<Prepared>]) -> Asking {
        if let Some(part) = selected.filter(|selected| selected.response.part.is_some()) {
            // §3.4: parts are combined only where they share a strong validator.
            let missing = part.response.part.as_ref().and_then(range::missing);
            return match missing.filter(|_| strong_validator(part).is_some()) {
                Some(missing) => Asking::Completing(Arc::clone(part), missing),
                None => Asking::Anew,
            };
        }
        let is_selected =
            |variant: &&Arc<Prepared>| selected.is_some_and(|one| Arc::ptr_eq(one, variant));
        let has_etag =
            |variant: &&Arc<Prepared>| variant.response.part.is_none() && variant.etag.is_some();
        let selected = selected.filter(|one| one.etag.is_some() || one.last_modified.is_some());
        let others = variants.iter().filter(|variant| !is_selected(variant)).filter(has_etag);
        let asked: Vec<_> = selected.into_iter().chain(others).cloned().collect();
        if asked.is_empty() { Asking::Anew } else { Asking::Validating(asked) }
    }

    /// Makes a request ask, in the place of the conditions it has.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        match self {
            Asking::Anew => {}
            Asking::Validating(asked) => {
                let is_selected =
                    asked.first().is_some_and(|one| one.response.selecting.selects(headers));
                remove_conditions(headers);
                let tags: Vec<&HeaderValue> =
                    asked.iter().filter_map(|one| one.etag.as_ref()).collect();
                if let Some(tags) = list(&tags) {
                    headers.insert(header::IF_NONE_MATCH, tags);
                }
                // §4.3.1; where several are asked about, a date would not say which one, and
                // where none was selected, a server that looks at no tag would say that what
                // others get is still good.
                if let [only] = &asked[..]
                    && is_selected
                    && let Some(date) = only.response.field(&header::LAST_MODIFIED)
                    && only.last_modified.is_some()
                {
                    headers.insert(header::IF_MODIFIED_SINCE, date.clone());
                }
            }
            Asking::Completing(part, missing) => {
                remove_conditions(headers);
                if let Some(validator) = strong_validator(part) {
                    headers.insert(header::RANGE, missing.clone());
                    headers.insert(header::IF_RANGE, validator.clone());
                }
            }
        }
    }

    /// What the answer means.
    ///
    /// §4.3.4 tells which stored responses a 304 is about by its validators. Where
    /// only one was asked about, one without any is about that: servers that
    /// forget the `ETag` there are many.
    pub fn meaning(&self, status: StatusCode, headers: &HeaderMap) -> Meaning {
        match (self, status) {
            (Asking::Validating(asked), StatusCode::NOT_MODIFIED) => match &asked[..] {
                [only] if !has_validator(headers) => Meaning::Freshens(Arc::clone(only)),
                several => identified(several, headers).map_or(Meaning::Nothing, Meaning::Freshens),
            },
            (Asking::Completing(part, _), StatusCode::PARTIAL_CONTENT) => {
                let shares_validator = strong_validator(part)
                    .is_some_and(|validator| strong_validator_of(headers) == Some(validator));
                if shares_validator {
                    Meaning::Completes(Arc::clone(part))
                } else {
                    Meaning::Nothing
                }
            }
            (Asking::Completing(..), StatusCode::RANGE_NOT_SATISFIABLE) => Meaning::Nothing,
            _ => Meaning::Answer,
        }
    }
}

/// The stored response that a 304 selects (§4.3.4): by strong comparison of its
/// entity tag, or weakly where the tag is weak; without one, by its date.
fn identified(asked: &[Arc<Prepared>], headers: &HeaderMap) -> Option<Arc<Prepared>> {
    let Some(tag) = headers.get(header::ETAG).map(EntityTag::of) else {
        let date = headers.get(header::LAST_MODIFIED)?;
        let matches =
            |one: &&Arc<Prepared>| one.response.field(&header::LAST_MODIFIED) == Some(date);
        return asked.iter().find(matches).cloned();
    };
    let matches = |one: &&Arc<Prepared>| {
        one.etag.as_ref().map(EntityTag::of).is_some_and(|stored| {
            if tag.is_strong() { tag.strong_eq(&stored) } else { tag.weak_eq(&stored) }
        })
    };
    asked.iter().find(matches).cloned()
}

fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED)
}

/// The fields of a stored response, updated with those of a 304, of the answer
/// to a HEAD request, or of the part that completes it (§3.2).
pub fn updated(
    stored: &[(HeaderName, HeaderValue)],
    new: &HeaderMap,
) -> Vec<(HeaderName, HeaderValue)> {
    // An age is that of the response it came with: the new one has none where it says none.
    let is_replaced = |name: &HeaderName| {
        *name == header::AGE || (new.contains_key(name) && !depends_on_body(name))
    };
    let old = stored.iter().filter(|(name, _)| !is_replaced(name)).cloned();
    let new = new
        .iter()
        .filter(|(name, _)| !depends_on_body(name))
        .map(|(name, value)| (name.clone(), value.clone()));
    old.chain(new).collect()
}

/// Whether a field tells how to read the body that is stored, which a response
/// without that body cannot change (§3.2).
fn depends_on_body(name: &HeaderName) -> bool {
    matches!(*name, header::CONTENT_LENGTH | header::CONTENT_ENCODING | header::CONTENT_RANGE)
}

/// What the answer to a HEAD request means for the response that is stored for
/// GET (§4.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadEffect {
    /// It updates it.
    Freshens,
    /// It shows that it is outdated.
    Outdates,
    /// It tells nothing of it.
    None,
}

/// Compares the answer to a HEAD request with what is stored (§4.3.5).
pub fn effect_of_head(
    stored: &StoredResponse,
    status: StatusCode,
    headers: &HeaderMap,
) -> HeadEffect {
    if status != StatusCode::OK || stored.status != StatusCode::OK || stored.part.is_some() {
        return HeadEffect::None;
    }
    let same =
        |name: &HeaderName| headers.get(name).is_none_or(|new| Some(new) == stored.field(name));
    let same_length = headers
        .get(header::CONTENT_LENGTH)
        .is_none_or(|length| *length == HeaderValue::from(stored.body.len()));
    if same(&header::ETAG) && same(&header::LAST_MODIFIED) && same_length {
        HeadEffect::Freshens
    } else {
        HeadEffect::Outdates
    }
}

/// Removes what only makes sense with what a client has.
pub fn remove_conditions(headers: &mut HeaderMap) {
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::IF_RANGE, header::RANGE]
    {
        headers.remove(name);
    }
}

/// Whether a status, in answer to a request for validation, is one of those
/// that `stale-if-error` is for (RFC 5861 §4), or an upstream's refusal to be
/// asked so often (RFC 6585 §4).
pub fn is_error(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// The strong validator of a stored response (RFC 9110 §8.8.1): an entity tag
/// that is not weak.
fn strong_validator(stored: &Prepared) -> Option<&HeaderValue> {
    stored.etag.as_ref().filter(|etag| EntityTag::of(etag).is_strong())
}

fn strong_validator_of(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(header::ETAG).filter(|etag| EntityTag::of(etag).is_strong())
}

/// Values as one list, each once.
fn list(values: &[&HeaderValue]) -> Option<HeaderValue> {
    let mut seen: Vec<&[u8]> = Vec::new();
    for value in values {
        if !seen.contains(&value.as_bytes()) {
            seen.push(value.as_bytes());
        }
    }
    let joined = seen.join(&b", "[..]);
    (!joined.is_empty()).then(|| HeaderValue::from_bytes(&joined).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{
        policy::tests::{fields, plain, prepared},
        range::ContentRange,
    };

    fn stored(text: &str, part: Option<ContentRange>) -> Arc<Prepared> {
        prepared(text, part, &plain())
    }

    /// What a request asks, there being these variants, the first selected.
    #[track_caller]
    fn check_asked(variants: &[Arc<Prepared>], expected: &str) {
        let mut headers = fields("if-none-match: \"client\"\nif-modified-since: x\nx: 1");
        Asking::about(variants.first(), variants).add_to(&mut headers);
        let expected = if expected.is_empty() {
            fields("if-none-match: \"client\"\nif-modified-since: x\nx: 1")
        } else {
            fields(&format!("x: 1\n{expected}"))
        };
        assert_eq!(headers, expected);
    }

    #[test]
    fn what_is_asked() {
        let date = "Thu, 01 Jan 1970 00:00:00 GMT";
        let both = stored(&format!("etag: \"a\"\nlast-modified: {date}"), None);
        let dated = stored(&format!("last-modified: {date}"), None);
        let tagged = stored("etag: W/\"b\"", None);
        let unquoted = stored("etag: c", None);
        let bare = stored("x: 1", None);
        check_asked(
            &[Arc::clone(&both)],
            &format!("if-none-match: \"a\"\nif-modified-since: {date}"),
        );
        check_asked(&[Arc::clone(&dated)], &format!("if-modified-since: {date}"));
        check_asked(&[Arc::clone(&bare)], "");
        check_asked(&[stored("last-modified: today", None)], "");
        check_asked(&[Arc::clone(&unquoted)], "if-none-match: c");
        check_asked(
            &[Arc::clone(&both), Arc::clone(&tagged), bare.clone()],
            "if-none-match: \"a\", W/\"b\"",
        );
        check_asked(&[bare, tagged, both, dated], "if-none-match: W/\"b\", \"a\"");
    }

    #[test]
    fn what_completes_a_part() {
        let part = |first, last| Some(ContentRange { first, last, complete: Some(30) });
        check_asked(&[stored("etag: \"a\"", part(0, 9))], "range: bytes=10-\nif-range: \"a\"");
        check_asked(&[stored("etag: \"a\"", part(20, 29))], "range: bytes=0-19\nif-range: \"a\"");
        check_asked(&[stored("etag: \"a\"", part(10, 19))], "");
        check_asked(&[stored("etag: W/\"a\"", part(0, 9))], "");
    }

    #[test]
    fn which_of_several_a_304_is_about() {
        let asked = [stored("etag: \"a\"", None), stored("etag: \"b\"", None)];
        let asking = Asking::about(Some(&asked[0]), &asked);
        let check = |text: &str, expected: Option<usize>| {
            let actual = match asking.meaning(StatusCode::NOT_MODIFIED, &fields(text)) {
                Meaning::Freshens(one) => asked.iter().position(|other| Arc::ptr_eq(other, &one)),
                _ => None,
            };
            assert_eq!(actual, expected, "{text}");
        };
        check("etag: \"b\"", Some(1));
        check("etag: W/\"a\"", Some(0));
        check("etag: \"c\"", None);
        check("x: 1", None);
        let only = Asking::about(Some(&asked[0]), &asked[..1]);
        for text in ["etag: \"b\"", "etag: W/\"b\"", "last-modified: today"] {
            let meaning = only.meaning(StatusCode::NOT_MODIFIED, &fields(text));
            assert!(matches!(meaning, Meaning::Nothing), "{text} {meaning:?}");
        }
        let meaning = only.meaning(StatusCode::NOT_MODIFIED, &fields("x: 1"));
        assert!(matches!(meaning, Meaning::Freshens(_)), "{meaning:?}");
    }

    #[test]
    fn which_fields_are_updated() {
        let old =
            stored("a: 1\nage: 9\nb: 1\ncontent-length: 10\ncontent-encoding: br\na: 2", None);
        let new = fields("a: 3\nc: 1\ncontent-length: 3\ncontent-encoding: gzip\nc: 2");
        let updated: Vec<_> = updated(&old.response.fields, &new)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(
            updated,
            ["b: 1", "content-length: 10", "content-encoding: br", "a: 3", "c: 1", "c: 2"]
        );
    }

    #[test]
    fn what_a_head_answer_means() {
        let stored = stored("etag: \"a\"", None);
        let check = |status: u16, text: &str, expected| {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(effect_of_head(&stored.response, status, &fields(text)), expected, "{text}");
        };
        check(200, "etag: \"a\"\ncontent-length: 10", HeadEffect::Freshens);
        check(200, "x: 1", HeadEffect::Freshens);
        check(200, "etag: \"b\"", HeadEffect::Outdates);
        check(200, "last-modified: Thu, 01 Jan 1970 00:00:00 GMT", HeadEffect::Outdates);
        check(200, "content-length: 11", HeadEffect::Outdates);
        check(410, "etag: \"b\"", HeadEffect::None);
    }
}
