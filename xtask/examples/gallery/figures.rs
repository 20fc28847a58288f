//! One figure of every kind, of numbers that were made up.

use xtask::capacity::figures::{
    About, Axis, Bar, BarLook, Bars, Cumulated, Effect, Figure, HeatMap, Interval, Labels, Look,
    Panel, Point, Range, Reference, Scale, Series, Standing, Tone, Tornado, Unit, XyChart, ecdf,
    percentiles, timeline,
};

/// The most that the imagined server answers in a second.
const MOST: f64 = 10_400.0;

fn about(id: &str, finding: &str) -> About {
    About {
        id: id.to_owned(),
        finding: finding.to_owned(),
        description: "Made-up numbers, to see what the figure looks like.".to_owned(),
    }
}

fn rates() -> impl Iterator<Item = f64> {
    (0..12).map(|step| 500.0 * libm::pow(1.34, f64::from(step)))
}

/// Something between −1 and 1 that looks random and is the same every time.
fn noise(seed: f64) -> f64 {
    let wave = libm::sin(seed * 12.9898) * 43_758.545;
    2.0 * (wave - libm::floor(wave)) - 1.0
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "less than one request is none"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

/// How long the imagined server's slowest requests take at a rate.
fn latency(rate: f64, slowest: f64) -> f64 {
    let load = (rate / MOST).min(0.995);
    0.000_9 * slowest * (1.0 + load * load / (1.0 - load) * 0.8)
}

pub(crate) fn throughput() -> Figure {
    let measured = |limit: f64, seed: f64| {
        rates().map(move |rate| {
            let value = rate.min(limit) * (1.0 + 0.008 * noise(rate + seed));
            let point = Point::new(rate, value).between(value * 0.975, value * 1.02);
            if 11_000.0 < rate { point.excluded("the generator sent late") } else { point }
        })
    };
    let series = vec![
        Series::new("achieved", Tone::Blue, Look::LineAndPoints, measured(MOST, 0.0)),
        Series::new("goodput", Tone::Orange, Look::LineAndPoints, measured(8_200.0, 3.0)),
    ];
    let references = vec![
        Reference::Diagonal { label: "all that was offered".to_owned() },
        Reference::Beyond { x: 11_000.0, label: "beyond the generator".to_owned() },
    ];
    let x = Axis::linear("offered rate (req/s)", Unit::Count);
    let y = Axis::linear("answers (req/s)", Unit::Count);
    XyChart { x, panels: vec![Panel { y, series, references }], labels: Labels::Legend }.figure(
        &about("f1", "One instance answers all that is offered up to 8,200 requests per second."),
    )
}

pub(crate) fn latencies() -> Figure {
    let tones = [
        ("p50", 1.0, Tone::Green),
        ("p90", 1.9, Tone::Ochre),
        ("p99", 4.0, Tone::Orange),
        ("p99.9", 7.5, Tone::Purple),
    ];
    let mut series = Vec::new();
    for (name, slowest, tone) in tones {
        let points = rates().filter(|rate| *rate < MOST).map(|rate| {
            let value = latency(rate, slowest) * (1.0 + 0.06 * noise(rate + slowest));
            Point::new(rate, value).between(value * 0.88, value * 1.15)
        });
        series.push(Series::new(name, tone, Look::LineAndPoints, points));
    }
    let model = (1..=60).map(|step| {
        let rate = 170.0 * f64::from(step);
        Point::new(rate, latency(rate, 4.0))
    });
    series.push(Series::new("queueing model of p99", Tone::Grey, Look::Model, model));
    let references = vec![
        Reference::Height { y: 0.02, label: "objective: p99 ≤ 20 ms".to_owned() },
        Reference::Across { from: 6_900.0, to: 7_700.0, label: "knee, 95 % CI".to_owned() },
    ];
    let x = Axis::linear("offered rate (req/s)", Unit::Count);
    let y = Axis::log("response time", Unit::Seconds);
    XyChart { x, panels: vec![Panel { y, series, references }], labels: Labels::Direct }
        .figure(&about("f2", "p99 stays below 20 ms up to 7,900 requests per second."))
}

pub(crate) fn curves() -> Figure {
    let curve = |(rate, tone): (f64, Tone)| Cumulated {
        name: format!("{}k req/s", rate / 1000.0),
        tone,
        quantiles: (0..=48)
            .map(|step| {
                let nines = f64::from(step) / 12.0;
                (1.0 - libm::pow(10.0, -nines), latency(rate, libm::exp(nines * 0.75)))
            })
            .collect(),
    };
    let loads = [
        (2_000.0, Tone::Green),
        (5_000.0, Tone::Blue),
        (8_000.0, Tone::Orange),
        (10_000.0, Tone::Purple),
    ];
    percentiles(Axis::log("response time", Unit::Seconds), &loads.map(curve))
        .figure(&about("f4", "Near saturation every further nine costs three times as much."))
}

pub(crate) fn heat() -> Figure {
    let columns: u32 = 60;
    let y_edges: Vec<f64> =
        (0..=36).map(|row| 1e-4 * libm::pow(10.0, f64::from(row) / 9.0)).collect();
    let column = |second: u32| {
        let rate = f64::from(second) * 178.0;
        let middle = libm::log10(latency(rate, 1.1));
        let cells = y_edges.windows(2).map(|edges| {
            let away = (libm::log10(edges[0]) - middle) * if edges[0] < 1e-3 { 9.0 } else { 3.2 };
            let share = libm::exp(-away * away) * (1.0 + 0.5 * noise(edges[0] * 1e4 + rate));
            whole(rate * share * 0.4)
        });
        cells.collect()
    };
    HeatMap {
        x: Axis::linear("time (s)", Unit::Whole),
        y: Axis::log("response time", Unit::Seconds),
        x_edges: (0..=columns).map(f64::from).collect(),
        counts: (0..columns).map(column).collect(),
        y_edges,
        counted: "requests".to_owned(),
    }
    .figure(&about("f5", "As the rate rises, a slow tail appears long before the median moves."))
}

pub(crate) fn cores() -> Figure {
    let usl = |n: f64| 2_700.0 * n / (1.0 + 0.03 * (n - 1.0) + 0.002 * n * (n - 1.0));
    let points = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0].map(|n| {
        let value = usl(n) * (1.0 + 0.02 * noise(n));
        Point::new(n, value).between(value * 0.95, value * 1.05)
    });
    let curve = (2..=32).map(|half| f64::from(half) / 2.0);
    let band = curve.clone().map(|n| {
        let wide = 0.02 + 0.012 * n;
        Point::new(n, usl(n)).between(usl(n) * (1.0 - wide), usl(n) * (1.0 + wide))
    });
    let linear = Axis::linear("cores", Unit::Whole);
    let series = vec![
        Series::new("95 % band", Tone::Blue, Look::Band, band),
        Series::new("scaling law", Tone::Blue, Look::Model, curve.map(|n| Point::new(n, usl(n)))),
        Series::new("measured", Tone::Blue, Look::Points, points),
    ];
    let references = vec![Reference::Beyond { x: 8.5, label: "extrapolated".to_owned() }];
    let y = Axis::linear("highest rate (req/s)", Unit::Count);
    XyChart { x: linear, panels: vec![Panel { y, series, references }], labels: Labels::Legend }
        .figure(&about(
            "f9",
            "Eight cores do the work of six: contention, not coherence, takes the rest.",
        ))
}

