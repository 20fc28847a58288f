//! Whether what is asked for goes together: pure.

use thiserror::Error;

use super::Options;
use crate::{
    condition::{Condition, Measure},
    record::Clock,
    transport::Protocol,
};

/// What does not go together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// A demand of some rates, of a load that holds none.
    #[error(
        "`{0}` is asked of some rates, and this load holds none: leave out @rate, or hold rates \
         with --rate, --steps or --search"
    )]
    NoRate(String),
    /// A demand of times since requests were due, where none is due.
    #[error(
        "`{0}` is of times since requests were due, and in a closed model none is due: ask for \
         service times, as service.p99<20ms"
    )]
    NotDue(String),
    /// A closed model whose users are not as many as can ask at a time.
    #[error("{users} users need as many connections or streams, not {slots}")]
    Users {
        /// Users.
        users: usize,
        /// Requests that can be under way at a time.
        slots: usize,
    },
}

pub(super) fn check(options: &Options) -> Result<(), Contradiction> {
    let demands = || options.fail_if.iter().chain(&options.abort_if);
    if !options.program.holds_rates()
        && let Some(demand) = demands().find(|demand| !demand.is_of_any_rate())
    {
        return Err(Contradiction::NoRate(demand.to_string()));
    }
    let Some(users) = options.program.users() else { return Ok(()) };
    if let Some(demand) = demands().find(|demand| is_of_due_times(demand)) {
        return Err(Contradiction::NotDue(demand.to_string()));
    }
    let slots = match options.protocol {
        Protocol::Http1 => options.connections,
        Protocol::Http2 { streams } => options.connections.saturating_mul(streams),
    };
    let users = usize::try_from(users.get()).unwrap_or(usize::MAX);
    if users == slots { Ok(()) } else { Err(Contradiction::Users { users, slots }) }
}

fn is_of_due_times(demand: &Condition) -> bool {
    let Measure::Time(tag, _) = demand.measure() else { return false };
    match tag.clock() {
        Clock::Response | Clock::Lag | Clock::Lateness => true,
        Clock::Service | Clock::Ttfb => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;
    use crate::{
        program::{Program, Step},
        schedule::{Arrivals, Load, Profile, Rate},
    };

    fn options(rate: Option<Rate>, load: Load) -> Options {
        let step = Step { rate, trial: 0, load, settle: Duration::ZERO };
        let mut options = Options::new("http://127.0.0.1/".parse().unwrap(), Program::once(step));
        options.connections = 8;
        options
    }

    fn open(rate: Option<f64>) -> Options {
        let rate = rate.and_then(|rate| Rate::new(rate).ok());
        let profile = Profile::constant(Rate::new(9.0).unwrap(), Duration::from_secs(1));
        options(rate, Load::Open { profile: profile.unwrap(), arrivals: Arrivals::Constant })
    }

    fn closed(users: u32) -> Options {
        let users = NonZeroU32::new(users).unwrap();
        options(None, Load::Closed { users, duration: Duration::from_secs(1) })
    }

    #[track_caller]
    fn check_demand(mut options: Options, demand: &str, says: Option<&str>) {
        let demand: Vec<Condition> = vec![demand.parse().unwrap()];
        options.fail_if.clone_from(&demand);
        let found = check(&options);
        options.fail_if.clear();
        options.abort_if = demand;
        assert_eq!(check(&options), found);
        match (found, says) {
            (Ok(()), None) => {}
            (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
            (found, says) => panic!("{found:?} instead of {says:?}"),
        }
    }

    #[test]
    fn demands_can_be_met_or_missed() {
        check_demand(open(Some(9.0)), "p99<20ms @rate<=10", None);
        check_demand(open(None), "p99<20ms @rate<=10", Some("leave out @rate"));
        check_demand(open(None), "lag.p99<20ms", None);
        check_demand(closed(8), "p99<20ms", Some("service.p99<20ms"));
        check_demand(closed(8), "response-hit.max<20ms", Some("service.p99<20ms"));
        check_demand(closed(8), "lateness.max<20ms", Some("service.p99<20ms"));
        check_demand(closed(8), "ttfb.p99<20ms", None);
        check_demand(closed(8), "errors<1%", None);
    }

    #[test]
    fn each_user_has_a_connection_or_a_stream() {
        assert_eq!(check(&closed(8)), Ok(()));
        assert_eq!(check(&closed(4)), Err(Contradiction::Users { users: 4, slots: 8 }));
        let mut shared = closed(32);
        shared.protocol = Protocol::Http2 { streams: 4 };
        assert_eq!(check(&shared), Ok(()));
    }
}
