//! Whether anything grows that should not, over minutes of a steady load.

use crate::capacity::{
    analysis::trend::{Slope, theil_sen},
    loaded::LoadedTrial,
    raw::ProcessSample,
};

/// A quantity over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// What it is.
    pub name: &'static str,
    /// Its values, with seconds since the run's start.
    pub series: Vec<(f64, f64)>,
    /// How fast it grows, per second.
    pub slope: Option<Slope>,
}

impl Drift {
    fn new(name: &'static str, series: Vec<(f64, f64)>) -> Self {
        // What a start needs is no drift.
        let settled = &series[series.len() / 5..];
        Self { name, slope: theil_sen(settled), series }
    }

    /// By which share of its last value it grows in an hour, if that is certain.
    pub fn growth_per_hour(&self) -> Option<f64> {
        let slope = self.slope.filter(Slope::rises)?;
        let last = self.series.last()?.1;
        (0.0 < last).then_some(slope.value * 3600.0 / last)
    }
}

/// A steady load of minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Soak {
    /// How long, in seconds.
    pub seconds: f64,
    /// Answers per second.
    pub throughput: f64,
    /// Errors of all requests.
    pub errors: u64,
    /// What might grow: memory, descriptors, the 99th percentile.
    pub drifts: Vec<Drift>,
}

#[expect(clippy::cast_precision_loss, reason = "bytes and descriptors, below 2⁵³")]
pub(super) fn soak(trial: &LoadedTrial) -> Option<Soak> {
    let start = trial.summary.run.started_unix;
    let lasted = trial.summary.run.lasted_seconds;
    let of_relay = |value: fn(&ProcessSample) -> f64| -> Vec<(f64, f64)> {
        let samples = trial.trial.samples.iter();
        let found = samples.filter_map(|sample| {
            Some((sample.at_unix - start, value(sample.processes.get("relay")?)))
        });
        // What is seen after the load is that it has ended.
        found.filter(|(at, _)| (0.0..=lasted).contains(at)).collect()
    };
    let p99 =
        trial.intervals.iter().filter_map(|row| Some((row.start_s, row.response_p99_ms? / 1000.0)));
    let drifts = [
        Drift::new("resident memory (MB)", of_relay(|process| process.resident_bytes as f64 / 1e6)),
        Drift::new("open descriptors", of_relay(|process| process.descriptors as f64)),
        Drift::new("p99 (s)", p99.collect()),
    ];
    let step = trial.summary.steps.first()?;
    Some(Soak {
        seconds: step.hold_seconds,
        throughput: step.throughput,
        errors: step.errors,
        drifts: drifts.into_iter().filter(|drift| 1 < drift.series.len()).collect(),
    })
}
