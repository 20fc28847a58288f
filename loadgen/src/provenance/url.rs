//! A URL that can be shown.

/// What is in the place of a secret.
pub(super) const MASK: &str = "***";

/// Parameters whose names have one of these words in them are secret. That
/// some others have them too does no harm.
const SECRET: [&str; 12] = [
    "auth",
    "bearer",
    "code",
    "credential",
    "jwt",
    "key",
    "pass",
    "pwd",
    "secret",
    "session",
    "sig",
    "token",
];

/// `url` with a mask in the place of its user and of each secret parameter's
/// value. What is no URL is as it was.
pub(crate) fn without_secrets(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, rest) = split_before(rest, &['/', '?', '#']);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    };
    let (path, query) = split_before(rest, &['?', '#']);
    let parameters: Vec<_> = query.split('&').map(parameter).collect();
    format!("{scheme}://{authority}{path}{}", parameters.join("&"))
}

fn split_before<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// What some take for the end of a value others take for a part of it, so all
/// that follows a secret name is masked.
fn parameter(text: &str) -> String {
    let mut names = text.match_indices('=').map(|(at, _)| &text[..at]);
    match names.find(|name| is_secret(name)) {
        Some(name) => format!("{name}={MASK}"),
        None => text.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = decoded(name).to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// `text` without percent-encoding (RFC 3986, section 2.1), as far as it is ASCII.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |decoded, part| {
        let digits = part.split_at_checked(2);
        match digits.and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest))) {
            Some((byte, rest)) => format!("{decoded}{}{rest}", char::from(byte)),
            None => format!("{decoded}%{part}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        for (url, shown) in [
            ("http://me:word@a:81/b", "http://***@a:81/b"),
            ("https://me@a", "https://***@a"),
            ("http://me:a@b@c?q=1", "http://***@c?q=1"),
            ("http://a/?token=1", "http://a/?token=***"),
            ("http://a/b?x=1&API_Key=1&y=2", "http://a/b?x=1&API_Key=***&y=2"),
            ("http://a?X-Amz-Signature=1&sig=2", "http://a?X-Amz-Signature=***&sig=***"),
            ("http://a/?password=&session_id=2", "http://a/?password=***&session_id=***"),
            ("http://a/?%74oken=1&b%5Bkey%5D=2", "http://a/?%74oken=***&b%5Bkey%5D=***"),
            // Whatever ends a parameter where.
            ("http://a/?token=1;b=2?c#d", "http://a/?token=***"),
            ("http://a/?b=1;token=2", "http://a/?b=1;token=***"),
            ("http://a/?b=1#access_token=2", "http://a/?b=1#access_token=***"),
            ("http://a/#access_token=2&b=1", "http://a/#access_token=***&b=1"),
        ] {
            assert_eq!(without_secrets(url), shown, "{url}");
        }
    }

    #[test]
    fn the_rest_is_as_it_was() {
        for url in [
            "http://a/",
            "http://[::1]:80/key=1?q=a@b&n=%zz&m=%",
            "http://a/b@c",
            "http://a/?token",
            "http://a/?n=%e2%82%ac&é=%é",
            "--rate=1",
            "token=1",
            "",
        ] {
            assert_eq!(without_secrets(url), url);
        }
    }
}
