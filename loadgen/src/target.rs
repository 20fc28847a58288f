//! The one address that a run asks for, and whether it may be loaded.

use std::net::SocketAddr;

use hyper::Uri;
use thiserror::Error;

/// An `http` URI in the parts that a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host to look up, without the brackets of an IPv6 address.
    pub host: String,
    /// The port; 80 where the URI has none.
    pub port: u16,
    /// The field `Host` (RFC 9112, section 3.2).
    pub authority: String,
    /// The request target in origin-form (RFC 9112, section 3.2.1).
    pub path: String,
}

/// A URL that cannot be requested.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URI.
    #[error("not a URL; it looks like http://127.0.0.1:8080/path")]
    NotUri,
    /// Its scheme is another one.
    #[error("only http:// can be requested")]
    NotHttp,
    /// It names a user, which is no part of `Host`.
    #[error("a URL with a user name is not supported")]
    User,
}

impl std::str::FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::NotUri)?;
        let authority = uri.authority().ok_or(TargetError::NotUri)?;
        if uri.scheme_str() != Some("http") {
            return Err(TargetError::NotHttp);
        }
        if authority.as_str().contains('@') {
            return Err(TargetError::User);
        }
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

/// Which hosts may be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// This machine only.
    LoopbackOnly,
    /// Any: the user says that the host is theirs to load.
    AnyHost,
}

impl Permission {
    /// The first of `addresses`, if this permits all of them: which of them a
    /// name stands for is not ours to choose.
    pub fn choose(self, addresses: &[SocketAddr]) -> Result<SocketAddr, Refused> {
        let first = *addresses.first().ok_or(Refused::NoAddress)?;
        // An IPv4 address within IPv6 is what it is in IPv4.
        match addresses.iter().find(|address| !address.ip().to_canonical().is_loopback()) {
            Some(foreign) if self == Self::LoopbackOnly => Err(Refused::Foreign(*foreign)),
            _ => Ok(first),
        }
    }
}

/// Why a host is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// The name has no address.
    #[error("the host has no address")]
    NoAddress,
    /// It is another machine.
    #[error(
        "{} is not this machine: load what is yours to load, and say so with \
         --i-may-load-this-host", .0.ip()
    )]
    Foreign(SocketAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, parts: Result<(&str, u16, &str, &str), TargetError>) {
        let found: Result<Target, _> = url.parse();
        let parts = parts.map(|(host, port, authority, path)| Target {
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            path: path.to_owned(),
        });
        assert_eq!(found, parts, "{url}");
    }

    #[test]
    fn parts() {
        check("http://[::1]:81/a?b", Ok(("::1", 81, "[::1]:81", "/a?b")));
        check("http://localhost", Ok(("localhost", 80, "localhost", "/")));
        check("https://localhost", Err(TargetError::NotHttp));
        check("http://me@localhost/", Err(TargetError::User));
        check("localhost", Err(TargetError::NotHttp));
        check("/path", Err(TargetError::NotUri));
        check("", Err(TargetError::NotUri));
    }

    #[test]
    fn only_this_machine_unless_permitted() {
        let [own, own6, mapped, other]: [SocketAddr; 4] =
            ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "192.0.2.1:1"]
                .map(|address| address.parse().unwrap());
        for fine in [own, own6, mapped] {
            assert_eq!(Permission::LoopbackOnly.choose(&[fine]), Ok(fine));
        }
        assert_eq!(Permission::LoopbackOnly.choose(&[own, other]), Err(Refused::Foreign(other)));
        assert_eq!(Permission::AnyHost.choose(&[other, own]), Ok(other));
        assert_eq!(Permission::AnyHost.choose(&[]), Err(Refused::NoAddress));
    }
}
