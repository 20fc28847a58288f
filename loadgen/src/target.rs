//! The one address that a run asks for, and whether it may be loaded.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use hyper::Uri;
use thiserror::Error;

use crate::{provenance, schedule::Rate};

/// An `http` or `https` URI in the parts that a request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether there is TLS between.
    pub scheme: Scheme,
    /// The host to look up, without the brackets of an IPv6 address.
    pub host: String,
    /// The port; the scheme's where the URI has none.
    pub port: u16,
    /// The field `Host` (RFC 9112, section 3.2).
    pub authority: String,
    /// The request target in origin-form (RFC 9112, section 3.2.1).
    pub path: String,
}

/// The two schemes of HTTP (RFC 9110, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Over TCP, or a unix socket.
    Http,
    /// Over TLS.
    Https,
}

/// A URL that cannot be requested.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URI.
    #[error("not a URL; it looks like http://127.0.0.1:8080/path")]
    NotUri,
    /// Its scheme is another one.
    #[error("only http:// and https:// can be requested")]
    Scheme,
    /// It names a user, which is no part of `Host`.
    #[error("a URL with a user name is not supported: use --header 'authorization: …'")]
    User,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::NotUri)?;
        let authority = uri.authority().ok_or(TargetError::NotUri)?;
        let (scheme, port) = match uri.scheme_str() {
            Some("http") => (Scheme::Http, 80),
            Some("https") => (Scheme::Https, 443),
            _ => return Err(TargetError::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(TargetError::User);
        }
        Ok(Self {
            scheme,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }
}

impl Target {
    /// The URL with `***` in the place of each secret parameter's value, to be
    /// shown.
    pub fn without_secrets(&self) -> String {
        provenance::url_without_secrets(&self.to_string())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

/// A name that is looked up by hand: `HOST:PORT:ADDRESS`, as curl has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: u16,
    address: IpAddr,
}

/// What is no [`Resolve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it looks like example.org:443:127.0.0.1")]
pub struct ResolveError;

impl FromStr for Resolve {
    type Err = ResolveError;

    fn from_str(text: &str) -> Result<Self, ResolveError> {
        let mut parts = text.splitn(3, ':');
        let (host, port, address) = (parts.next(), parts.next(), parts.next());
        Ok(Self {
            host: host.filter(|host| !host.is_empty()).ok_or(ResolveError)?.to_owned(),
            port: port.and_then(|port| port.parse().ok()).ok_or(ResolveError)?,
            address: address
                .and_then(|address| address.trim_matches(['[', ']']).parse().ok())
                .ok_or(ResolveError)?,
        })
    }
}

impl Resolve {
    /// The address, if this is about `target`.
    pub fn of(&self, target: &Target) -> Option<SocketAddr> {
        let same = self.host.eq_ignore_ascii_case(&target.host) && self.port == target.port;
        same.then(|| SocketAddr::new(self.address, self.port))
    }
}

/// Which hosts may be loaded, and how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Permission {
    /// This machine only.
    LoopbackOnly,
    /// Any, up to a rate: the user says that the host is theirs to load.
    UpTo(Rate),
    /// Any, at any rate.
    Unlimited,
}

/// Where a target is, as far as permission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Here,
    /// On another one.
    Elsewhere,
}

impl Permission {
    /// Where `addresses` are, if this permits to ask any of them at `highest`:
    /// it depends on who answers which of them is asked, so what is not wholly
    /// here is elsewhere. Without a highest rate it depends on the answers.
    pub fn place(self, addresses: &[SocketAddr], highest: Option<Rate>) -> Result<Place, Refused> {
        if addresses.is_empty() {
            return Err(Refused::NoAddress);
        }
        // An IPv4 address within IPv6 is what it is in IPv4.
        let is_here = |address: &&SocketAddr| address.ip().to_canonical().is_loopback();
        let Some(foreign) = addresses.iter().find(|address| !is_here(address)) else {
            return Ok(Place::Here);
        };
        match (self, highest) {
            (Self::LoopbackOnly, _) => Err(Refused::Foreign(*foreign)),
            (Self::UpTo(cap), Some(highest)) if cap < highest => {
                Err(Refused::TooFast { highest, cap })
            }
            (Self::UpTo(_), None) => Err(Refused::Unbounded),
            (Self::UpTo(_), Some(_)) | (Self::Unlimited, _) => Ok(Place::Elsewhere),
        }
    }
}

