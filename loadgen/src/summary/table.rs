//! A summary as text for a terminal: pure.

use std::fmt;

use super::{Ended, Measures, Model, Quantiles, Step, Summary, explain};
use crate::{
    number::{plural, thousands},
    record::Totals,
};

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        asked(f, self)?;
        writeln!(f)?;
        counters(f, &self.totals)?;
        if let [step] = self.steps.as_slice() {
            rates(f, self.run.model, step)?;
        }
        answers(f, &self.measures)?;
        writeln!(f)?;
        if !self.measures.times.is_empty() {
            times(f, &self.measures)?;
            writeln!(f)?;
        }
        if 1 < self.steps.len() {
            steps(f, self)?;
            writeln!(f)?;
        }
        conclusions(f, self)
    }
}

/// What was asked for, and how it ended.
fn asked(f: &mut fmt::Formatter<'_>, summary: &Summary) -> fmt::Result {
    let run = &summary.run;
    writeln!(f, "{} {}", run.method, run.url)?;
    paragraph(f, &run.program)?;
    let model = match run.model {
        Model::Open => "open model",
        Model::Closed => "closed model",
    };
    let connections = plural(run.connections, "connection");
    writeln!(f, "{model}, {} over {connections}", run.protocol)?;
    write!(f, "{} ({}", plural(run.threads as u64, "thread"), run.pacer)?;
    if let Some(p99) = summary.self_test.p99_us {
        write!(f, ", {:.3} ms late at p99 with nothing else to do", p99 / 1000.0)?;
    }
    writeln!(f, ")")?;
    match &summary.ended {
        Ended::Finished => Ok(()),
        Ended::Interrupted => writeln!(f, "interrupted: this is what was measured until then"),
        Ended::Aborted(why) => paragraph(f, &format!("aborted: {why}")),
    }
}

/// What the numbers mean, and whether they are as demanded.
fn conclusions(f: &mut fmt::Formatter<'_>, summary: &Summary) -> fmt::Result {
    if let Some(text) = explain::difference(summary) {
        paragraph(f, &text)?;
    }
    if let Some(search) = &summary.search {
        paragraph(f, &explain::search(search))?;
    }
    for threshold in &summary.thresholds {
        let verdict = if threshold.findings.is_empty() { "ok" } else { "FAILED" };
        let text = format!("fail if {}: {verdict}", threshold.fail_if);
        let found = threshold.findings.iter().map(|finding| format!("; {finding}"));
        paragraph(f, &(text + &found.collect::<String>()))?;
    }
    paragraph(f, &explain::verdict(summary))
}

/// How wide a terminal is at least; the tables are no wider either.
const WIDTH: usize = 100;

/// Writes `text`, which goes on below itself, indented, where a line is full.
fn paragraph(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if 0 < width && WIDTH < width + 1 + length {
            write!(f, "\n  {word}")?;
            width = 2 + length;
        } else if 0 < width {
            write!(f, " {word}")?;
            width += 1 + length;
        } else {
            write!(f, "{word}")?;
            width = length;
        }
    }
    writeln!(f)
}

fn counters(f: &mut fmt::Formatter<'_>, totals: &Totals) -> fmt::Result {
    let Totals { planned, sent, completed, failed, dropped, unsent, unfinished } = *totals;
    let [planned, sent, completed] = [planned, sent, completed].map(thousands);
    let [failed, dropped, unsent, unfinished] =
        [failed, dropped, unsent, unfinished].map(thousands);
    writeln!(f, "planned {planned} = sent {sent} + dropped {dropped} + unsent {unsent}")?;
    writeln!(f, "sent {sent} = completed {completed} + failed {failed} + unfinished {unfinished}")
}

