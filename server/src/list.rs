//! Fields whose value is a list (RFC 9110 §5.6.1).

use http::{HeaderMap, HeaderName};

/// The members of all lines of a field, trimmed; a line beyond ASCII has none.
pub fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}
