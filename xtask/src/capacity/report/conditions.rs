//! Under which conditions it was measured, what that assumes, and how to do it
//! again.

use super::words::{counted, section};
use crate::capacity::{
    figures::Column,
    loaded::Loaded,
    page::{Block, Callout, Prose, Section},
    raw::Trial,
};

pub(super) fn conditions(loaded: &Loaded) -> Section {
    let raw = &loaded.raw;
    let machine = &raw.provenance.machine;
    let or_unknown = |fact: &Option<String>| fact.clone().unwrap_or("unknown".to_owned());
    let facts = [
        format!("{}, profile {}, {}", raw.relay_version, raw.profile, raw.provenance.started),
        format!(
            "processor: {}; {}; kernel {}",
            or_unknown(&machine.cpu_model),
            counted(machine.cpus_online.unwrap_or(0), "processor", "processors"),
            or_unknown(&machine.kernel)
        ),
        format!(
            "processors of the relay {:?}, of the generator {:?}, of the upstream {:?}",
            raw.layout.relay, raw.layout.generator, raw.layout.upstream
        ),
    ];
    section(
        "conditions",
        "Conditions and assumptions",
        vec![
            Block::List(facts.into_iter().map(Prose::plain).collect()),
            Block::Numbered {
                prefix: "A".to_owned(),
                items: assumptions(loaded).iter().map(|text| Prose::marked(text)).collect(),
            },
            Block::Callout {
                kind: Callout::Caution,
                text: Prose::plain(
                    "Few processors say nothing of how the relay scales over many, and a generator on the same machine takes memory \
                 bandwidth and caches from it.",
                ),
            },
            glossary(),
        ],
    )
}

fn assumptions(loaded: &Loaded) -> Vec<String> {
    let layout = &loaded.raw.layout;
    vec![
        format!(
            "The generator is on the same machine, with {} to itself. If clients are elsewhere, the relay has more of the machine than here.",
            counted(layout.generator.len(), "processor", "processors")
        ),
        "Loopback: no network card, no distance, no TLS. With them a request costs more processor time, and latency grows by the round trip.".to_owned(),
        "One URI, and its answer is stored. With a hit ratio below 1, misses cost more and wait for the upstream: see [sensitivity](#sensitivity) and [cache](#cache).".to_owned(),
        "Poisson arrivals over 64 connections that are kept. Burstier clients queue earlier; clients that connect anew cost more.".to_owned(),
        "Bodies of about 1.5 KB. Larger ones cost more: see [sensitivity](#sensitivity).".to_owned(),
        "Nothing else ran on the machine. If something did, intervals are wider, and the answer is on the low side.".to_owned(),
    ]
}

fn glossary() -> Block {
    let term = |word: &str, meaning: &str| (word.to_owned(), Prose::marked(meaning));
    Block::Glossary(vec![
        term(
            "Response time",
            "From when a request was due to the end of its answer: what a client waits.",
        ),
        term(
            "Service time",
            "From when it was sent: what a generator sees that waits for a slow server.",
        ),
        term(
            "Knee",
            "Where more load begins to cost more time than it is worth: throughput over response time is highest.",
        ),
        term("Open model", "Requests come when they come, whatever became of those before."),
        term("Closed model", "Each user waits for its answer before it asks again."),
        term("95 % CI", "An interval that holds the true value in 95 of 100 such measurements."),
    ])
}

pub(super) fn reproduce(loaded: &Loaded) -> Section {
    let raw = &loaded.raw;
    let flag = match raw.profile.as_str() {
        "quick" => " --quick",
        "full" => " --full",
        _ => "",
    };
    let commit = &raw.provenance.commit;
    section(
        "reproduce",
        "Reproduce",
        vec![
            Block::Paragraph(Prose::marked(&format!(
                "Measured from commit `{commit}` with {}; seeds are in the generator’s arguments. The report is a function of `run.json` \
             and the generator’s files beside it.",
                counted(raw.trials.len(), "trial", "trials")
            ))),
            Block::Code {
                language: "sh".to_owned(),
                text: format!(
                    "cargo xtask capacity{flag} --out DIR   # measure\n\
                 cargo xtask capacity --from DIR{}  # make this report again\n\
                 cargo xtask capacity --from DIR --compare OTHER",
                    " ".repeat(flag.len())
                ),
            },
            super::words::table(
                "What was run, with the load of the first trial of each",
                runs_columns(),
                runs(&raw.trials),
            ),
        ],
    )
}

fn runs_columns() -> Vec<Column> {
    let mut columns = ["experiment", "factors", "relay", "load"].map(Column::words).to_vec();
    columns.insert(2, Column::numbers("trials"));
    columns
}

/// The trials, those that differ by chance alone in one row.
fn runs(trials: &[Trial]) -> Vec<Vec<String>> {
    let is_same = |one: &Trial, other: &Trial| {
        one.experiment == other.experiment && one.factors == other.factors
    };
    let mut firsts: Vec<(&Trial, usize)> = Vec::new();
    for trial in trials {
        match firsts.iter_mut().find(|(first, _)| is_same(first, trial)) {
            Some((_, count)) => *count += 1,
            None => firsts.push((trial, 1)),
        }
    }
    let row = |(trial, count): &(&Trial, usize)| {
        let factors = trial.factors.iter().map(|(name, level)| format!("{name} {level}"));
        vec![
            trial.experiment.clone(),
            factors.collect::<Vec<_>>().join(", "),
            count.to_string(),
            trial.relay_arguments.join(" "),
            trial.load_arguments.join(" "),
        ]
    };
    firsts.iter().map(row).collect()
}
