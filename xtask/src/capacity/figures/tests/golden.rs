//! Small charts, to the letter. A change here is one to look at in a browser:
//! `cargo run -p xtask --example gallery -- DIRECTORY`.

use super::{about, chart, points};
use crate::capacity::figures::{
    Axis, Bar, BarLook, Bars, Cumulated, Effect, HeatMap, Interval, Labels, Look, Panel, Point,
    Reference, Series, Tone, Tornado, Unit, XyChart, ecdf, percentiles, style_sheet, timeline,
};

#[track_caller]
fn check(name: &str, chart: &super::super::Figure) {
    insta::assert_snapshot!(name, chart.inline());
}

#[test]
fn a_file_has_its_colours_with_it() {
    let figure = chart(vec![], vec![]).figure(&about());
    assert_eq!(figure.file_name(), "fig-f2-x.svg");
    insta::assert_snapshot!("standalone", figure.standalone());
    assert!(figure.standalone().contains(&style_sheet()));
}

#[test]
fn points_lines_and_references() {
    let measured = [
        Point::new(1000.0, 0.002).between(0.001, 0.003),
        Point::new(2000.0, 0.015).between(0.012, 0.03),
        Point::new(3000.0, 0.2).excluded("sent late"),
    ];
    let model = points(&[(500.0, 0.001), (1500.0, 0.005), (3000.0, 5.0)]);
    let band = [
        Point::new(1000.0, 0.002).between(0.001, 0.004),
        Point::new(2000.0, 0.02).between(0.01, 0.04),
    ];
    let series = vec![
        Series::new("band", Tone::Blue, Look::Band, band),
        Series::new("p99", Tone::Orange, Look::LineAndPoints, measured),
        Series::new("model", Tone::Grey, Look::Model, model),
    ];
    let label = |text: &str| text.to_owned();
    let references = vec![
        Reference::Height { y: 0.02, label: label("p99 ≤ 20 ms") },
        Reference::Place { x: 1200.0, label: label("capacity") },
        Reference::Diagonal { label: label("y = x") },
        Reference::Across { from: 1800.0, to: 2200.0, label: label("knee") },
        Reference::Upward { from: 0.001, to: 0.002, label: label("usual") },
        Reference::Beyond { x: 2500.0, label: label("beyond the data") },
    ];
    let figure = chart(series, references).figure(&about());
    check("xy", &figure);
    insta::assert_snapshot!("xy_table", figure.table().to_csv());
}

#[test]
fn names_at_the_ends_of_lines() {
    let line =
        |name: &str, tone, y| Series::new(name, tone, Look::Line, points(&[(0.0, 1.0), (10.0, y)]));
    let series = vec![line("one", Tone::Blue, 5.0), line("two", Tone::Green, 5.1)];
    let y = Axis::linear("in flight", Unit::Count);
    let panels = vec![Panel { y, series, references: vec![] }];
    let x = Axis::linear("cores", Unit::Whole);
    check("direct", &XyChart { x, panels, labels: Labels::Direct }.figure(&about()));
}

#[test]
fn panels_share_their_axis() {
    let panel = |y, tone| Panel {
        y,
        series: vec![Series::new("", tone, Look::Line, points(&[(0.0, 0.01), (60.0, 0.3)]))],
        references: vec![Reference::Across { from: 20.0, to: 40.0, label: "load".to_owned() }],
    };
    let panels = vec![
        panel(Axis::linear("goodput", Unit::Ratio), Tone::Blue),
        panel(Axis::log("p99", Unit::Seconds), Tone::Orange),
    ];
    let figure = timeline(panels).figure(&about());
    check("timeline", &figure);
    insta::assert_snapshot!("timeline_table", figure.table().to_csv());
}

#[test]
fn distributions() {
    let curve = Cumulated {
        name: "5k req/s".to_owned(),
        tone: Tone::Blue,
        quantiles: vec![(0.0, 0.001), (0.5, 0.002), (0.99, 0.02), (0.999, 0.1), (1.0, 0.5)],
    };
    let y = Axis::log("response time", Unit::Seconds);
    check("percentiles", &percentiles(y, &[curve]).figure(&about()));
    let x = Axis::log("lag", Unit::Seconds);
    let samples = [("lag".to_owned(), Tone::Blue, vec![0.003, 0.001, 0.001, f64::NAN, 0.002])];
    check("ecdf", &ecdf(x, &samples, vec![]).figure(&about()));
}

#[test]
fn a_heat_map() {
    let figure = HeatMap {
        x: Axis::linear("time (s)", Unit::Whole),
        y: Axis::log("response time", Unit::Seconds),
        x_edges: vec![0.0, 1.0, 2.0, 3.0],
        y_edges: vec![0.001, 0.01, 0.1],
        counts: vec![vec![10, 0], vec![12, 1], vec![1000, 30]],
        counted: "requests".to_owned(),
    }
    .figure(&about());
    check("heat", &figure);
    insta::assert_snapshot!("heat_table", figure.table().to_csv());
}

#[test]
fn bars() {
    let interval = |low, high| Some(Interval { low, high });
    let effect = |name: &str, change, interval| Effect { name: name.to_owned(), change, interval };
    let tornado = Tornado {
        change: Axis::linear("change", Unit::Change),
        baseline: "as shipped".to_owned(),
        effects: vec![
            effect("no log", 0.01, interval(-0.01, 0.03)),
            effect("no keep-alive", -0.4, interval(-0.45, -0.35)),
            effect("two cores", 0.8, None),
        ],
    };
    check("tornado", &tornado.figure(&about()));
    let bar = |name: &str, value| Bar {
        name: name.to_owned(),
        value,
        interval: interval(value - 0.05, value + 0.05),
        tone: Tone::Blue,
    };
    let bars = Bars {
        things: "cores".to_owned(),
        y: Axis::linear("efficiency", Unit::Ratio),
        bars: vec![bar("1", 1.0), bar("2", 0.9)],
        look: BarLook::Bar,
        heights: vec![(1.0, "perfect".to_owned())],
    };
    check("bars", &bars.figure(&about()));
    check("dots", &Bars { look: BarLook::Dot, ..bars }.figure(&about()));
}
