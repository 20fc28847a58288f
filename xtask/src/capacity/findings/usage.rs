//! What processes used while they were loaded: utilisation, saturation and
//! errors of each resource (Gregg, "Thinking Methodically about Performance",
//! 2012), for the relay and the generator alike.

use super::reading::growth;
use crate::capacity::{
    analysis::{mean_of, real},
    loaded::LoadedTrial,
    raw::{ProcessSample, Sample},
};

/// What the processes of a role used, per second of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    /// Processors that they may use.
    pub processors: f64,
    /// Seconds of processor time in user space.
    pub user: f64,
    /// Seconds in the kernel.
    pub system: f64,
    /// Seconds of the busiest thread of any of them.
    pub busiest_thread: Option<f64>,
    /// Seconds for which threads could have run, and had no processor.
    pub waiting: f64,
    /// Switches because a thread's time was up.
    pub involuntary_switches: f64,
    /// Most resident memory, in bytes.
    pub resident: f64,
    /// Most open descriptors.
    pub descriptors: f64,
}

impl Usage {
    /// The share of its processors' time that was used.
    pub fn utilisation(&self) -> f64 {
        (self.user + self.system) / self.processors
    }

    /// The mean of several, which have to be some.
    fn mean(several: &[Self]) -> Option<Self> {
        let of = |value: fn(&Self) -> f64| mean_of(&several.iter().map(value).collect::<Vec<_>>());
        let most = |value: fn(&Self) -> f64| several.iter().map(value).fold(0.0, f64::max);
        let busiest: Vec<f64> = several.iter().filter_map(|usage| usage.busiest_thread).collect();
        (!several.is_empty()).then(|| Self {
            processors: of(|usage| usage.processors),
            user: of(|usage| usage.user),
            system: of(|usage| usage.system),
            busiest_thread: (!busiest.is_empty()).then(|| mean_of(&busiest)),
            waiting: of(|usage| usage.waiting),
            involuntary_switches: of(|usage| usage.involuntary_switches),
            resident: most(|usage| usage.resident),
            descriptors: most(|usage| usage.descriptors),
        })
    }
}

/// What happened on the machine, per second of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Machine {
    /// The share of the processors' time that a hypervisor gave to others.
    pub steal: Option<f64>,
    /// The share of time for which a quota held the processes back.
    pub throttled: Option<f64>,
    /// Connections that found the backlog full.
    pub overflows: Option<f64>,
    /// Segments that were sent again.
    pub retransmits: Option<f64>,
}

/// What all had in use while a load was on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loads {
    /// The relay, or what stood in its place.
    pub relay: Option<Usage>,
    /// The load generator.
    pub generator: Option<Usage>,
    /// The stand-in upstream.
    pub upstream: Option<Usage>,
    /// The machine.
    pub machine: Machine,
}

impl Loads {
    /// The means over trials, each in its own stretch of time.
    pub fn over(trials: &[(&LoadedTrial, (f64, f64))]) -> Self {
        let role = |name: &str| {
            let found: Vec<Usage> =
                trials.iter().filter_map(|(trial, time)| of_role(trial, name, *time)).collect();
            Usage::mean(&found)
        };
        let rate = |value: fn(&Sample) -> Option<f64>| {
            let found: Vec<f64> = trials
                .iter()
                .filter_map(|(trial, time)| growth(&trial.trial.samples, *time, value))
                .collect();
            (!found.is_empty()).then(|| mean_of(&found))
        };
        let processors =
            trials.iter().map(|(trial, _)| machine_processors(trial)).fold(1.0, f64::max);
        Self {
            relay: role("relay"),
            generator: role("generator"),
            upstream: role("upstream"),
            machine: Machine {
                steal: rate(|sample| sample.machine.steal_seconds).map(|steal| steal / processors),
                throttled: rate(|sample| sample.machine.throttled_seconds),
                overflows: rate(|sample| count(sample.machine.listen_overflows)),
                retransmits: rate(|sample| count(sample.machine.retransmitted)),
            },
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a machine's life, below 2⁵³")]
fn count(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn machine_processors(trial: &LoadedTrial) -> f64 {
    let layout = &trial.trial.layout;
    let mut all: Vec<usize> = [&layout.relay, &layout.generator, &layout.upstream]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    real(all.len())
}

/// The processes of a role: the one of that name, or those that are numbered.
fn processes<'a>(sample: &'a Sample, role: &str) -> impl Iterator<Item = &'a ProcessSample> {
    let is_it = move |name: &str| {
        name.strip_prefix(role).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    sample.processes.iter().filter(move |(name, _)| is_it(name)).map(|(_, process)| process)
}

fn sum(sample: &Sample, role: &str, value: impl Fn(&ProcessSample) -> f64) -> Option<f64> {
    let found: Vec<f64> = processes(sample, role).map(value).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// Processor seconds per second of a role's processes, in user space and in the
/// kernel.
pub(super) fn processor_time(
    trial: &LoadedTrial,
    role: &str,
    time: (f64, f64),
) -> Option<(f64, f64)> {
    let of = |value: fn(&ProcessSample) -> f64| {
        growth(&trial.trial.samples, time, |sample| sum(sample, role, value))
    };
    Some((of(|process| process.user_seconds)?, of(|process| process.system_seconds)?))
}

#[expect(clippy::cast_precision_loss, reason = "bytes and switches, below 2⁵³")]
fn of_role(trial: &LoadedTrial, role: &str, time: (f64, f64)) -> Option<Usage> {
    let samples = &trial.trial.samples;
    let rate =
        |value: fn(&ProcessSample) -> f64| growth(samples, time, |sample| sum(sample, role, value));
    let busiest = |sample: &Sample| {
        processes(sample, role).map(|process| process.busiest_thread_seconds).reduce(f64::max)
    };
    let most = |value: fn(&ProcessSample) -> f64| {
        samples.iter().filter_map(|sample| sum(sample, role, value)).fold(0.0, f64::max)
    };
    let (user, system) = processor_time(trial, role, time)?;
    let layout = &trial.trial.layout;
    let processors = match role {
        "generator" => &layout.generator,
        "upstream" => &layout.upstream,
        _ => &layout.relay,
    };
    Some(Usage {
        processors: real(processors.len().max(1)),
        user,
        system,
        busiest_thread: growth(samples, time, busiest),
        waiting: rate(|process| process.run_delay_seconds)?,
        involuntary_switches: rate(|process| process.involuntary_switches as f64)?,
        resident: most(|process| process.resident_bytes as f64),
        descriptors: most(|process| process.descriptors as f64),
    })
}
