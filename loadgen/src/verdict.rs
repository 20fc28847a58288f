//! Whether a step measured its target or the generator: pure.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    health::Activity,
    record::{Clock, Record, Tag},
};

/// What a step's numbers are worth.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// They are the target's.
    Valid,
    /// They may be partly the generator's.
    Suspect,
    /// The generator, or this machine, was the limit.
    GeneratorLimited,
}

impl Verdict {
    /// The word for it, the same in every file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspect => "suspect",
            Self::GeneratorLimited => "generator-limited",
        }
    }
}

/// A verdict and what it is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// What the step's numbers are worth.
    pub verdict: Verdict,
    /// Why they are not worth more, the worst first; of several generators, those
    /// of the worst first, after its number.
    pub reasons: Vec<String>,
    /// What counts as late: a millisecond, or a twentieth of the median service
    /// time if that is longer; of several generators, the longest of theirs.
    pub late_bound_us: f64,
    /// The part of the requests that were later than that by the generator's
    /// fault.
    pub late_share: f64,
    /// The most requests that were sent at one wake-up of a thread.
    pub largest_burst: u64,
    /// Requests that met a fault of this machine: no port, no descriptor.
    pub own_faults: u64,
    /// The rate that was sent, as a part of the highest that `loadgen
    /// calibrate` found; of several generators, the largest of theirs.
    pub ceiling_share: Option<f64>,
    /// What the generator's threads and the machine did.
    pub activity: Activity,
}

/// From this part of late requests on, the 99th percentile is made of them.
const LATE_LIMIT: f64 = 0.01;
/// From this one on, the 99.9th is.
const LATE_SUSPECT: f64 = 0.001;
/// Where others begin to warn: Hyperfoil's agents at 80 %, Locust at 90 %.
const CPU_SUSPECT: f64 = 0.8;
/// A thread that has no more than this to spare may read answers late too.
const CPU_LIMIT: f64 = 0.95;
/// So much of its time a thread may have waited for a processor.
const DELAY_SUSPECT: f64 = 0.1;
const STEAL_SUSPECT: f64 = 0.05;
const GAP_LIMIT_MS: f64 = 500.0;
const GAP_SUSPECT_MS: f64 = 100.0;
const CEILING_LIMIT: f64 = 0.9;
const CEILING_SUSPECT: f64 = 0.5;

impl Health {
    /// The verdict on what was recorded while the machine did what `activity`
    /// says, at a rate that is `ceiling_share` of the generator's highest.
    pub fn of(record: &Record, activity: Activity, ceiling_share: Option<f64>) -> Self {
        let median = record.times(Tag::all(Clock::Service));
        let median = median.map_or(Duration::ZERO, |times| times.rough_quantile(0.5));
        let late_bound = Duration::from_millis(1).max(median / 20);
        let late_share = record
            .times(Tag::all(Clock::Lateness))
            .map_or(0.0, |lateness| share(lateness.longer_than(late_bound), lateness.len()));
        let own_faults = record.counts.generators_faults();
        let mut findings = Findings::default();
        findings.requests(own_faults, late_share, late_bound);
        findings.machine(&activity, cpu_limit(record, late_bound, ceiling_share));
        if let Some(ceiling) = ceiling_share {
            findings.find(ceiling, CEILING_SUSPECT, CEILING_LIMIT, || {
                format!("the rate is {} of what the generator can send", percent(ceiling))
            });
        }
        let (verdict, reasons) = findings.worst_first();
        Self {
            verdict,
            reasons,
            late_bound_us: late_bound.as_secs_f64() * 1e6,
            late_share,
            largest_burst: record.counts.largest_burst,
            own_faults,
            ceiling_share,
            activity,
        }
    }
}

