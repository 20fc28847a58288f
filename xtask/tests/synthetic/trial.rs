//! One trial of a bench.

use std::{collections::BTreeMap, path::Path};

use xtask::capacity::raw::{Counters, MachineSample, ProcessSample, Sample, Trial};

use super::{Bench, factors, files, layout};

/// When every trial began, in seconds since the Unix epoch.
pub(crate) const START: f64 = 1_700_000_000.0;

/// How long a step is held.
pub(crate) const HOLD: f64 = 8.0;

/// What load is put on.
#[derive(Debug, Clone)]
pub(crate) enum Load {
    /// Users who wait for their answers.
    Closed(u32),
    /// A step for each rate.
    Ramp(Vec<f64>),
    /// One step of changing rates.
    Stages(Vec<f64>),
}

/// A second of a trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The rate that is asked for, if the model is open.
    pub(crate) rate: Option<f64>,
    /// Requests that are sent, per second.
    pub(crate) offered: f64,
    /// Answers per second.
    pub(crate) answered: f64,
    /// The mean response time, in seconds.
    pub(crate) response: f64,
    /// The share of its time for which the generator's thread is busy.
    pub(crate) generator: f64,
}

/// A trial that is written down.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    bench: Bench,
    experiment: &'static str,
    factors: BTreeMap<String, String>,
    trial: u32,
    load: Load,
    upstream: u64,
}

impl Plan {
    /// Of a bench under a load; the bench is what varies.
    pub(crate) fn new(
        bench: &Bench,
        experiment: &'static str,
        own: &[(&str, &str)],
        trial: u32,
        load: Load,
    ) -> Self {
        let factors = factors(own);
        Self { bench: bench.clone(), experiment, factors, trial, load, upstream: 1 }
    }

    /// The same with so many requests upstream.
    pub(crate) fn upstream(self, upstream: u64) -> Self {
        Self { upstream, ..self }
    }

    fn folder(&self) -> String {
        let levels: Vec<String> =
            self.factors.iter().map(|(name, level)| format!("-{name}-{level}")).collect();
        format!("{}{}-{}", self.experiment, levels.concat(), self.trial)
    }

    /// What trials differ by.
    fn noise(&self) -> f64 {
        [0.99, 1.0, 1.01][self.trial as usize % 3]
    }

    /// Its steps, each of seconds.
    fn steps(&self) -> Vec<Vec<Moment>> {
        let seconds = HOLD as usize;
        match &self.load {
            Load::Closed(users) => {
                let rate = self.bench.closed(f64::from(*users)) * self.noise();
                let moment = Moment {
                    rate: None,
                    offered: rate,
                    answered: rate,
                    response: f64::from(*users) / rate,
                    generator: (rate / self.bench.generator).min(1.0),
                };
                vec![vec![moment; seconds]]
            }
            Load::Ramp(rates) => rates
                .iter()
                .map(|rate| (0..seconds).map(|at| self.open(*rate, at)).collect())
                .collect(),
            Load::Stages(rates) => {
                let all = rates.iter().flat_map(|rate| (0..5).map(|at| self.open(*rate, at)));
                vec![all.map(|moment| Moment { rate: None, ..moment }).collect()]
            }
        }
    }

    /// A second of an open load, `at` seconds after it began.
    fn open(&self, rate: f64, at: usize) -> Moment {
        let most = self.bench.capacity() * self.noise();
        let answered = rate.min(most).min(self.bench.generator);
        let waits = (at as f64 + 0.5) * (rate / answered - 1.0);
        // Seconds of a trial differ too.
        let swing = [1.0, 1.04, 0.97, 1.02][at % 4] / self.noise();
        let response =
            self.bench.response(answered.min(most * 0.998)).unwrap_or(0.05) * swing + waits;
        let generator = (answered / self.bench.generator).min(1.0);
        Moment { rate: Some(rate), offered: rate, answered, response, generator }
    }