/// Why a host is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
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
    /// It is another machine, and the rate is more than was permitted.
    #[error(
        "{} requests per second at another machine, where {} are permitted: lower the rate, or \
         permit more with --max-rate", .highest.per_second(), .cap.per_second()
    )]
    TooFast {
        /// What was asked for.
        highest: Rate,
        /// What is permitted.
        cap: Rate,
    },
    /// It is another machine, and a closed model has no rate.
    #[error(
        "a closed model asks another machine as fast as it answers: permit that with \
         --max-rate unlimited"
    )]
    Unbounded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, parts: Result<(Scheme, &str, u16, &str, &str), TargetError>) {
        let found: Result<Target, _> = url.parse();
        let parts = parts.map(|(scheme, host, port, authority, path)| Target {
            scheme,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            path: path.to_owned(),
        });
        assert_eq!(found, parts, "{url}");
    }

    #[test]
    fn parts() {
        use Scheme::{Http, Https};
        check("http://[::1]:81/a?b", Ok((Http, "::1", 81, "[::1]:81", "/a?b")));
        check("http://localhost", Ok((Http, "localhost", 80, "localhost", "/")));
        check("https://localhost", Ok((Https, "localhost", 443, "localhost", "/")));
        check("ftp://localhost/", Err(TargetError::Scheme));
        check("http://me@localhost/", Err(TargetError::User));
        check("localhost", Err(TargetError::Scheme));
        check("/path", Err(TargetError::NotUri));
        check("", Err(TargetError::NotUri));
    }

    #[test]
    fn only_this_machine_unless_permitted() {
        let [own, own6, mapped, other]: [SocketAddr; 4] =
            ["127.0.0.2:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "192.0.2.1:1"]
                .map(|address| address.parse().unwrap());
        let rate = |per_second| Rate::new(per_second).unwrap();
        let (slow, fast) = (Some(rate(100.0)), Some(rate(100.5)));
        for fine in [&[own][..], &[own6], &[mapped], &[own6, own, mapped]] {
            assert_eq!(Permission::LoopbackOnly.place(fine, fast), Ok(Place::Here));
        }
        let up_to = Permission::UpTo(rate(100.0));
        for mixed in [&[other][..], &[own, other], &[other, own], &[own6, own, other]] {
            let refused = Permission::LoopbackOnly.place(mixed, slow);
            assert_eq!(refused, Err(Refused::Foreign(other)));
            assert_eq!(up_to.place(mixed, slow), Ok(Place::Elsewhere));
            assert!(matches!(up_to.place(mixed, fast), Err(Refused::TooFast { .. })));
            assert_eq!(up_to.place(mixed, None), Err(Refused::Unbounded));
            assert_eq!(Permission::Unlimited.place(mixed, None), Ok(Place::Elsewhere));
        }
        assert_eq!(up_to.place(&[], slow), Err(Refused::NoAddress));
    }

    #[test]
    fn names_looked_up_by_hand() {
        let target: Target = "https://Example.org/".parse().unwrap();
        let address = |text: &str| text.parse::<Resolve>().unwrap().of(&target);
        assert_eq!(address("example.org:443:127.0.0.9"), "127.0.0.9:443".parse().ok());
        assert_eq!(address("example.org:443:[::1]"), "[::1]:443".parse().ok());
        assert_eq!(address("example.org:80:127.0.0.9"), None);
        for wrong in ["", "example.org", "example.org:443", "a:b:127.0.0.1", ":1:127.0.0.1"] {
            assert_eq!(wrong.parse::<Resolve>(), Err(ResolveError), "{wrong}");
        }
    }
}
