//! What was measured, as it is kept: `run.json`, and the load generator's own
//! files beside it.
//!
//! Nothing here is derived. A report is a function of these files alone, so it
//! can be made again, and better, without measuring again.

use std::collections::BTreeMap;

use loadgen::{calibrate::Calibration, provenance::Provenance};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the file's form.
pub const SCHEMA_VERSION: u32 = 2;

/// A whole measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRun {
    /// 2.
    pub schema_version: u32,
    /// Where and when it was made, and by which command.
    pub provenance: Provenance,
    /// What `relay --version` says.
    pub relay_version: String,
    /// Which experiments, and for how long: `quick`, `default` or `full`.
    pub profile: String,
    /// Which processors each process had.
    pub layout: Layout,
    /// What the generator is good for there.
    pub calibration: Calibration,
    /// Everything that was run, in order.
    pub trials: Vec<Trial>,
}

/// Which processors each process is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Those of the relay.
    pub relay: Vec<usize>,
    /// Those of the load generator.
    pub generator: Vec<usize>,
    /// Those of the stand-in upstream.
    pub upstream: Vec<usize>,
}

impl Layout {
    /// The layout on `processors`: the generator has the last one to itself,
    /// which it shares with the upstream, and the relay has the rest. On a
    /// single one all share it, and that is what is measured then.
    pub fn of(processors: &[usize]) -> Self {
        match processors.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                Self { relay: rest.to_vec(), generator: vec![*last], upstream: vec![*last] }
            }
            _ => Self {
                relay: processors.to_vec(),
                generator: processors.to_vec(),
                upstream: processors.to_vec(),
            },
        }
    }

    /// The same processors, all of them for each process.
    #[must_use]
    pub fn shared(&self) -> Self {
        let mut all = [&*self.relay, &self.generator, &self.upstream].concat();
        all.sort_unstable();
        all.dedup();
        Self { relay: all.clone(), generator: all.clone(), upstream: all }
    }
}

/// One run of the load generator against one relay that was started for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Of which experiment: `e1` and so on.
    pub experiment: String,
    /// What is varied in the experiment, and its level here.
    pub factors: BTreeMap<String, String>,
    /// How many of the same came before it.
    pub trial: u32,
    /// Where the generator's files are, below the folder of `run.json`.
    pub folder: String,
    /// How the relay was started, without its addresses; of several, each.
    pub relay_arguments: Vec<String>,
    /// How the stand-in upstream was started, without its address.
    pub upstream_arguments: Vec<String>,
    /// What the load generator was asked for, without the URL, its processors
    /// and its folder.
    pub load_arguments: Vec<String>,
    /// Which processors each process had.
    pub layout: Layout,
    /// What the processes had used, about once a second.
    pub samples: Vec<Sample>,
    /// The relays' own counters before and after, by role.
    pub counters: BTreeMap<String, Counters>,
    /// What was done to the upstream meanwhile.
    pub events: Vec<Event>,
}

/// Something that was done while a trial ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Seconds since the Unix epoch.
    pub at_unix: f64,
    /// What it was, in a few words.
    pub what: String,
}

/// The relay's own counters, as `/metrics` has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Before the first request.
    pub before: BTreeMap<String, f64>,
    /// After the last.
    pub after: BTreeMap<String, f64>,
}

/// What each process had used at some moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seconds since the Unix epoch.
    pub at_unix: f64,
    /// By role: `relay`, `generator`, `upstream`; of several relays, `relay-1` and
    /// so on.
    pub processes: BTreeMap<String, ProcessSample>,
    /// What the kernel has counted for the whole machine.
    pub machine: MachineSample,
}

/// What the kernel has counted since the machine started; nothing where it
/// does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineSample {
    /// Connections that found the backlog full.
    pub listen_overflows: Option<u64>,
    /// TCP segments that were sent again.
    pub retransmitted: Option<u64>,
    /// Processor time that a hypervisor gave to others, in seconds.
    pub steal_seconds: Option<f64>,
    /// For how long this process's control group was kept from running because
    /// it had used up its quota, in seconds.
    pub throttled_seconds: Option<f64>,
}

/// What a process had used since it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessSample {
    /// Processor time in user space, in seconds.
    pub user_seconds: f64,
    /// Processor time in the kernel, in seconds.
    pub system_seconds: f64,
    /// For how long its threads were fit to run and had no processor, in seconds.
    pub run_delay_seconds: f64,
    /// The processor time of its busiest thread, in seconds.
    pub busiest_thread_seconds: f64,
    /// Processor time by threads' names, in seconds: those of one name together,
    /// and of the names the 16 that used most.
    pub threads: BTreeMap<String, f64>,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Switches because a thread had nothing to do.
    pub voluntary_switches: u64,
    /// Switches because its time was up.
    pub involuntary_switches: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_has_a_processor_of_its_own_where_there_are_two() {
        let layout = |processors: &[usize]| {
            let Layout { relay, generator, upstream } = Layout::of(processors);
            (relay, generator, upstream)
        };
        assert_eq!(layout(&[0]), (vec![0], vec![0], vec![0]));
        assert_eq!(layout(&[0, 1]), (vec![0], vec![1], vec![1]));
        assert_eq!(layout(&[2, 3, 5, 7]), (vec![2, 3, 5], vec![7], vec![7]));
    }
}