/// What the table of steps has, where there is one alone.
fn rates(f: &mut fmt::Formatter<'_>, model: Model, step: &Step) -> fmt::Result {
    let Step { offered_rate, throughput, in_flight, most_in_flight, .. } = step;
    if model == Model::Open {
        write!(f, "offered {offered_rate:.1}/s, ")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    let bytes = step.measures.body_bytes as f64 / step.hold_seconds.max(1e-9);
    writeln!(
        f,
        "completed {throughput:.1}/s, {} of bodies; under way {in_flight:.2} on average, {} at most",
        transfer(bytes),
        thousands(*most_in_flight)
    )
}

/// A rate of bytes, in the largest unit of which there is one.
fn transfer(per_second: f64) -> String {
    let units = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")];
    let of = units.into_iter().find(|(scale, _)| *scale <= per_second);
    let (scale, unit) = of.unwrap_or((1.0, "B/s"));
    format!("{:.1} {unit}", per_second / scale)
}

fn answers(f: &mut fmt::Formatter<'_>, measures: &Measures) -> fmt::Result {
    let mut parts = Vec::new();
    if !measures.statuses.is_empty() {
        let each = measures.statuses.iter();
        let each = each.map(|(status, count)| format!("{status}: {}", thousands(*count)));
        parts.push(format!("status {}", each.collect::<Vec<_>>().join(", ")));
    }
    if !measures.faults.is_empty() {
        let each = measures.faults.iter().map(|(fault, summary)| {
            let own = if summary.generators_own { " (this machine's)" } else { "" };
            format!("{fault}: {}{own}", thousands(summary.count))
        });
        parts.push(format!("failed {}", each.collect::<Vec<_>>().join(", ")));
    }
    if 0 < measures.reopened {
        parts.push(format!("{} opened anew", plural(measures.reopened, "connection")));
    }
    match measures.differing_bodies {
        0 => {}
        1 => parts.push("1 body unlike the first".to_owned()),
        more => parts.push(format!("{} bodies unlike the first", thousands(more))),
    }
    if !parts.is_empty() {
        paragraph(f, &parts.join("; "))?;
    }
    let first = |summary: &super::FaultSummary| summary.first.clone();
    for first in measures.faults.values().filter_map(first) {
        paragraph(f, &format!("the first {first}"))?;
    }
    Ok(())
}

const ROWS: [(&str, &str); 11] = [
    ("response", "response (from due)"),
    ("service", "service (from sent)"),
    ("ttfb", "first byte (from sent)"),
    ("lag", "lag (due to sent)"),
    ("lateness", "  the generator's own"),
    ("response-2xx", "response, 2xx"),
    ("response-other", "response, other"),
    ("response-hit", "response, hit"),
    ("response-stale", "response, stale"),
    ("response-revalidated", "response, revalidated"),
    ("response-miss", "response, miss"),
];

const CLOSED_ROWS: [(&str, &str); 6] = [
    ("service-2xx", "service, 2xx"),
    ("service-other", "service, other"),
    ("service-hit", "service, hit"),
    ("service-stale", "service, stale"),
    ("service-revalidated", "service, revalidated"),
    ("service-miss", "service, miss"),
];

fn times(f: &mut fmt::Formatter<'_>, measures: &Measures) -> fmt::Result {
    let heads = ["p50", "p90", "p99", "p99.9", "max", "count"];
    write!(f, "{:<24}", "milliseconds")?;
    heads.iter().try_for_each(|head| write!(f, "{head:>12}"))?;
    writeln!(f)?;
    let by_service = !measures.times.contains_key("response");
    let rows = ROWS.iter().chain(CLOSED_ROWS.iter().filter(|_| by_service));
    // One class that has them all says nothing new.
    let all = measures.times.get("service").map_or(0, |times| times.count);
    for (key, name) in rows {
        let Some(q) = measures.times.get(*key) else { continue };
        if key.contains("-2xx") && q.count == all {
            continue;
        }
        write!(f, "{name:<24}")?;
        for value in [q.p50_us, q.p90_us, q.p99_us, q.p999_us, q.max_us] {
            write!(f, "{:>12}", millis(q, value))?;
        }
        writeln!(f, "{:>12}", thousands(q.count))?;
    }
    Ok(())
}

fn steps(f: &mut fmt::Formatter<'_>, summary: &Summary) -> fmt::Result {
    writeln!(
        f,
        "{:<6}{:>10}{:>10}{:>10}{:>12}{:>12}{:>11}  verdict",
        "step", "rate/s", "done/s", "errors", "p50 ms", "p99 ms", "in flight"
    )?;
    let mut trials = summary.search.iter().flat_map(|search| &search.trials);
    let mut given_up = 0;
    for step in &summary.steps {
        row(f, step)?;
        let judgement = trials.next().map_or("", |trial| explain::judgement(trial.judgement));
        f.write_str(judgement)?;
        // What the target may still be working on.
        if 0 < given_up {
            write!(f, ", after {} given up", thousands(given_up))?;
        }
        given_up = step.totals.unfinished;
        writeln!(f)?;
    }
    Ok(())
}

fn row(f: &mut fmt::Formatter<'_>, step: &Step) -> fmt::Result {
    let times = step.measures.times.get("response");
    let times = times.or_else(|| step.measures.times.get("service"));
    let cell = |value: fn(&Quantiles) -> Option<f64>| {
        times.map_or("-".to_owned(), |times| millis(times, value(times)))
    };
    write!(
        f,
        "{:<6}{:>10.1}{:>10.1}{:>10}{:>12}{:>12}{:>11.2}  {}",
        step.index,
        step.rate.unwrap_or(step.offered_rate),
        step.throughput,
        thousands(step.errors),
        cell(|times| times.p50_us),
        cell(|times| times.p99_us),
        step.in_flight,
        step.health.verdict.as_str(),
    )
}

/// Milliseconds of one of `quantiles`' values.
fn millis(quantiles: &Quantiles, us: Option<f64>) -> String {
    match us {
        None => "too few".to_owned(),
        Some(us) if quantiles.is_censored(us) => format!("≥ {:.3}", us / 1000.0),
        Some(us) => format!("{:.3}", us / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        for (per_second, text) in [
            (0.0, "0.0 B/s"),
            (1024.0, "1.0 kB/s"),
            (24_500_000.0, "24.5 MB/s"),
            (3.2e12, "3200.0 GB/s"),
        ] {
            assert_eq!(transfer(per_second), text);
        }
    }
}
