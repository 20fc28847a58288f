//! Whatever the data: text stays on the sheet, numbers are numbers, text is
//! no markup, and the same chart gives the same bytes.

use proptest::prelude::*;

use crate::capacity::figures::{
    About, Axis, Bar, BarLook, Bars, Effect, Figure, HeatMap, Interval, Labels, Look, Panel, Point,
    Range, Reference, Scale, Series, Standing, Tone, Tornado, Unit, XyChart,
    canvas::{Canvas, WIDTH},
};

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1e4_f64,
        2 => -1.0..1.0_f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX,
            f64::MIN_POSITIVE, 1e-300, 1e15, -1e15]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[a-zµ≤ 0-9]{0,12}",
        1 => any::<String>(),
        1 => prop::sample::select(vec!["<script>alert(1)</script>", "\"' onload=x", "]]>", "&amp;",
            "\u{0}\n\u{1b}", "数数数数数数数数数数数数数数数数数数数数数数数数数数数数数数"])
            .prop_map(str::to_owned),
        1 => Just("W".repeat(300)),
    ]
}

fn interval() -> impl Strategy<Value = Option<Interval>> {
    prop::option::of((number(), number()).prop_map(|(low, high)| Interval { low, high }))
}

fn point() -> impl Strategy<Value = Point> {
    let standing =
        prop_oneof![3 => Just(Standing::Valid), 1 => text().prop_map(Standing::Excluded)];
    (number(), number(), interval(), standing).prop_map(|(x, y, interval, standing)| Point {
        x,
        y,
        interval,
        standing,
    })
}

fn axis() -> impl Strategy<Value = Axis> {
    let unit = prop::sample::select(vec![
        Unit::Count,
        Unit::Whole,
        Unit::Seconds,
        Unit::Ratio,
        Unit::Change,
        Unit::Percentile,
    ]);
    let scale = prop::sample::select(vec![Scale::Linear, Scale::Log]);
    let range = prop_oneof![
        Just(Range::Data),
        Just(Range::FromZero),
        (number(), number()).prop_map(|(from, to)| Range::Between(from, to)),
    ];
    (text(), unit, scale, range).prop_map(|(label, unit, scale, range)| Axis {
        label,
        unit,
        scale,
        range,
    })
}

fn tone() -> impl Strategy<Value = Tone> {
    prop::sample::select(Tone::ALL.to_vec())
}

fn series() -> impl Strategy<Value = Series> {
    let look = prop::sample::select(vec![
        Look::Points,
        Look::LineAndPoints,
        Look::Line,
        Look::Model,
        Look::Band,
    ]);
    (text(), tone(), look, prop::collection::vec(point(), 0..6))
        .prop_map(|(name, tone, look, points)| Series { name, tone, look, points })
}

fn reference() -> impl Strategy<Value = Reference> {
    (0..6, number(), number(), text()).prop_map(|(kind, from, to, label)| match kind {
        0 => Reference::Height { y: from, label },
        1 => Reference::Place { x: from, label },
        2 => Reference::Diagonal { label },
        3 => Reference::Across { from, to, label },
        4 => Reference::Upward { from, to, label },
        _ => Reference::Beyond { x: from, label },
    })
}

fn xy() -> impl Strategy<Value = XyChart> {
    let panel =
        (axis(), prop::collection::vec(series(), 0..4), prop::collection::vec(reference(), 0..4))
            .prop_map(|(y, series, references)| Panel { y, series, references });
    let labels = prop::sample::select(vec![Labels::Legend, Labels::Direct]);
    (axis(), prop::collection::vec(panel, 0..4), labels).prop_map(|(x, panels, labels)| XyChart {
        x,
        panels,
        labels,
    })
}

fn heat() -> impl Strategy<Value = HeatMap> {
    let edges = || prop::collection::vec(number(), 0..6);
    let counts = prop::collection::vec(prop::collection::vec(any::<u64>(), 0..6), 0..6);
    (axis(), axis(), edges(), edges(), counts, text()).prop_map(
        |(x, y, x_edges, y_edges, counts, counted)| HeatMap {
            x,
            y,
            x_edges,
            y_edges,
            counts,
            counted,
        },
    )
}

fn tornado() -> impl Strategy<Value = Tornado> {
    let effect = (text(), number(), interval()).prop_map(|(name, change, interval)| Effect {
        name,
        change,
        interval,
    });
    (axis(), text(), prop::collection::vec(effect, 0..6))
        .prop_map(|(change, baseline, effects)| Tornado { change, baseline, effects })
}

fn bars() -> impl Strategy<Value = Bars> {
    let bar = (text(), number(), interval(), tone())
        .prop_map(|(name, value, interval, tone)| Bar { name, value, interval, tone });
    let look = prop::sample::select(vec![BarLook::Bar, BarLook::Dot]);
    let heights = prop::collection::vec((number(), text()), 0..3);
    (text(), axis(), prop::collection::vec(bar, 0..40), look, heights)
        .prop_map(|(things, y, bars, look, heights)| Bars { things, y, bars, look, heights })
}

/// What has to hold for a chart, drawn twice.
fn check(canvas: &Canvas, draw: impl Fn(&About) -> Figure, words: &str) {
    for ((left, top), (right, bottom), content) in canvas.texts() {
        assert!(-0.01 <= left && right <= WIDTH + 0.01, "{content} from {left} to {right}");
        assert!(-0.01 <= top && bottom <= canvas.height() + 0.01, "{content} at {top}");
    }
    let about =
        About { id: words.to_owned(), finding: words.to_owned(), description: words.to_owned() };
    let figure = draw(&about);
    assert_eq!(figure, draw(&about));
    let svg = figure.standalone();
    for tag in svg.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        let known = [
            "svg", "title", "desc", "style", "g", "rect", "line", "polyline", "polygon", "circle",
            "text",
        ];
        assert!(known.contains(&name), "{tag}");
        for value in tag.split('"').skip(1).step_by(2) {
            assert!(!value.contains("NaN") && !value.contains("inf"), "{tag}");
        }
    }
    let controls = |character: char| character.is_control() && character != '\n';
    assert!(!svg.contains(controls));
    for row in &figure.table().rows {
        assert_eq!(row.len(), figure.table().columns.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn xy_charts_hold(chart in xy(), words in text()) {
        check(&chart.canvas(), |about| chart.figure(about), &words);
    }

    #[test]
    fn heat_maps_hold(map in heat(), words in text()) {
        check(&map.canvas(), |about| map.figure(about), &words);
    }

    #[test]
    fn tornados_hold(tornado in tornado(), words in text()) {
        check(&tornado.canvas(), |about| tornado.figure(about), &words);
    }

    #[test]
    fn bars_hold(bars in bars(), words in text()) {
        check(&bars.canvas(), |about| bars.figure(about), &words);
    }
}
