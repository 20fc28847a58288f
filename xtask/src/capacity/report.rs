//! What the conclusions look like: a document with figures. Pure.

use loadgen::verdict::Verdict;

use super::{
    analysis::{isotonic::Crossing, significant},
    figures::{
        About, Axis, Column, Figure, Labels, Look, Panel, Point, Range, Reference, Series, Table,
        Tone, Unit, XyChart,
    },
    findings::{Findings, OBJECTIVE, RampStep},
    loaded::Loaded,
    page::{Answer, Block, Callout, Fact, Prose, Report, Section},
};

/// The report of `findings`, which come from `loaded`.
pub fn report(loaded: &Loaded, findings: &Findings) -> Report {
    Report {
        title: "How much one lunch-relay can carry".to_owned(),
        answer: answer(loaded, findings),
        sections: vec![
            latency(findings),
            scaling(findings),
            cold_start(findings),
            validity(findings),
            conditions(loaded),
        ],
    }
}

fn answer(loaded: &Loaded, findings: &Findings) -> Answer {
    let objective = format!("p99 ≤ {} ms", OBJECTIVE.as_millis());
    let (claim, fact) = match &findings.capacity {
        Ok(capacity) => {
            let rate = rate(capacity.crossing.rate());
            let detail = format!(
                "95 % CI {} to {}",
                self::rate(capacity.interval.low),
                self::rate(capacity.interval.high)
            );
            let claim = match capacity.crossing {
                Crossing::At(_) => format!(
                    "One instance on *this machine* serves **{rate} requests per second** with {objective} ({detail})."
                ),
                Crossing::Above(_) => format!(
                    "One instance on *this machine* serves **at least {rate} requests per second** with {objective}: \
                     faster than that the generator could not ask."
                ),
                Crossing::Below(_) => format!(
                    "One instance on *this machine* does not meet {objective} even at {rate} requests per second."
                ),
            };
            (
                claim,
                Fact { name: format!("meets {objective}"), value: format!("{rate} req/s"), detail },
            )
        }
        Err(why) => (
            format!(
                "What one instance on *this machine* serves with {objective} cannot be said: {why}."
            ),
            Fact {
                name: format!("meets {objective}"),
                value: "not known".to_owned(),
                detail: String::new(),
            },
        ),
    };
    let mut facts = vec![fact];
    if let Some(knee) = findings.knees.power {
        let agree =
            if findings.knees.agree() { "three estimates agree" } else { "estimates disagree" };
        facts.push(Fact {
            name: "knee".to_owned(),
            value: format!("{} req/s", rate(knee)),
            detail: agree.to_owned(),
        });
    }
    if let Some(most) =
        findings.concurrency.iter().max_by(|a, b| a.throughput.total_cmp(&b.throughput))
    {
        facts.push(Fact {
            name: "closed model, at most".to_owned(),
            value: format!("{} req/s", rate(most.throughput)),
            detail: format!("with {} users", most.users),
        });
    }
    let cores = loaded.raw.layout.relay.len();
    let note = format!(
        "The relay had {cores} {}; the load generator and the upstream shared another. The generator is on time up \
         to {} requests per second.",
        if cores == 1 { "processor" } else { "processors" },
        rate(loaded.raw.calibration.ceiling_rate),
    );
    Answer { claim: Prose::marked(&claim), facts, notes: vec![Prose::plain(note)] }
}

fn latency(findings: &Findings) -> Section {
    let counted = || findings.ramp.iter().filter(|step| step.counts());
    let highest = counted().map(|step| step.rate).fold(0.0, f64::max);
    Section {
        id: "latency".to_owned(),
        heading: "Latency and load".to_owned(),
        blocks: vec![
            Block::Paragraph(Prose::marked(
                "Requests for one stored answer were sent when they were *due*, by a Poisson process, whatever became \
                 of those before them; response times count from then. Each trial had a relay of its own, and the \
                 rates came in random order.",
            )),
            Block::Figure {
                figure: throughput(findings, highest),
                caption: Prose::plain(
                    "Open model, Poisson arrivals; 95 % intervals by Student's t over trials.",
                ),
            },
            Block::Figure {
                figure: response(findings),
                caption: Prose::plain(
                    "Merged histograms of all trials; the interval of p99 is that of a block bootstrap over trials \
                     and seconds together with Student's t over trials.",
                ),
            },
        ],
    }
}

