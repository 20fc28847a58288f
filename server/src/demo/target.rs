//! Request targets: which resource of the API a path names.

use http::{HeaderMap, HeaderName, Uri, header};

/// What can be asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Resource {
    /// What there is.
    Root,
    /// The restaurants.
    List,
    /// A restaurant and its menu.
    Menu(String),
    /// The version.
    Version,
    /// The API's description of itself.
    OpenApi,
    /// Its documentation page.
    Docs,
    /// A command of a chat program.
    Slack,
}

/// Whether a path ends in a slash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Slash {
    /// It does.
    Present,
    /// It does not.
    Absent,
}

/// A path of the API.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) resource: Resource,
    pub(super) slash: Slash,
    /// The path as it came, without that slash.
    pub(super) path: &'a str,
}

impl<'a> Target<'a> {
    /// The target of a path, if it names a resource.
    pub(super) fn exact(uri: &'a Uri) -> Option<Target<'a>> {
        Target::of(uri.path())
    }

    /// The same, but several slashes in front count as one.
    pub(super) fn collapsing_slashes(uri: &'a Uri) -> Option<Target<'a>> {
        Target::of(collapse_slashes(uri.path()))
    }

    fn of(path: &'a str) -> Option<Target<'a>> {
        let (path, slash) = match path.strip_suffix('/') {
            Some(path) => (path, Slash::Present),
            None => (path, Slash::Absent),
        };
        let decoded = percent_decode(path);
        let resource = match decoded.strip_prefix("/api")? {
            "" => Resource::Root,
            "/restaurant" => Resource::List,
            "/version" => Resource::Version,
            "/openapi.json" => Resource::OpenApi,
            "/docs" => Resource::Docs,
            "/slack" => Resource::Slack,
            path => match path.strip_prefix("/restaurant/")? {
                id if id.is_empty() || id.contains('/') => return None,
                id => Resource::Menu(id.to_owned()),
            },
        };
        Some(Target { resource, slash, path })
    }
}

/// Whether a path is the API's at all.
pub(super) fn is_api(path: &str) -> bool {
    let path = collapse_slashes(path);
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn collapse_slashes(path: &str) -> &str {
    let slashes = path.bytes().take_while(|byte| *byte == b'/').count();
    &path[slashes.saturating_sub(1)..]
}

/// The text behind a path's percent-encoding; what is not UTF-8 names nothing,
/// so it may be replaced.
fn percent_decode(path: &str) -> String {
    let hex = |byte: Option<&u8>| u8::try_from(char::from(*byte?).to_digit(16)?).ok();
    let bytes = path.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2)));
        if let (b'%', Some(high), Some(low)) = escaped {
            decoded.push(high * 16 + low);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A request's header, if it is there and text.
pub(super) fn field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Where the client thinks it is: what absolute URLs are built from.
#[derive(Debug)]
pub(super) struct Base<'a> {
    scheme: &'static str,
    authority: &'a str,
}

impl<'a> Base<'a> {
    /// What the request says, believed without question.
    pub(super) fn of(headers: &'a HeaderMap) -> Base<'a> {
        let scheme = match field(headers, &X_FORWARDED_PROTO) {
            Some("https") => "https",
            _ => "http",
        };
        Base { scheme, authority: field(headers, &header::HOST).unwrap_or("localhost") }
    }

    /// The URL of a path.
    pub(super) fn url(&self, path: &str, query: Option<&str>) -> String {
        let Base { scheme, authority } = self;
        match query {
            Some(query) => format!("{scheme}://{authority}{path}?{query}"),
            None => format!("{scheme}://{authority}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        #[track_caller]
        fn check(path: &str, expected: impl Into<Option<(Resource, Slash)>>) {
            let uri = path.parse().unwrap();
            let target = Target::exact(&uri).map(|target| (target.resource, target.slash));
            assert_eq!(target, expected.into());
        }

        check("/api", (Resource::Root, Slash::Absent));
        check("/api/", (Resource::Root, Slash::Present));
        check("/api/restaurant?x=1", (Resource::List, Slash::Absent));
        check("/api/restaurant/", (Resource::List, Slash::Present));
        check("/api/restaurant/k-markt", (Resource::Menu("k-markt".into()), Slash::Absent));
        check("/api/restaurant/r%C3%A4v/", (Resource::Menu("räv".into()), Slash::Present));
        check("/api/%72estaurant", (Resource::List, Slash::Absent));
        check("/api/restaurant/100%", (Resource::Menu("100%".into()), Slash::Absent));
        check("/api/slack/", (Resource::Slack, Slash::Present));
        check("/api/restaurant/a%2Fb", None);
        check("/api/restaurant/rudbeck/menu", None);
        check("/api/restaurant//", None);
        check("/apirestaurant", None);
        check("//api", None);
        check("/", None);
    }

    #[test]
    fn several_slashes_in_front_count_as_one_if_the_era_says_so() {
        let uri = "//api/restaurant".parse().unwrap();
        let target = Target::collapsing_slashes(&uri).unwrap();
        assert_eq!((target.resource, target.path), (Resource::List, "/api/restaurant"));
    }

    #[test]
    fn what_belongs_to_the_api() {
        for path in ["/api", "/api/", "//api/x", "/api/nothing"] {
            assert!(is_api(path), "{path}");
        }
        for path in ["/", "/apis", "/restaurant", "*"] {
            assert!(!is_api(path), "{path}");
        }
    }

    #[test]
    fn bases() {
        #[track_caller]
        fn check(fields: &[(&'static str, &str)], expected: &str) {
            let headers = fields
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
            assert_eq!(Base::of(&headers.collect()).url("/p", Some("q")), expected);
        }

        check(&[("host", "h:1")], "http://h:1/p?q");
        check(&[("host", "h"), ("x-forwarded-proto", "https")], "https://h/p?q");
        check(&[("host", "h"), ("x-forwarded-proto", "gopher")], "http://h/p?q");
        check(&[], "http://localhost/p?q");
    }
}
