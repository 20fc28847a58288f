//! Runs that were never measured: the raw files that a relay with a known
//! bottleneck would leave, so that what the report names can be held against
//! what is known.
//!
//! A [`Bench`] is a few resources. What a load comes to is the least of what
//! they allow, and response times are those of a queue; trials differ by a
//! hundredth.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "the numbers are made here, and small"
)]

mod files;
mod trial;

use std::{collections::BTreeMap, path::Path};

use loadgen::{calibrate::Calibration, provenance::Provenance};
use xtask::capacity::raw::{Layout, RawRun, SCHEMA_VERSION, Trial};

pub(crate) use trial::{Load, Plan};

/// A relay, its generator and its upstream.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// Processors of the relay.
    pub(crate) processors: Vec<usize>,
    /// Workers of the relay.
    pub(crate) workers: usize,
    /// Processor seconds that the stack below the relay takes for a request.
    pub(crate) floor: f64,
    /// Processor seconds of its own code.
    pub(crate) own: f64,
    /// Processor seconds of its log.
    pub(crate) log: f64,
    /// Bytes of an answer.
    pub(crate) bytes: f64,
    /// Bytes per second that the network carries.
    pub(crate) network: f64,
    /// Requests per second that the generator sends at most.
    pub(crate) generator: f64,
    /// Connections that there are at most.
    pub(crate) connections: f64,
    /// Seconds that a request takes besides the relay's processor.
    pub(crate) way: f64,
    /// The share of its processors' time that a quota leaves the relay.
    pub(crate) quota: f64,
    /// Answers per second that the upstream allows, if each needs one.
    pub(crate) upstream: Option<f64>,
}

impl Bench {
    /// A relay with two processors, limited by them.
    pub(crate) fn sound() -> Self {
        Self {
            processors: vec![0, 1],
            workers: 2,
            floor: 12e-6,
            own: 8e-6,
            log: 0.0,
            bytes: 2_000.0,
            network: 5e9,
            generator: 400_000.0,
            connections: 64.0,
            way: 60e-6,
            quota: 1.0,
            upstream: None,
        }
    }

    /// Processor seconds of a request.
    pub(crate) fn service(&self) -> f64 {
        self.floor + self.own + self.log
    }

    /// Processors that can be used at a time.
    pub(crate) fn usable(&self) -> f64 {
        self.workers.min(self.processors.len()) as f64 * self.quota
    }

    /// The most answers per second, whoever asks.
    pub(crate) fn capacity(&self) -> f64 {
        let relay = self.usable() / self.service();
        let network = self.network / (self.bytes + 400.0);
        relay.min(network).min(self.upstream.unwrap_or(f64::INFINITY))
    }

    /// The mean response time at a rate, if it does not saturate.
    pub(crate) fn response(&self, rate: f64) -> Option<f64> {
        let load = rate / self.capacity();
        (load < 0.999).then(|| self.way + self.service() * (1.0 + load / (1.0 - load)))
    }

    /// Answers per second for so many users who wait for theirs.
    pub(crate) fn closed(&self, users: f64) -> f64 {
        let alone = users.min(self.connections) / (self.way + self.service());
        alone.min(self.capacity()).min(self.generator)
    }

    /// The same under the conditions of an ablation.
    pub(crate) fn under(&self, ablation: &str) -> Self {
        let own = self.clone();
        match ablation {
            "floor" => {
                Self { own: 0.0, log: 0.0, workers: own.processors.len().max(own.workers), ..own }
            }
            "log-debug" => Self { log: own.log + 15e-6, ..own },
            "body-200" => Self { bytes: 200.0, ..own },
            "body-20000" => Self { bytes: 20_000.0, floor: own.floor * 1.1, ..own },
            "body-200000" => Self { bytes: 200_000.0, floor: own.floor * 1.2, ..own },
            "new-connections" => Self { floor: own.floor * 3.0, ..own },
            "miss" => Self { own: own.own * 4.0, ..own },
            "upstream-limited" => Self { upstream: Some(50.0), ..own.under("miss") },
            "one-connection" => Self { connections: 1.0, ..own },
            "generator-throttled" => Self { generator: own.generator.min(20_000.0), ..own },
            "workers-all" => Self { workers: own.processors.len(), ..own },
            "workers-1" => Self { workers: 1, ..own },
            "quota" => Self { quota: own.quota * 0.25, ..own },
            _ => own,
        }
    }
}

/// The conditions of e6 that a bench knows.
pub(crate) const ABLATIONS: [&str; 15] = [
    "floor",
    "baseline",
    "log-debug",
    "body-200",
    "body-2000",
    "body-20000",
    "body-200000",
    "new-connections",
    "miss",
    "one-connection",
    "generator-throttled",
    "workers-all",
    "workers-1",
    "upstream-limited",
    "quota",
];