/// A point that is hollow where the generator was the limit.
fn standing(step: &RampStep, point: Point) -> Point {
    if step.counts() { point } else { point.excluded("the generator was the limit") }
}

fn throughput(findings: &Findings, highest: f64) -> Figure {
    let points = findings.ramp.iter().map(|step| {
        let point = Point::new(step.rate, step.completed);
        let point = match step.completed_interval {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        };
        standing(step, point)
    });
    let chart = XyChart {
        x: Axis::linear("offered rate", Unit::Count).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::linear("answers per second", Unit::Count).over(Range::FromZero),
            series: vec![Series::new("answered", Tone::Blue, Look::LineAndPoints, points)],
            references: vec![Reference::Diagonal { label: "all that was offered".to_owned() }],
        }],
        labels: Labels::Legend,
    };
    chart.figure(&About {
        id: "f1".to_owned(),
        finding: format!(
            "What is offered is answered, up to {} requests per second.",
            rate(highest)
        ),
        description: "Answers per second over the offered rate.".to_owned(),
    })
}

fn response(findings: &Findings) -> Figure {
    let of = |name: &'static str, tone| {
        let points = findings.ramp.iter().filter_map(move |step| {
            let value = step.quantiles.get(name).copied().flatten()?;
            let point = Point::new(step.rate, value);
            let point = match (&step.p99, name) {
                (Ok(p99), "p99") => point.between(p99.interval().low, p99.interval().high),
                _ => point,
            };
            Some(standing(step, point))
        });
        Series::new(name, tone, Look::LineAndPoints, points)
    };
    let objective = OBJECTIVE.as_secs_f64();
    let chart = XyChart {
        x: Axis::linear("offered rate", Unit::Count).over(Range::FromZero),
        panels: vec![Panel {
            y: Axis::log("response time", Unit::Seconds),
            series: vec![
                of("p99.9", Tone::Purple),
                of("p99", Tone::Orange),
                of("p90", Tone::Ochre),
                of("p50", Tone::Green),
            ],
            references: vec![Reference::Height {
                y: objective,
                label: format!("objective: p99 ≤ {} ms", OBJECTIVE.as_millis()),
            }],
        }],
        labels: Labels::Direct,
    };
    let finding = match &findings.capacity {
        Ok(capacity) => format!(
            "p99 stays within {} ms up to {} requests per second.",
            OBJECTIVE.as_millis(),
            rate(capacity.crossing.rate())
        ),
        Err(_) => "Response times over the rate.".to_owned(),
    };
    chart.figure(&About {
        id: "f2".to_owned(),
        finding,
        description: "Quantiles of the response time over the offered rate.".to_owned(),
    })
}

fn scaling(findings: &Findings) -> Section {
    let law = match &findings.scaling {
        Ok(choice) => format!(
            "Of a linear law, Amdahl's and the universal scalability law, {:?} fits best by AICc.",
            choice.best.shape
        ),
        Err(why) => format!("{why}."),
    };
    let points = findings.concurrency.iter().map(|level| {
        let point = Point::new(f64::from(level.users), level.throughput);
        match level.interval {
            Some(interval) => point.between(interval.low, interval.high),
            None => point,
        }
    });
    let chart = XyChart {
        x: Axis::log("users", Unit::Whole),
        panels: vec![Panel {
            y: Axis::linear("answers per second", Unit::Count).over(Range::FromZero),
            series: vec![Series::new("closed model", Tone::Blue, Look::LineAndPoints, points)],
            references: Vec::new(),
        }],
        labels: Labels::Legend,
    };
    let figure = chart.figure(&About {
        id: "f9".to_owned(),
        finding: "How many are answered depends on how many ask at a time.".to_owned(),
        description: "Answers per second over the users of a closed model.".to_owned(),
    });
    Section {
        id: "concurrency".to_owned(),
        heading: "Concurrency".to_owned(),
        blocks: vec![
            Block::Figure {
                figure,
                caption: Prose::plain("Closed model: each user waits for its answer."),
            },
            Block::Paragraph(Prose::plain(law)),
        ],
    }
}

