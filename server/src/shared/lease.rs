//! Who may ask the upstream for a key, and who waits for them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

use crate::exchange::tier::Gone;

/// A lease that its holder does not renew ends after this, or after twice the
/// tier's time-out.
const TTL: Duration = Duration::from_secs(3);
/// How long nothing is heard until a waiting flight looks again: messages can
/// be lost, and holders die.
const RECHECK: Duration = Duration::from_secs(1);

/// For how long a lease is taken and renewed: it must not end while its renewal
/// is under way.
pub fn ttl(timeout: Duration) -> Duration {
    TTL.max(2 * timeout)
}

/// Whose a lease is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Ours.
    We,
    /// Another's.
    Another,
    /// What is there is none of our leases: it has no end, or one too far off.
    Nobody,
}

/// Whose a lease is, by the milliseconds that another has it.
pub fn holder(left: i64, ttl: Duration) -> Holder {
    match u128::try_from(left) {
        Ok(0) => Holder::We,
        Ok(left) if left <= 2 * ttl.as_millis() => Holder::Another,
        Ok(_) | Err(_) => Holder::Nobody,
    }
}

/// Flights that wait for the turns of others.
#[derive(Clone, Debug, Default)]
pub struct Waiters(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    by_key: HashMap<String, HashMap<u64, oneshot::Sender<()>>>,
    next: u64,
}

impl Waiters {
    /// A place among those who wait for a key, left when it is dropped.
    pub fn wait(&self, key: &str) -> Waiter {
        let (sender, over) = oneshot::channel();
        let mut waiting = self.0.lock();
        waiting.next += 1;
        let number = waiting.next;
        waiting.by_key.entry(key.to_owned()).or_default().insert(number, sender);
        Waiter { over, place: Place { waiters: self.clone(), key: key.to_owned(), number } }
    }

    /// Tells those who wait for a key that another's turn is over.
    pub fn over(&self, key: &str) {
        let waiting = self.0.lock().by_key.remove(key);
        for (_, sender) in waiting.into_iter().flatten() {
            // Who has left does not need it.
            let _ = sender.send(());
        }
    }

    /// Lets all go on: nobody will tell them.
    pub fn leave(&self) {
        self.0.lock().by_key.clear();
    }
}

/// One who waits.
#[derive(Debug)]
pub struct Waiter {
    over: oneshot::Receiver<()>,
    place: Place,
}

#[derive(Debug)]
struct Place {
    waiters: Waiters,
    key: String,
    number: u64,
}

impl Waiter {
    /// Waits for the end of another's turn, but not for long.
    pub async fn gone(self) -> Gone {
        let Waiter { over, place: _place } = self;
        match timeout(RECHECK, over).await {
            Ok(Ok(())) => Gone::Over,
            Ok(Err(_)) | Err(_) => Gone::Unknown,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waiters.0.lock();
        if let Some(places) = waiting.by_key.get_mut(&self.key) {
            places.remove(&self.number);
            if places.is_empty() {
                waiting.by_key.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_lease_is() {
        let ttl = Duration::from_secs(3);
        assert_eq!(holder(0, ttl), Holder::We);
        assert_eq!(holder(1, ttl), Holder::Another);
        assert_eq!(holder(3000, ttl), Holder::Another);
        // Of a relay with another time-out.
        assert_eq!(holder(6000, ttl), Holder::Another);
        assert_eq!(holder(6001, ttl), Holder::Nobody);
        assert_eq!(holder(-1, ttl), Holder::Nobody);
    }

    #[test]
    fn a_lease_outlives_its_renewal() {
        assert_eq!(super::ttl(Duration::from_millis(100)), Duration::from_secs(3));
        assert_eq!(super::ttl(Duration::from_secs(20)), Duration::from_secs(40));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_or_looks_again() {
        let waiters = Waiters::default();
        let (one, other) = (waiters.wait("a"), waiters.wait("b"));
        waiters.over("a");
        assert_eq!(one.gone().await, Gone::Over);
        assert_eq!(other.gone().await, Gone::Unknown);
        let left = waiters.wait("a");
        waiters.leave();
        assert_eq!(left.gone().await, Gone::Unknown);
        drop(waiters.wait("a"));
        assert!(waiters.0.lock().by_key.is_empty());
    }
}
