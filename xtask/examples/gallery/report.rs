//! A report with a block of every kind.

use xtask::capacity::{
    figures::{Column, Figure, Table},
    page::{Answer, Block, Calculator, Callout, Capacity, Fact, Need, Report, Section},
};

use crate::figures;

pub(crate) fn report() -> Report {
    Report {
        title: "How much one lunch-relay can carry".to_owned(),
        answer: answer(),
        sections: vec![
            section("latency", "Latency and load", latency()),
            section("validity", "Is the measurement sound?", validity()),
            section("conditions", "Conditions and assumptions", conditions()),
            section("limits", "What limits it", limits()),
            section("scaling", "Scaling over cores", scaling()),
            section("instances", "How many do I need?", instances()),
            section("overload", "Overload and recovery", overload()),
            section("history", "History", history()),
            section("reproduce", "Reproduce", reproduce()),
        ],
    }
}

fn section(id: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { id: id.to_owned(), heading: heading.to_owned(), blocks }
}

fn figure(figure: Figure, caption: &str) -> Block {
    Block::Figure { figure, caption: caption.into() }
}

fn fact(name: &str, value: &str, detail: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.to_owned(), detail: detail.to_owned() }
}

fn answer() -> Answer {
    Answer {
        claim:
            "One instance on *this machine* serves **7,900 requests per second** with p99 ≤ 20 ms \
            and fewer than 0.1 % errors. These numbers are made up."
                .into(),
        facts: vec![
            fact("meets p99 ≤ 20 ms", "7,900 req/s", "95 % CI 7,600 to 8,200"),
            fact("saturates", "10,400 req/s", "between 10,100 and 10,700"),
            fact("knee", "7,300 req/s", "95 % CI 6,900 to 7,700"),
            fact("limited by", "processor", "high confidence: 3 of 3 perturbations agree"),
        ],
        notes: vec![
            "Run it at up to **5,500 req/s** (70 %). For 20,000 req/s with one to spare, run \
             5 instances: see [how many](#instances)."
                .into(),
        ],
    }
}

fn latency() -> Vec<Block> {
    vec![
        Block::Paragraph(
            "Requests were sent when they were *due*, whatever became of those before them; \
             response times count from then. The knee is where power, throughput over response \
             time, is highest (`argmax X/R`)."
                .into(),
        ),
        figure(
            figures::throughput(),
            "Open model, Poisson arrivals; n = 5 runs per step, 95 % *t* intervals over runs.",
        ),
        figure(
            figures::latencies(),
            "Merged histograms of 5 runs per step; 95 % intervals by block bootstrap (1 s \
                blocks, nested in runs).",
        ),
        figure(
            figures::curves(),
            "One run at each rate, 600,000 requests; curves end where fewer than ten \
                requests are slower.",
        ),
        figure(
            figures::heat(),
            "A ramp from 0 to 10,700 requests per second. One cell is one second by a ninth \
                of a decade.",
        ),
    ]
}

fn validity() -> Vec<Block> {
    let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
    let table = Table {
        columns: vec![
            Column::numbers("offered (req/s)"),
            Column::numbers("sent late"),
            Column::numbers("Little’s law"),
            Column::words("verdict"),
            Column::words("why"),
        ],
        rows: vec![
            row(["500", "0.0 %", "+0.3 %", "counts", ""]),
            row(["5,200", "0.1 %", "−0.4 %", "counts", ""]),
            row(["9,300", "0.4 %", "+1.2 %", "counts", ""]),
            row([
                "12,500",
                "7.1 %",
                "+4.8 %",
                "does not",
                "the generator had no processor time left on cores 2 and 3",
            ]),
        ],
    };
    vec![
        Block::Table { caption: "Every step, and whether it counts".into(), table },
        figure(
            figures::residuals(),
            "One point for each step; L from in-flight samples, X and R from the records.",
        ),
        figure(figures::lag(), "400 requests of each run, from the generator’s own records."),
        Block::Callout {
            kind: Callout::Caution,
            text: "The generator ran on the **same machine**: 2 of 4 cores were its own.".into(),
        },
    ]
}

fn conditions() -> Vec<Block> {
    vec![
        Block::Numbered {
            prefix: "A".to_owned(),
            items: vec![
                "Clients are on loopback. If they are not, add the round trip and the \
                    network’s share of processor time."
                    .into(),
                "Every request is a cache hit. If not, multiply by the hit ratio and read \
                    [limits](#limits)."
                    .into(),
                "Bodies are 2 KiB. At 20 KiB the highest rate is 42 % lower ([F11](#f11)).".into(),
            ],
        },
        Block::Glossary(vec![
            ("Response time".to_owned(), "From when a request was due to its last byte.".into()),
            (
                "Knee".to_owned(),
                "Where more load begins to cost more time than it is worth.".into(),
            ),
        ]),
    ]
}

fn limits() -> Vec<Block> {
    vec![
        figure(
            figures::ablations(),
            "Change of X_max against the relay as shipped; 3 runs each, 95 % bootstrap \
                intervals; grey where the interval includes zero.",
        ),
        Block::Callout { kind: Callout::Note, text: "Locks were *not* found to matter.".into() },
    ]
}

fn scaling() -> Vec<Block> {
    vec![
        figure(
            figures::cores(),
            "Universal scaling law, weighted least squares over 6 levels; band by residual \
                bootstrap.",
        ),
        figure(figures::efficiency(), "X(n) / (n · X(1)), 95 % intervals over 3 runs."),
    ]
}

fn instances() -> Vec<Block> {
    let capacity = |objective: &str, [low, median, high]: [u32; 3], utilisation| Capacity {
        objective: objective.to_owned(),
        utilisation,
        low,
        median,
        high,
    };
    let capacities = vec![
        capacity("p99 ≤ 20 ms", [7_600, 7_900, 8_200], 70),
        capacity("p99 ≤ 50 ms", [8_900, 9_300, 9_500], 70),
        capacity("p99.9 ≤ 20 ms", [5_800, 6_400, 6_900], 80),
    ];
    vec![
        Block::Paragraph(
            "`N = ceil(rate × (1 + growth) / (X_slo × utilisation)) + spare`, where utilisation \
            is 100 % less headroom."
                .into(),
        ),
        Block::Calculator(Calculator {
            capacities,
            need: Need { rate: 20_000, growth: 20, spare: 1 },
        }),
    ]
}

fn overload() -> Vec<Block> {
    vec![figure(figures::overload(), "One run; one value per second.")]
}

fn history() -> Vec<Block> {
    vec![figure(figures::history(), "Each report’s capacity on the same machine, 95 % intervals.")]
}

fn reproduce() -> Vec<Block> {
    vec![
        Block::Heading("Commands".to_owned()),
        Block::List(vec![
            "Measure, which takes half an hour: `cargo xtask capacity --full`".into(),
            "Render again from the same data: `cargo xtask capacity --from DIR`".into(),
        ]),
        Block::Code {
            language: "sh".to_owned(),
            text: "cargo xtask capacity --full --out docs/capacity\n\
                   sha256sum docs/capacity/run.json docs/capacity/steps.hlog docs/capacity/resources.csv docs/capacity/README.md"
                .to_owned(),
        },
    ]
}
