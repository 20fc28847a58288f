//! Where it saturates, where more load stops paying, and whether the rest of
//! the ramp foretells a rate that was held out of it.

use super::words::{counted, known, ms, not_measured, paragraph, rate, section, table};
use crate::capacity::{
    figures::Column,
    findings::{Findings, levels::Level, objective::USUAL, prediction::Prediction},
    page::{Block, Section},
};

pub(super) fn saturation(profile: &str, findings: &Findings) -> Section {
    let (id, heading) = ("saturation", "Saturation and knee");
    if findings.ramp.is_empty() {
        return not_measured(id, heading, profile);
    }
    let mut blocks = vec![estimates(findings)];
    blocks.push(paragraph(
        "A rate is kept up with if 99 % of what is offered is answered and requests under way do not pile up while it holds \
         (Theil–Sen slope), in two of three trials. The knee is where power, throughput over response time, is highest \
         (Kleinrock): it depends on no range. The broken line and Kneedle are second opinions.",
    ));
    match &findings.prediction {
        Some(prediction) => blocks.extend(held_out(prediction)),
        None => blocks.push(paragraph(
            "No rate was held out of the ramp in this profile, so that nothing was foretold.",
        )),
    }
    section(id, heading, blocks)
}

fn estimates(findings: &Findings) -> Block {
    let saturation = &findings.saturation;
    let interval = |found: Option<(f64, f64)>| {
        found.map_or("n/a".to_owned(), |(low, high)| format!("{} to {}", rate(low), rate(high)))
    };
    let capacity = findings.capacity().ok();
    let knees = saturation.knees;
    let row = |name: String, value: Option<f64>, range: Option<(f64, f64)>, how: &str| {
        vec![name, known(value, rate), interval(range), how.to_owned()]
    };
    let closed = findings.users.best();
    let closed_interval = closed.and_then(Level::interval);
    let rows = vec![
        row(
            format!("highest rate with {USUAL}"),
            capacity.map(|capacity| capacity.crossing.rate()),
            capacity.map(|capacity| (capacity.interval.low, capacity.interval.high)),
            "isotonic p99, crossed in logarithms; bootstrap and t over trials",
        ),
        row(
            "kept up with".to_owned(),
            saturation.bracket.passed,
            saturation.bracket.passed.zip(saturation.bracket.failed),
            "bracket: highest kept, lowest not kept",
        ),
        row(
            "most answers, open model".to_owned(),
            saturation.most,
            None,
            "of any rate that counts",
        ),
        row(
            "most answers, closed model".to_owned(),
            closed.map(Level::throughput),
            closed_interval.map(|found| (found.low, found.high)),
            "t over trials",
        ),
        row(
            "allowed by the processors".to_owned(),
            findings.cost.bound(),
            None,
            "processors / demand (F7)",
        ),
        row(
            "knee by power".to_owned(),
            knees.power,
            saturation.knee_interval.map(|found| (found.low, found.high)),
            "bootstrap over trials",
        ),
        row(
            "knee by a broken line".to_owned(),
            knees.broken_stick,
            None,
            "on the logarithm of p99",
        ),
        row("knee by Kneedle".to_owned(), knees.kneedle, None, "from 0 to the most answers"),
    ];
    table(
        "Estimates side by side, in requests per second",
        vec![
            Column::words("estimate"),
            Column::numbers("value"),
            Column::numbers("95 %, or bracket"),
            Column::words("how"),
        ],
        rows,
    )
}

fn held_out(prediction: &Prediction) -> Vec<Block> {
    let row = |found: &crate::capacity::findings::prediction::Foretold| {
        vec![
            found.name.to_owned(),
            ms(found.predicted),
            format!("{} to {}", ms(found.band.low), ms(found.band.high)),
            ms(found.measured),
            if found.holds() { "within" } else { "outside" }.to_owned(),
        ]
    };
    let caption = format!(
        "Foretold and measured: {} at {} requests per second, which no estimate was shown",
        counted(prediction.trials, "trial", "trials"),
        rate(prediction.rate)
    );
    vec![
        Block::Heading("A rate that was held out".to_owned()),
        table(
            caption,
            vec![
                Column::words("response time"),
                Column::numbers("foretold, ms"),
                Column::numbers("band, ms"),
                Column::numbers("measured, ms"),
                Column::words("band"),
            ],
            prediction.quantities.iter().map(row).collect(),
        ),
        paragraph(
            "The band is where one more trial is likely to be: 95 % of the bootstrap over trials, Student’s *t* over what they \
             differ by, and no narrower than ± 25 %. The queue is `R = way + S + S/m · v · ρ^(√(2(m+1))−1) / (1−ρ)`: S is what \
             a request takes of a processor (F7), v and the way are fitted to steps of up to 80 % utilisation.",
        ),
    ]
}
