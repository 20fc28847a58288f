//! Wrong tokens, counted: who brings many is not looked at for a while.
//!
//! Each address may be wrong so often at once, and once more after each pause;
//! all of them together a little more often. What is remembered is bounded: the
//! address whose last failure is longest ago leaves.

use std::{collections::HashMap, net::IpAddr, time::Duration};

/// Wrong tokens at once from one address.
const OF_ONE: u32 = 10;
/// Wrong tokens at once from all.
const OF_ALL: u32 = 100;
/// After which time one more may be wrong.
const PAUSE: Duration = Duration::from_secs(5);
/// After which time one more from any address may.
const PAUSE_OF_ALL: Duration = Duration::from_millis(200);
/// Addresses that are remembered at a time.
const ADDRESSES: usize = 1024;

/// Who has been wrong how often.
#[derive(Debug, Default)]
pub struct Attempts {
    by_address: HashMap<IpAddr, Debt>,
    all: Debt,
}

/// When all failures will have been paid for, each by a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Debt(Duration);

impl Debt {
    /// How long until one more may fail, of `most` that may at once.
    fn wait(self, most: u32, pause: Duration, now: Duration) -> Duration {
        self.0.saturating_sub(now).saturating_sub(pause * (most - 1))
    }

    fn add(&mut self, pause: Duration, now: Duration) {
        self.0 = self.0.max(now) + pause;
    }
}

impl Attempts {
    /// Whether what an address brings is looked at; otherwise how long it has to
    /// wait.
    pub fn may_try(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        let own = self.by_address.get(&network(address)).copied().unwrap_or_default();
        let wait = own.wait(OF_ONE, PAUSE, now).max(self.all.wait(OF_ALL, PAUSE_OF_ALL, now));
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// An address has brought a wrong token.
    pub fn failed(&mut self, address: IpAddr, now: Duration) {
        self.all.add(PAUSE_OF_ALL, now);
        let address = network(address);
        if ADDRESSES <= self.by_address.len() && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, debt| now < debt.0);
            let oldest = self.by_address.iter().min_by_key(|(_, debt)| **debt);
            let oldest = oldest.map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| ADDRESSES <= self.by_address.len()) {
                self.by_address.remove(&oldest);
            }
        }
        self.by_address.entry(address).or_default().add(PAUSE, now);
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn v4(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn who_is_wrong_too_often_waits() {
        let mut attempts = Attempts::default();
        for _ in 0..OF_ONE {
            assert_eq!(attempts.may_try(v4(1), at(0)), Ok(()));
            attempts.failed(v4(1), at(0));
        }
        assert_eq!(attempts.may_try(v4(1), at(0)), Err(PAUSE));
        assert_eq!(attempts.may_try(v4(1), at(4)), Err(at(1)));
        assert_eq!(attempts.may_try(v4(2), at(0)), Ok(()));
        // One more for each pause.
        assert_eq!(attempts.may_try(v4(1), at(5)), Ok(()));
        attempts.failed(v4(1), at(5));
        assert!(attempts.may_try(v4(1), at(5)).is_err());
        assert_eq!(attempts.may_try(v4(1), at(10)), Ok(()));
    }

    #[test]
    fn all_together_are_bounded_and_so_is_what_is_remembered() {
        let mut attempts = Attempts::default();
        for number in 0..OF_ALL {
            assert_eq!(attempts.may_try(v4(number), at(0)), Ok(()));
            attempts.failed(v4(number), at(0));
        }
        assert_eq!(attempts.may_try(v4(u32::MAX), at(0)), Err(PAUSE_OF_ALL));
        for number in 0..5000 {
            attempts.failed(v4(number), at(0));
        }
        assert_eq!(attempts.by_address.len(), ADDRESSES);
        assert_eq!(attempts.may_try(v4(0), at(5000)), Ok(()));
        // What is paid for is forgotten first.
        attempts.failed(v4(6000), at(5000));
        assert_eq!(attempts.by_address.len(), 1);
    }

    #[test]
    fn a_network_of_ipv6_is_one_who_asks() {
        let mut attempts = Attempts::default();
        for number in 0..OF_ONE {
            let address = format!("2001:db8:0:1::{number:x}").parse().unwrap();
            attempts.failed(address, at(0));
        }
        assert!(attempts.may_try("2001:db8:0:1:ffff::1".parse().unwrap(), at(0)).is_err());
        assert!(attempts.may_try("2001:db8:0:2::1".parse().unwrap(), at(0)).is_ok());
        assert!(attempts.may_try("::ffff:1.2.3.4".parse().unwrap(), at(0)).is_ok());
    }
}
