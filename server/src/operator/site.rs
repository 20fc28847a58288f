//! Requests that a page of another site has a browser make.
//!
//! Two ways lead through a browser to a listener that trusts whoever reaches
//! it. A page may send requests to it, the answers to which it cannot read:
//! what changes something is refused unless the browser says that a page of
//! ours has sent it (`Sec-Fetch-Site`, or else `Origin`). And a page may have
//! its own name point to this machine (DNS rebinding), so that the browser takes
//! ours for its site: where no token is asked for, only names of this machine
//! are answered.

use http::{HeaderMap, Method, Uri, header, uri::Authority};

/// Which names a request may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Any.
    Any,
    /// Those that can lead nowhere but to this machine.
    OfThisMachine,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It asks for another name.
    #[error(
        "ask for 127.0.0.1, [::1] or localhost: any name may be another site's that points here (set --admin-token to be reached by other names)"
    )]
    Name,
    /// A page of another site has sent it.
    #[error("the page of another site has sent this request: it changes something here")]
    Site,
}

/// Refuses what a page of another site has sent.
pub fn check(method: &Method, uri: &Uri, headers: &HeaderMap, names: Names) -> Result<(), Refused> {
    let host = host(uri, headers);
    if names == Names::OfThisMachine && !host.as_ref().is_some_and(is_of_this_machine) {
        return Err(Refused::Name);
    }
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).map(|line| line.to_str().unwrap_or_default());
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let origin = origin.split_once("://").map_or("", |(_, authority)| authority);
            host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(origin))
        }
        // No browser that has to be protected leaves both out.
        (None, None) => true,
    };
    if is_ours { Ok(()) } else { Err(Refused::Site) }
}

/// The authority that is asked for: of the target (RFC 9112 §3.2.2), or of `Host`.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let of_field = || headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    uri.authority().cloned().or_else(of_field)
}

fn is_of_this_machine(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    // RFC 6761 §6.3: `localhost` and all below it are loopback.
    is_loopback || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check_row(method: &str, lines: &[(&'static str, &'static str)], expected: Option<Refused>) {
        let headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let method: Method = method.parse().unwrap();
        let uri = Uri::from_static("/v1/cache");
        let refused = check(&method, &uri, &headers, Names::OfThisMachine).err();
        assert_eq!(refused, expected, "{method} {lines:?}");
    }

    #[test]
    fn names_of_this_machine_alone() {
        for host in [
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "localhost:1",
            "LOCALHOST.",
            "a.localhost",
        ] {
            check_row("GET", &[("host", host)], None);
        }
        for host in ["evil.example:8081", "localhost.evil.example", "10.0.0.1", "xlocalhost", ""] {
            check_row("GET", &[("host", host)], Some(Refused::Name));
        }
        check_row("GET", &[], Some(Refused::Name));
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("relay"))]);
        let uri = Uri::from_static("/");
        assert_eq!(check(&Method::GET, &uri, &headers, Names::Any), Ok(()));
        // An absolute target stands over the field.
        let uri = Uri::from_static("http://evil.example/");
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("localhost"))]);
        let refused = check(&Method::GET, &uri, &headers, Names::OfThisMachine);
        assert_eq!(refused, Err(Refused::Name));
    }

    #[test]
    fn what_changes_something_comes_from_our_own_pages() {
        let host = ("host", "127.0.0.1:8081");
        for site in ["same-origin", "none"] {
            check_row("POST", &[host, ("sec-fetch-site", site)], None);
        }
        for site in ["cross-site", "same-site", "", "SAME-ORIGIN"] {
            check_row("POST", &[host, ("sec-fetch-site", site)], Some(Refused::Site));
            check_row("GET", &[host, ("sec-fetch-site", site)], None);
        }
        check_row("POST", &[host], None);
        check_row("PUT", &[host, ("origin", "http://127.0.0.1:8081")], None);
        for origin in
            ["http://evil.example", "http://127.0.0.1", "http://127.0.0.1:80810", "null", ""]
        {
            check_row("PUT", &[host, ("origin", origin)], Some(Refused::Site));
        }
        // What the browser itself says counts before what a page may have a say in.
        let both = [host, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")];
        check_row("DELETE", &both, None);
    }
}
