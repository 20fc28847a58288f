//! Where the shared tier is.

use std::{convert::Infallible, fmt, ops::Range, str::FromStr};

use fred::types::config::Config;

/// The URL of a Valkey or Redis: one server, a cluster, or behind sentinels.
///
/// It may have a password in it, so whoever shows it masks that, and it is not
/// read where an error would repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// What stands for a password.
pub const MASK: &str = "***";

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
    /// Refuses what is no such URL, and one whose password is masked.
    pub fn check(&self) -> Result<(), Invalid> {
        self.config()?;
        if self.secrets().iter().any(|secret| &self.0[secret.clone()] == MASK) {
            return Err(Invalid(format!("the password is masked, {MASK} stands for it")));
        }
        Ok(())
    }

    /// Whether there is a password in it.
    pub fn has_secret(&self) -> bool {
        !self.secrets().is_empty()
    }

    /// The URL with its passwords masked.
    pub fn masked(&self) -> String {
        let mut masked = self.0.clone();
        for secret in self.secrets().into_iter().rev() {
            masked.replace_range(secret, MASK);
        }
        masked
    }

    /// Where the passwords are, in their order: behind the user, and in the
    /// query.
    fn secrets(&self) -> Vec<Range<usize>> {
        let start = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[start..].find(['/', '?']).map_or(self.0.len(), |at| start + at);
        let user = self.0[start..end].rfind('@').map_or(start, |at| start + at);
        let password = self.0[start..user].find(':').map(|at| start + at + 1..user);
        let query = self.0[end..].find('?').map_or(self.0.len(), |at| end + at + 1);
        let mut secrets = Vec::from_iter(password);
        let mut at = query;
        for pair in self.0[query..].split('&') {
            if let Some((name, _)) = pair.split_once('=')
                && name.to_ascii_lowercase().contains("password")
            {
                secrets.push(at + name.len() + 1..at + pair.len());
            }
            at += pair.len() + 1;
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets
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

        check("redis://:***@valkey", None);
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
    #[test]
    fn passwords_are_masked_where_a_configuration_is_printed() {
        #[track_caller]
        fn check(text: &str, masked: &str) {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.masked(), masked);
            assert_eq!(address.has_secret(), text != masked);
        }

        check("redis://valkey", "redis://valkey");
        check("redis://user@valkey/2", "redis://user@valkey/2");
        check("redis://:secret@valkey:7000/2", "redis://:***@valkey:7000/2");
        check("rediss://user:se@c:ret@valkey", "rediss://user:***@valkey");
        check("redis://:@valkey", "redis://:@valkey");
        check(
            "redis-sentinel://:secret@a:1?node=b:2&sentinelPassword=secret&sentinelServiceName=m",
            "redis-sentinel://:***@a:1?node=b:2&sentinelPassword=***&sentinelServiceName=m",
        );
        check("redis+unix:///run/valkey.sock", "redis+unix:///run/valkey.sock");
        check("secret", "secret");
    }
}