/// From which part of a processor on a thread is the limit.
///
/// None is, while requests are sent when they are due: a thread that has work
/// all the time does it in larger batches. Due times have nothing to do with
/// what it is at, so requests find it as busy as answers do (R. Wolff, "Poisson
/// Arrivals See Time Averages", Operations Research 30, 1982). When requests wait
/// for connections it may be the thread that has not read the answers yet: then
/// only a calibration tells that it can send as much.
fn cpu_limit(record: &Record, late_bound: Duration, ceiling_share: Option<f64>) -> f64 {
    let waited = record
        .times(Tag::all(Clock::Lag))
        .map_or(0.0, |lag| share(lag.longer_than(late_bound), lag.len()));
    let can_send = ceiling_share.is_some_and(|share| share < CEILING_LIMIT);
    if waited < LATE_LIMIT || can_send { f64::INFINITY } else { CPU_LIMIT }
}

/// What speaks against a step's numbers.
#[derive(Default)]
struct Findings(Vec<(Verdict, String)>);

impl Findings {
    /// Adds `reason` where `value` is too much.
    fn find(&mut self, value: f64, suspect: f64, limit: f64, reason: impl FnOnce() -> String) {
        if limit <= value {
            self.0.push((Verdict::GeneratorLimited, reason()));
        } else if suspect <= value {
            self.0.push((Verdict::Suspect, reason()));
        }
    }

    /// What the requests themselves show.
    fn requests(&mut self, own_faults: u64, late_share: f64, late_bound: Duration) {
        if 0 < own_faults {
            let requests = if own_faults == 1 { "request" } else { "requests" };
            let reason = format!("{own_faults} {requests} found no port or no descriptor here");
            self.0.push((Verdict::GeneratorLimited, reason));
        }
        self.find(late_share, LATE_SUSPECT, LATE_LIMIT, || {
            let bound = late_bound.as_secs_f64() * 1000.0;
            format!(
                "{} of the requests were sent more than {bound:.1} ms late",
                percent(late_share)
            )
        });
    }

    /// What the kernel says.
    fn machine(&mut self, activity: &Activity, cpu_limit: f64) {
        let gap = activity.watchdog_gap_ms;
        self.find(gap, GAP_SUSPECT_MS, GAP_LIMIT_MS, || {
            format!("the generator stood still for {gap:.0} ms")
        });
        if let Some(thread) = activity.most(|thread| thread.cpu_share) {
            self.find(thread.cpu_share, CPU_SUSPECT, cpu_limit, || {
                format!("{} took {} of a processor", thread.name, percent(thread.cpu_share))
            });
        }
        if let Some(thread) = activity.most(|thread| thread.run_delay_share) {
            let share = thread.run_delay_share;
            self.find(share, DELAY_SUSPECT, f64::INFINITY, || {
                let share = percent(share);
                format!("{} waited for a processor for {share} of the time", thread.name)
            });
        }
        if let Some(steal) = activity.steal_share {
            self.find(steal, STEAL_SUSPECT, f64::INFINITY, || {
                format!("{} of the machine's time went to others", percent(steal))
            });
        }
    }