    /// Writes the generator's files below `folder`.
    pub(crate) fn write(&self, folder: &Path) -> Trial {
        let steps = self.steps();
        let own = folder.join(self.folder());
        std::fs::create_dir_all(&own).unwrap();
        files::write(&own, &steps, &self.load, self.bench.bytes);
        let sent: f64 = steps.iter().flatten().map(|moment| moment.answered.round()).sum();
        Trial {
            experiment: self.experiment.to_owned(),
            factors: self.factors.clone(),
            trial: self.trial,
            folder: self.folder(),
            relay_arguments: vec!["--workers".to_owned(), self.bench.workers.to_string()],
            upstream_arguments: Vec::new(),
            load_arguments: self.arguments(),
            layout: layout(&self.bench),
            samples: self.samples(&steps),
            counters: [("relay".to_owned(), counters(sent, self.upstream))].into(),
            events: Vec::new(),
        }
    }

    fn arguments(&self) -> Vec<String> {
        match &self.load {
            Load::Closed(users) => vec!["--closed".to_owned(), users.to_string()],
            Load::Ramp(_) => Vec::new(),
            Load::Stages(rates) => {
                let stages: Vec<String> =
                    rates.iter().map(|rate| format!("{rate:.0}:5s")).collect();
                vec!["--stages".to_owned(), stages.join(",")]
            }
        }
    }

    /// A sample at the start, and after each second.
    fn samples(&self, steps: &[Vec<Moment>]) -> Vec<Sample> {
        let bench = &self.bench;
        let (mut relay, mut generator, mut throttled) = (0.0, 0.0, 0.0);
        let mut samples = vec![self.sample(0, (relay, generator, throttled))];
        for (second, moment) in steps.iter().flatten().enumerate() {
            relay += 0.01 + moment.answered * bench.service();
            generator += moment.generator;
            let used = moment.answered * bench.service();
            // A quota holds back who would use more than it leaves.
            let short = bench.quota < 1.0 && 0.9 * bench.usable() <= used;
            throttled += if short { 1.0 - bench.quota } else { 0.0 };
            samples.push(self.sample(second + 1, (relay, generator, throttled)));
        }
        samples
    }

    fn sample(&self, second: usize, (relay, generator, throttled): (f64, f64, f64)) -> Sample {
        let at = second as f64;
        let threads = self.bench.workers.min(self.bench.processors.len()) as f64;
        let processes = [
            ("relay".to_owned(), process(relay, relay / threads, 12e6 + 1e3 * at)),
            ("generator".to_owned(), process(generator, generator, 14e6)),
            ("upstream".to_owned(), process(0.01 * at, 0.01 * at, 8e6)),
        ];
        Sample {
            at_unix: START + at,
            processes: processes.into(),
            machine: MachineSample {
                listen_overflows: Some(7),
                retransmitted: Some(3),
                steal_seconds: Some(0.0),
                throttled_seconds: Some(throttled),
            },
        }
    }
}

fn process(seconds: f64, busiest: f64, resident: f64) -> ProcessSample {
    ProcessSample {
        user_seconds: seconds * 0.6,
        system_seconds: seconds * 0.4,
        run_delay_seconds: seconds * 0.01,
        busiest_thread_seconds: busiest,
        resident_bytes: resident as u64,
        descriptors: 80,
        voluntary_switches: 100,
        involuntary_switches: 10,
        threads: BTreeMap::new(),
    }
}

fn counters(requests: f64, upstream: u64) -> Counters {
    let upstream = upstream as f64;
    let after = [
        ("lunch_relay_requests_total{outcome=\"hit\",status=\"2xx\"}", requests - upstream),
        ("lunch_relay_requests_total{outcome=\"uri-miss\",status=\"2xx\"}", upstream),
        ("lunch_relay_saved_requests_total{by=\"hit\",rule=\"flags\"}", requests - upstream),
        ("lunch_relay_upstream_requests_total{outcome=\"success\"}", upstream),
        ("lunch_relay_upstream_spent_total{purpose=\"client\",outcome=\"answered\"}", upstream),
        ("lunch_relay_store_entries", 1.0),
        ("lunch_relay_store_used_bytes", 2_952.0),
    ];
    Counters {
        before: BTreeMap::new(),
        after: after.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}