pub(crate) fn efficiency() -> Figure {
    let bar = |(cores, value): (u32, f64)| Bar {
        name: format!("{cores}"),
        value,
        interval: Some(Interval { low: value - 0.03, high: value + 0.03 }),
        tone: Tone::Blue,
    };
    Bars {
        things: "cores".to_owned(),
        y: Axis::linear("throughput per core, one core being 100 %", Unit::Ratio),
        bars: [(1, 1.0), (2, 0.97), (3, 0.93), (4, 0.9), (6, 0.84), (8, 0.78)].map(bar).to_vec(),
        look: BarLook::Bar,
        heights: vec![(1.0, "perfect".to_owned())],
    }
    .figure(&about("f10", "Each core does at least 78 % of what one does alone."))
}

pub(crate) fn ablations() -> Figure {
    let effect = |(name, change, half): (&str, f64, f64)| Effect {
        name: name.to_owned(),
        change,
        interval: Some(Interval { low: change - half, high: change + half }),
    };
    let effects = [
        ("bodies of 20 KiB", -0.42, 0.03),
        ("no keep-alive", -0.61, 0.05),
        ("one more core", 0.84, 0.06),
        ("no access log", 0.06, 0.02),
        ("no metrics", 0.01, 0.02),
        ("hyper alone", 0.31, 0.04),
    ];
    Tornado {
        change: Axis::linear("change of the highest rate", Unit::Change),
        baseline: "as shipped: 10.4k req/s".to_owned(),
        effects: effects.map(effect).to_vec(),
    }
    .figure(&about(
        "f11",
        "The processor limits: a second core adds 84 %, turning off metrics nothing.",
    ))
}

