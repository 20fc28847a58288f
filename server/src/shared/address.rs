//! Where the shared tier is.

use std::{convert::Infallible, fmt, str::FromStr};

use fred::types::config::Config;

/// The URL of a Valkey or Redis: one server, a cluster, or behind sentinels.
///
/// It may have a password in it, so it is written out in full only where a
/// configuration is, and is not read where an error would repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// What a URL may begin with.
const SCHEMES: [&str; 14] = [
    "redis",
    "rediss",
    "redis-cluster",
    "rediss-cluster",
    "redis-sentinel",
    "rediss-sentinel",
    "redis+unix",
    "valkey",
    "valkeys",
    "valkey-cluster",
    "valkeys-cluster",
    "valkey-sentinel",
    "valkeys-sentinel",
    "valkey+unix",
];

/// Why a text is no such URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: write it like redis://host:6379, rediss://user:password@host, redis-cluster://host?node=host2:6379, redis-sentinel://host:26379?sentinelServiceName=name or redis+unix:///path"
)]
pub struct Invalid(String);

impl Address {
    /// Refuses what is no such URL.
    pub fn check(&self) -> Result<(), Invalid> {
        self.config().map(|_| ())
    }

    /// What is connected to.
    pub(super) fn config(&self) -> Result<Config, Invalid> {
        let scheme = self.0.split("://").next().unwrap_or_default();
        if !SCHEMES.contains(&scheme) {
            return Err(Invalid("no such scheme".to_owned()));
        }
        Config::from_url(&self.0).map_err(|error| Invalid(error.details().to_owned()))
    }
}

impl FromStr for Address {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Address, Infallible> {
        Ok(Address(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.config().map(|config| config.server.hosts()).unwrap_or_default();
        for (place, server) in servers.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}", server.host)?;
            if server.port != 0 {
                write!(f, ":{}", server.port)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_servers_and_show_no_password() {
        #[track_caller]
        fn check(text: &str, shown: Option<&str>) {
            let address: Address = text.parse().unwrap();
            let address = Some(address).filter(|address| address.check().is_ok());
            assert_eq!(address.as_ref().map(ToString::to_string).as_deref(), shown);
            let debug = format!("{address:?}");
            assert!(!debug.contains("secret"), "{debug}");
        }

        check("redis://valkey", Some("valkey:6379"));
        check("redis://:secret@127.0.0.1:7000/2", Some("127.0.0.1:7000"));
        check("rediss://user:secret@valkey:6380", Some("valkey:6380"));
        check("redis-cluster://a:1?node=b:2&node=c:3", Some("b:2, c:3, a:1"));
        check(
            "redis-sentinel://:secret@a:1?node=b:2&sentinelServiceName=m&sentinelPassword=secret",
            Some("b:2, a:1"),
        );
        check("redis+unix:///run/valkey.sock", Some("/run/valkey.sock"));
        check("http://valkey", None);
        check("valkey", None);
        check("redis-sentinel://a:1", None);
    }
}