    /// The verdict, and the reasons for it; of the same weight in the order in
    /// which they were found.
    fn worst_first(mut self) -> (Verdict, Vec<String>) {
        self.0.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        let verdict = self.0.first().map_or(Verdict::Valid, |(verdict, _)| *verdict);
        (verdict, self.0.into_iter().map(|(_, reason)| reason).collect())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 { format!("{percent:.2} %") } else { format!("{percent:.0} %") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fault::Fault,
        health::ThreadActivity,
        record::{Due, Moments, Outcome},
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// `late` of 1000 requests were sent 20 ms late, and each took `service`.
    fn record(late: u64, service: Duration) -> Record {
        let mut record = Record::new();
        for number in 0..1000 {
            let due = Some(Due { at: ms(number), ready: ms(number) });
            let sent = ms(number) + if number < late { ms(20) } else { ms(0) };
            record.sent();
            let moments = Moments { due, sent, first_byte: None, done: sent + service };
            record.ended(Outcome::Failed(Fault::Parse), moments);
        }
        record
    }

    /// `waiting` of 1000 requests waited 20 ms for a connection.
    fn waiting(waiting: u64, service: Duration) -> Record {
        let mut record = Record::new();
        for number in 0..1000 {
            let sent = ms(number) + if number < waiting { ms(20) } else { ms(0) };
            record.sent();
            let due = Some(Due { at: ms(number), ready: sent });
            let moments = Moments { due, sent, first_byte: None, done: sent + service };
            record.ended(Outcome::Failed(Fault::Parse), moments);
        }
        record
    }

    fn load(cpu_share: f64, run_delay_share: f64) -> Activity {
        let name = "loadgen-0".to_owned();
        let threads = vec![ThreadActivity { name, cpu_share, run_delay_share }];
        Activity { threads, steal_share: Some(0.0), watchdog_gap_ms: 10.5, descriptors: None }
    }

    #[track_caller]
    fn check(
        record: &Record,
        activity: Activity,
        ceiling: Option<f64>,
        verdict: Verdict,
        reason: &str,
    ) {
        let health = Health::of(record, activity, ceiling);
        assert_eq!(health.verdict, verdict, "{:?}", health.reasons);
        assert_eq!(health.reasons.first().map_or("", String::as_str), reason);
    }

    #[test]
    fn verdicts() {
        use Verdict::{GeneratorLimited, Suspect, Valid};
        let (on_time, fine) = (record(0, ms(1)), || load(0.5, 0.02));
        check(&on_time, fine(), None, Valid, "");
        let late = "0.50 % of the requests were sent more than 1.0 ms late";
        check(&record(5, ms(1)), fine(), None, Suspect, late);
        let late = "1.00 % of the requests were sent more than 1.0 ms late";
        check(&record(10, ms(1)), fine(), None, GeneratorLimited, late);
        // 20 ms are a twentieth of 400.
        check(&record(1000, ms(401)), fine(), None, Valid, "");
        let busy = "loadgen-0 took 85 % of a processor";
        check(&on_time, load(0.85, 0.0), None, Suspect, busy);
        // It has no time to spare, and is on time all the same.
        let busy = "loadgen-0 took 100 % of a processor";
        check(&on_time, load(1.0, 0.0), None, Suspect, busy);
        // Who is slow where requests wait for connections, a calibration tells.
        let waiting = waiting(20, ms(1));
        check(&waiting, load(0.9, 0.0), None, Suspect, "loadgen-0 took 90 % of a processor");
        check(&waiting, load(1.0, 0.0), None, GeneratorLimited, busy);
        check(&waiting, load(1.0, 0.0), Some(0.4), Suspect, busy);
        let delayed = "loadgen-0 waited for a processor for 12 % of the time";
        check(&on_time, load(0.5, 0.12), None, Suspect, delayed);
        let frozen = || Activity { watchdog_gap_ms: 1009.7, ..fine() };
        let stood = "the generator stood still for 1010 ms";
        check(&on_time, frozen(), None, GeneratorLimited, stood);
        // The worst reason comes first.
        check(&record(5, ms(1)), frozen(), None, GeneratorLimited, stood);
        let steal = Activity { steal_share: Some(0.06), ..fine() };
        check(&on_time, steal, None, Suspect, "6.00 % of the machine's time went to others");
        let ceiling = "the rate is 60 % of what the generator can send";
        check(&on_time, fine(), Some(0.6), Suspect, ceiling);
    }

    #[test]
    fn a_fault_of_this_machine_is_the_generators() {
        let mut record = Record::new();
        record.sent();
        let moments = Moments { due: None, sent: ms(0), first_byte: None, done: ms(0) };
        record.ended(Outcome::Failed(Fault::TooManyFiles), moments);
        let reason = "1 request found no port or no descriptor here";
        check(&record, load(0.0, 0.0), None, Verdict::GeneratorLimited, reason);
    }
}