pub(crate) fn overload() -> Figure {
    let seconds = || (0..=90).map(f64::from);
    let offered = |t: f64| if (30.0..50.0).contains(&t) { 15_000.0 } else { 5_000.0 };
    let busy = |t: f64| (30.0..53.0).contains(&t);
    let goodput = move |t: f64| if busy(t) { 8_900.0 } else { 5_000.0 } * (1.0 + 0.02 * noise(t));
    let p99 = move |t: f64| if busy(t) { 0.06 } else { 0.004 } * (1.0 + 0.2 * noise(t + 0.5));
    let line = |name: &str, tone: Tone, of: &dyn Fn(f64) -> f64| {
        Series::new(name, tone, Look::Line, seconds().map(|t| Point::new(t, of(t))))
    };
    let phase =
        |label: &str| vec![Reference::Across { from: 30.0, to: 50.0, label: label.to_owned() }];
    timeline(vec![
        Panel {
            y: Axis::linear("requests per second", Unit::Count),
            series: vec![
                line("offered", Tone::Grey, &offered),
                line("goodput", Tone::Blue, &goodput),
            ],
            references: phase("1.5 × capacity"),
        },
        Panel {
            y: Axis::log("response time, p99", Unit::Seconds),
            series: vec![line("", Tone::Orange, &p99)],
            references: phase(""),
        },
        Panel {
            y: Axis::linear("in flight", Unit::Count),
            series: vec![line("", Tone::Purple, &|t| goodput(t) * p99(t) * 0.6)],
            references: phase(""),
        },
    ])
    .figure(&about("f12", "Three seconds after an overload ends, everything is as before."))
}

pub(crate) fn lag() -> Figure {
    let samples = |scale: f64| {
        (0..400)
            .map(|i| scale * (1.0 + noise(f64::from(i))) * (1.0 + noise(f64::from(i) + 0.3)))
            .collect()
    };
    let x =
        Axis { scale: Scale::Log, ..Axis::linear("how late requests were sent", Unit::Seconds) };
    ecdf(
        x.over(Range::Between(1e-6, 1e-2)),
        &[
            ("at 5k req/s".to_owned(), Tone::Blue, samples(4e-5)),
            ("at 10k req/s".to_owned(), Tone::Orange, samples(2e-4)),
        ],
        vec![Reference::Place { x: 0.001, label: "5 % of the p99".to_owned() }],
    )
    .figure(&about("f13", "The generator is late by less than a millisecond, 99 times in 100."))
}

pub(crate) fn history() -> Figure {
    let bar = |(name, value): (&str, f64)| Bar {
        name: name.to_owned(),
        value,
        interval: Some(Interval { low: value - 260.0, high: value + 240.0 }),
        tone: Tone::Blue,
    };
    let reports =
        [("2 Mar", 7_400.0), ("9 Mar", 7_460.0), ("16 Mar", 6_800.0), ("23 Mar", 7_900.0)];
    Bars {
        things: "report".to_owned(),
        y: Axis::linear("capacity (req/s)", Unit::Count).over(Range::Data),
        bars: reports.map(bar).to_vec(),
        look: BarLook::Dot,
        heights: vec![(7_500.0, "needed".to_owned())],
    }
    .figure(&about("f15", "Capacity is 6 % above that of the last report."))
}

pub(crate) fn residuals() -> Figure {
    let points = rates().map(|rate| {
        let point = Point::new(rate, 0.012 * noise(rate));
        if 11_000.0 < rate {
            Point { y: 0.048, standing: Standing::Excluded("late".to_owned()), ..point }
        } else {
            point
        }
    });
    let y = Axis::linear("(L − XR) / L", Unit::Change).over(Range::Data);
    let x = Axis { scale: Scale::Log, ..Axis::linear("offered rate (req/s)", Unit::Count) };
    let series = vec![Series::new("steps", Tone::Blue, Look::Points, points)];
    let references =
        vec![Reference::Upward { from: -0.03, to: 0.03, label: "tolerance: ±3 %".to_owned() }];
    XyChart {
        x: x.over(Range::Data),
        panels: vec![Panel { y, series, references }],
        labels: Labels::Legend,
    }
    .figure(&about("f8", "Little's law holds within 1.5 % on every step that counts."))
}

pub(crate) fn all() -> Vec<Figure> {
    vec![
        throughput(),
        latencies(),
        curves(),
        heat(),
        residuals(),
        cores(),
        efficiency(),
        ablations(),
        overload(),
        lag(),
        history(),
    ]
}
