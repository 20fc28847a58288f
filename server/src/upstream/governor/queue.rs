//! Who waits for the upstream, and whose turn it is.
//!
//! Clients come before refreshes; those whose requests pass through take turns
//! with the others. Among those of a kind each share has its turn, whatever
//! number of requests it has waiting.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use crate::exchange::Purpose;

/// The most that wait.
pub const PLACES: usize = 1024;

/// Whose turn it is: a client's, or that of what is fetched for everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// All that one client waits for.
    Client(IpAddr),
    /// A request in nobody's name.
    Target(u64),
}

impl Share {
    /// The share of a client; an IPv6 network of 64 bits is one client.
    pub fn of(client: IpAddr) -> Share {
        Share::Client(match client.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

#[derive(Debug)]
struct Waiter {
    purpose: Purpose,
    share: Share,
    deadline: Duration,
}

/// All who wait.
#[derive(Debug, Default)]
pub struct Queue {
    lanes: [Lane; Purpose::ALL.len()],
    waiters: HashMap<Ticket, Waiter>,
    deadlines: BTreeSet<(Duration, Ticket)>,
    next: u64,
    /// Which of the clients' lanes went last.
    went: Purpose,
}

/// Those of one purpose, each share in its turn.
#[derive(Debug, Default)]
struct Lane {
    turns: VecDeque<Share>,
    tickets: HashMap<Share, VecDeque<Ticket>>,
    len: usize,
}

impl Queue {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Whether any wait for this.
    pub fn has(&self, purpose: Purpose) -> bool {
        self.lanes[purpose as usize].len != 0
    }

    /// How many wait for this.
    pub fn count(&self, purpose: Purpose) -> usize {
        self.lanes[purpose as usize].len
    }

    /// Puts one more in line.
    pub fn push(&mut self, purpose: Purpose, share: Share, deadline: Duration) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.lanes[purpose as usize].push(share, ticket);
        self.waiters.insert(ticket, Waiter { purpose, share, deadline });
        self.deadlines.insert((deadline, ticket));
        ticket
    }

    /// Takes one out of line, if it still is in it.
    pub fn remove(&mut self, ticket: Ticket) -> Option<Purpose> {
        let waiter = self.waiters.remove(&ticket)?;
        self.deadlines.remove(&(waiter.deadline, ticket));
        self.lanes[waiter.purpose as usize].remove(waiter.share, ticket);
        Some(waiter.purpose)
    }

    /// Takes out whose turn it is among those of a purpose.
    pub fn pop(&mut self, purpose: Purpose) -> Option<Ticket> {
        let ticket = self.lanes[purpose as usize].pop()?;
        if let Some(waiter) = self.waiters.remove(&ticket) {
            self.deadlines.remove(&(waiter.deadline, ticket));
        }
        if purpose != Purpose::Refresh {
            self.went = purpose;
        }
        Some(ticket)
    }

    /// The purposes in the order in which they are looked at.
    pub fn order(&self) -> [Purpose; 3] {
        match self.went {
            Purpose::Client => [Purpose::PassThrough, Purpose::Client, Purpose::Refresh],
            _ => [Purpose::Client, Purpose::PassThrough, Purpose::Refresh],
        }
    }

    /// The nearest deadline, and whose it is.
    pub fn first_deadline(&self) -> Option<(Duration, Ticket)> {
        self.deadlines.first().copied()
    }

    /// How many would go before a newcomer, as things stand.
    pub fn ahead(&self, purpose: Purpose, share: Share) -> usize {
        let ahead = self.lanes[purpose as usize].ahead(share);
        let others = |other: Purpose| self.lanes[other as usize].len;
        ahead
            + match purpose {
                Purpose::Client => others(Purpose::PassThrough).min(ahead + 1),
                Purpose::PassThrough => others(Purpose::Client).min(ahead + 1),
                Purpose::Refresh => others(Purpose::Client) + others(Purpose::PassThrough),
            }
    }
}

impl Lane {
    fn push(&mut self, share: Share, ticket: Ticket) {
        let tickets = self.tickets.entry(share).or_default();
        if tickets.is_empty() {
            self.turns.push_back(share);
        }
        tickets.push_back(ticket);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Ticket> {
        let share = self.turns.pop_front()?;
        let tickets = self.tickets.get_mut(&share)?;
        let ticket = tickets.pop_front()?;
        if tickets.is_empty() {
            self.tickets.remove(&share);
        } else {
            self.turns.push_back(share);
        }
        self.len -= 1;
        Some(ticket)
    }

    fn remove(&mut self, share: Share, ticket: Ticket) {
        let Some(tickets) = self.tickets.get_mut(&share) else { return };
        tickets.retain(|other| *other != ticket);
        if tickets.is_empty() {
            self.tickets.remove(&share);
            self.turns.retain(|other| *other != share);
        }
        self.len -= 1;
    }

    /// Each share has as many turns before a newcomer as the newcomer's own
    /// share has waiting, and one more.
    fn ahead(&self, share: Share) -> usize {
        let own = self.tickets.get(&share).map_or(0, VecDeque::len);
        let others = self.tickets.iter().filter(|(other, _)| **other != share);
        own + others.map(|(_, tickets)| tickets.len().min(own + 1)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use Purpose::{Client, PassThrough, Refresh};
    use proptest::prelude::*;

    use super::*;

    fn share(number: u8) -> Share {
        Share::of(IpAddr::from([192, 0, 2, number]))
    }

    /// Who goes, one after the other.
    fn drain(queue: &mut Queue) -> Vec<Ticket> {
        std::iter::from_fn(|| queue.order().into_iter().find_map(|purpose| queue.pop(purpose)))
            .collect()
    }

    /// Those who ask in turn, and the order in which they go.
    #[track_caller]
    fn check(asked: &[(Purpose, u8)], order: &[usize]) {
        let mut queue = Queue::default();
        let deadline = Duration::from_secs(1);
        let tickets: Vec<Ticket> = asked
            .iter()
            .map(|(purpose, client)| queue.push(*purpose, share(*client), deadline))
            .collect();
        let expected: Vec<Ticket> = order.iter().map(|at| tickets[*at]).collect();
        assert_eq!(drain(&mut queue), expected);
        assert_eq!((queue.len(), queue.first_deadline()), (0, None));
    }

    #[test]
    fn each_client_has_its_turn() {
        check(&[(Client, 1), (Client, 1), (Client, 1), (Client, 2)], &[0, 3, 1, 2]);
        check(&[(Client, 1), (Client, 2), (Client, 1), (Client, 3)], &[0, 1, 3, 2]);
    }

    #[test]
    fn clients_come_before_refreshes() {
        check(&[(Refresh, 1), (Client, 2), (Refresh, 3), (Client, 2)], &[1, 3, 0, 2]);
    }

    #[test]
    fn what_passes_through_takes_turns_with_what_may_be_stored() {
        check(
            &[(Client, 1), (Client, 2), (Client, 3), (PassThrough, 4), (PassThrough, 5)],
            &[3, 0, 4, 1, 2],
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |text: &str| Share::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    fn asked() -> impl Strategy<Value = Vec<(Purpose, u8)>> {
        let purpose = prop::sample::select(Purpose::ALL.to_vec());
        prop::collection::vec((purpose, 0_u8..5), 0..60)
    }

    proptest! {
        /// Nobody is lost, cancelled ones leave nothing, and a newcomer goes
        /// after as many as it was told.
        #[test]
        fn nobody_is_lost(asked in asked(), cancelled in prop::collection::vec(any::<bool>(), 60)) {
            let mut queue = Queue::default();
            let mut tickets = Vec::new();
            for (purpose, client) in asked {
                tickets.push(queue.push(purpose, share(client), Duration::from_secs(1)));
            }
            let mut expected = Vec::new();
            for (ticket, cancelled) in tickets.into_iter().zip(cancelled) {
                if cancelled {
                    prop_assert!(queue.remove(ticket).is_some());
                    prop_assert!(queue.remove(ticket).is_none());
                } else {
                    expected.push(ticket);
                }
            }
            let ahead = queue.ahead(Client, share(2));
            let newcomer = queue.push(Client, share(2), Duration::from_secs(1));
            expected.push(newcomer);
            let mut went = drain(&mut queue);
            let at = went.iter().position(|ticket| *ticket == newcomer).unwrap();
            prop_assert!(at <= ahead, "{at} before it, told {ahead}");
            went.sort();
            expected.sort();
            prop_assert_eq!(went, expected);
            let is_empty = |lane: &Lane| {
                lane.len == 0 && lane.turns.is_empty() && lane.tickets.is_empty()
            };
            prop_assert!(queue.deadlines.is_empty() && queue.lanes.iter().all(is_empty));
        }
    }
}