/// Writes a whole run of `bench` into `folder`: all experiments but e2.
pub(crate) fn write(folder: &Path, bench: &Bench) -> RawRun {
    let mut trials = Vec::new();
    let mut add = |plan: Plan| trials.push(plan.write(folder));
    let highest = bench.closed(256.0);
    for trial in 0..3 {
        let rates = (0..10).map(|step| (highest * 0.1 * 1.3_f64.powi(step)).round()).collect();
        add(Plan::new(bench, "e1", &[], trial, Load::Ramp(rates)));
        for users in [1, 2, 4, 8, 16, 32, 64, 128] {
            add(Plan::new(
                bench,
                "e3",
                &[("users", &users.to_string())],
                trial,
                Load::Closed(users),
            ));
        }
        for workers in 1..=bench.processors.len() {
            let own = Bench { workers, ..bench.clone() };
            let users = 32 * u32::try_from(workers).unwrap();
            add(Plan::new(
                &own,
                "e4",
                &[("workers", &workers.to_string())],
                trial,
                Load::Closed(users),
            ));
        }
        for share in [0.125, 0.25, 0.5, 0.75] {
            let own = Bench { quota: share / bench.usable() * bench.quota, ..bench.clone() };
            add(Plan::new(&own, "e10", &[("share", &share.to_string())], trial, Load::Closed(64)));
        }
        let quarter = Bench { quota: 0.25 / bench.usable() * bench.quota, ..bench.clone() };
        let most = quarter.closed(256.0);
        let rates = (0..8).map(|step| (most * 0.2 * 1.33_f64.powi(step)).round()).collect();
        add(Plan::new(&quarter, "e11", &[("share", "0.25")], trial, Load::Ramp(rates)));
        for name in ABLATIONS {
            add(Plan::new(
                &bench.under(name),
                "e6",
                &[("ablation", name)],
                trial,
                Load::Closed(64),
            ));
        }
    }
    add(Plan::new(
        bench,
        "e1",
        &[("held_out", "yes")],
        0,
        Load::Ramp(vec![(highest * 0.55).round()]),
    ));
    for instances in 1..=3_u32 {
        let factors = [("instances", instances.to_string()), ("tier", "private".to_owned())];
        let own: Vec<(&str, &str)> =
            factors.iter().map(|(name, level)| (*name, level.as_str())).collect();
        let keys = [&own[..], &[("load", "keys")]].concat();
        add(Plan::new(bench, "e5", &own, 0, Load::Closed(32 * instances)));
        add(Plan::new(bench, "e5", &keys, 0, Load::Closed(32 * instances))
            .upstream(u64::from(instances) * 100));
    }
    let staged = vec![highest * 0.7, highest * 1.5, highest * 3.0, highest * 0.3];
    add(Plan::new(bench, "e7", &[], 0, Load::Stages(staged)));
    for (scenario, upstream) in
        [("cold", 1), ("expiry", 4), ("slow", 2), ("down", 9), ("limited", 6)]
    {
        let factors = [("scenario", scenario), ("users", "1000")];
        add(Plan::new(bench, "e8", &factors, 0, Load::Closed(1000)).upstream(upstream));
    }
    add(Plan::new(bench, "e9", &[], 0, Load::Ramp(vec![(highest * 0.7).round()])));
    let raw = run(bench, trials);
    std::fs::write(folder.join("run.json"), serde_json::to_vec(&raw).unwrap()).unwrap();
    raw
}

/// `run.json` of these trials.
pub(crate) fn run(bench: &Bench, trials: Vec<Trial>) -> RawRun {
    let provenance = provenance();
    RawRun {
        schema_version: SCHEMA_VERSION,
        provenance: provenance.clone(),
        relay_version: "relay 0".to_owned(),
        profile: "default".to_owned(),
        layout: layout(bench),
        calibration: Calibration {
            ceiling_rate: bench.generator * 0.8,
            limited_rate: None,
            closed_rate: bench.generator,
            cpu_us_per_request: 1e6 / bench.generator,
            lateness: None,
            threads: 1,
            connections: 64,
            provenance: vec![provenance],
        },
        trials,
    }
}

/// The generator and the upstream share the processor after the relay's.
pub(crate) fn layout(bench: &Bench) -> Layout {
    let last = bench.processors.len();
    Layout { relay: bench.processors.clone(), generator: vec![last], upstream: vec![last] }
}

/// The same wherever it is made.
fn provenance() -> Provenance {
    let mut own = Provenance::collect(std::time::UNIX_EPOCH, &["synthetic".to_owned()], None);
    "synthetic".clone_into(&mut own.commit);
    own.binary_sha256 = None;
    own.machine.cpu_model = Some("none: these numbers are made up".to_owned());
    own.machine.load_average = None;
    own
}

/// Factors as `run.json` has them.
fn factors(own: &[(&str, &str)]) -> BTreeMap<String, String> {
    own.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
}
