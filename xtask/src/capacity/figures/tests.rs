//! What holds for every chart: small ones are compared to the letter, and
//! hostile ones must not break out.

mod golden;
mod hostile;

use super::{About, Axis, Labels, Panel, Point, Reference, Series, Unit, XyChart};

/// The feature that asks for it comes with one careless dependency on
/// plotters, and then every build needs fontconfig.
#[test]
fn no_fonts_are_linked() {
    let lock = include_str!("../../../../Cargo.lock");
    assert!(lock.contains("name = \"plotters\""));
    assert!(!lock.contains("name = \"font-kit\""), "some crate uses plotters' default features");
}

fn about() -> About {
    About {
        id: "F2 <x>".to_owned(),
        finding: "p99 ≤ 20 ms & nothing is \"lost\".".to_owned(),
        description: "Points <rise>.".to_owned(),
    }
}

fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
    pairs.iter().map(|(x, y)| Point::new(*x, *y)).collect()
}

fn chart(series: Vec<Series>, references: Vec<Reference>) -> XyChart {
    let y = Axis::log("response time", Unit::Seconds);
    XyChart {
        x: Axis::linear("rate (req/s)", Unit::Count),
        panels: vec![Panel { y, series, references }],
        labels: Labels::Legend,
    }
}
