//! The address that paths are appended to.

use std::fmt::Write;

use ureq::http::{Uri, uri::Scheme};

/// A base address, without a slash at the end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Base {
    /// `http://host:port`.
    origin: String,
    host: String,
    path: String,
}

impl Base {
    /// Reads an address; without a scheme it is HTTP's.
    pub(super) fn parse(url: &str) -> Result<Base, &'static str> {
        let url = url.trim();
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = url.parse().map_err(|_| "is no web address")?;
        let scheme =
            uri.scheme().filter(|scheme| **scheme == Scheme::HTTP || **scheme == Scheme::HTTPS);
        let scheme = scheme.ok_or("is neither http nor https")?;
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("has a user in it");
        }
        if uri.query().is_some() {
            return Err("has a query");
        }
        Ok(Base {
            origin: format!("{scheme}://{authority}"),
            host: authority.host().to_ascii_lowercase(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// Whether it is this machine.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "[::1]") || self.host.starts_with("127.")
    }

    /// The address of a path below it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{}/{path}", self.origin, self.path)
    }

    /// The address that an answer sends us to, if it is of the same host.
    ///
    /// Behind TLS the API writes `http:` and its own port into `Location`: only
    /// the path of what it says counts, and nothing turns HTTPS into HTTP.
    pub(super) fn redirected(&self, location: &str) -> Option<String> {
        let target: Uri = location.parse().ok()?;
        if let Some(host) = target.host()
            && !host.eq_ignore_ascii_case(&self.host)
        {
            return None;
        }
        let path = target.path_and_query()?.as_str();
        let is_path = path.starts_with('/') && !path.starts_with("//");
        is_path.then(|| format!("{}{path}", self.origin))
    }
}

/// An identifier as a segment of a path.
pub(super) fn segment(id: &str) -> String {
    let mut segment = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(segment, "%{byte:02X}");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        #[track_caller]
        fn check(url: &str, expected: Result<&str, &str>) {
            let found = Base::parse(url).map(|base| base.at("restaurant"));
            assert_eq!(found.as_deref().map_err(|wrong| *wrong), expected);
        }

        check("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/restaurant"));
        check("http://h/api/", Ok("http://h/api/restaurant"));
        check("https://h/api", Ok("https://h/api/restaurant"));
        check("localhost:8080", Ok("http://localhost:8080/restaurant"));
        check("[::1]:8080", Ok("http://[::1]:8080/restaurant"));
        check("ftp://h/", Err("is neither http nor https"));
        check("http://", Err("is no web address"));
        check("http://h h/", Err("is no web address"));
        check("http://a:b@h/", Err("has a user in it"));
        check("http://h/?a", Err("has a query"));
    }

    #[test]
    fn redirects_stay_with_the_host() {
        #[track_caller]
        fn check(location: &str, expected: Option<&str>) {
            let base = Base::parse("https://h/api").unwrap();
            assert_eq!(base.redirected(location).as_deref(), expected);
        }

        check("/api/restaurant/", Some("https://h/api/restaurant/"));
        check("https://h/api/restaurant/", Some("https://h/api/restaurant/"));
        check("http://H:8000/api/restaurant/?a=b", Some("https://h/api/restaurant/?a=b"));
        check("https://evil.example/api/restaurant/", None);
        check("//evil.example/api/", None);
        check("restaurant/", None);
        check("", None);
    }

    #[test]
    fn identifiers_are_one_segment() {
        assert_eq!(segment("food-co"), "food-co");
        assert_eq!(segment("../a b/ö?"), "%2E%2E%2Fa%20b%2F%C3%B6%3F");
    }

    #[test]
    fn this_machine_is_known() {
        for (url, local) in
            [("127.0.0.1:1", true), ("localhost", true), ("[::1]", true), ("http://h", false)]
        {
            assert_eq!(Base::parse(url).unwrap().is_local(), local, "{url}");
        }
    }
}