fn cold_start(findings: &Findings) -> Section {
    let text = match findings.cold_start {
        Some(cold) => format!(
            "{} users came at once to an empty cache, before an upstream that takes a second: {} errors, {} {} to the \
             upstream, the slowest answer after {:.2} s.",
            cold.users,
            cold.errors,
            cold.upstream,
            if (cold.upstream - 1.0).abs() < f64::EPSILON { "request" } else { "requests" },
            cold.slowest
        ),
        None => "It was not measured.".to_owned(),
    };
    Section {
        id: "cold-start".to_owned(),
        heading: "Cold start".to_owned(),
        blocks: vec![Block::Paragraph(Prose::plain(text))],
    }
}

fn validity(findings: &Findings) -> Section {
    let rows = findings.ramp.iter().map(|step| {
        let count = |verdict| step.verdicts.iter().filter(|found| **found == verdict).count();
        let of = |name: &str| {
            step.quantiles.get(name).copied().flatten().map_or("too few".to_owned(), milliseconds)
        };
        vec![
            rate(step.rate),
            rate(step.completed),
            of("p50"),
            of("p99"),
            format!("{:.2} %", step.error_share * 100.0),
            count(Verdict::Valid).to_string(),
            count(Verdict::Suspect).to_string(),
            count(Verdict::GeneratorLimited).to_string(),
        ]
    });
    let columns =
        ["offered/s", "answered/s", "p50 ms", "p99 ms", "errors", "valid", "suspect", "limited"];
    let table = Table { columns: columns.map(Column::numbers).to_vec(), rows: rows.collect() };
    let worst = findings.checks.iter().map(|(_, check)| check.relative_error()).fold(0.0, f64::max);
    Section {
        id: "validity".to_owned(),
        heading: "Is the measurement sound?".to_owned(),
        blocks: vec![
            Block::Table {
                caption: Prose::plain(
                    "The ramp. The last three columns count trials by the generator's verdict on itself; a rate at \
                     which it was the limit in any of them is shown, but not counted.",
                ),
                table,
            },
            Block::Paragraph(Prose::plain(format!(
                "Little's law at the {} valid steps: the largest error is {:.1} %.",
                findings.checks.len(),
                worst * 100.0
            ))),
        ],
    }
}

fn conditions(loaded: &Loaded) -> Section {
    let raw = &loaded.raw;
    let machine = &raw.provenance.machine;
    let or_unknown = |fact: &Option<String>| fact.clone().unwrap_or("unknown".to_owned());
    let items = [
        format!("{}, profile {}, {}", raw.relay_version, raw.profile, raw.provenance.started),
        format!(
            "processor: {}; kernel {}",
            or_unknown(&machine.cpu_model),
            or_unknown(&machine.kernel)
        ),
        format!(
            "processors of the relay {:?}, of the generator {:?}, of the upstream {:?}",
            raw.layout.relay, raw.layout.generator, raw.layout.upstream
        ),
        "over loopback: no network card, no distance, no TLS".to_owned(),
        "one URI, its answer stored".to_owned(),
    ];
    Section {
        id: "conditions".to_owned(),
        heading: "Conditions".to_owned(),
        blocks: vec![
            Block::List(items.into_iter().map(Prose::plain).collect()),
            Block::Callout {
                kind: Callout::Caution,
                text: Prose::plain(
                    "Two processors say nothing of how the relay scales over many, and a generator on the same machine \
                     takes memory bandwidth and caches from it.",
                ),
            },
        ],
    }
}

/// A rate to three digits.
fn rate(per_second: f64) -> String {
    let rounded = significant(per_second, 3);
    if rounded < 100.0 { format!("{rounded}") } else { grouped(rounded) }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut apart = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2}", seconds * 1000.0)
}
