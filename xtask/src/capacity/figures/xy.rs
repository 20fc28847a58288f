//! Charts of one measure, or several above each other, against another.

mod draw;
mod marks;
mod references;
mod rows;

use serde::Serialize;

use super::{About, Figure, axis::Axis, ink::Tone};

/// Panels above each other that share their horizontal axis.
///
/// Two measures with different scales are two panels: a second scale in one
/// panel makes lines cross where the scales, not the data, say so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct XyChart {
    /// The horizontal axis.
    pub x: Axis,
    /// What is drawn over it, from top to bottom.
    pub panels: Vec<Panel>,
    /// Where the series' names are.
    pub labels: Labels,
}

/// Where the series' names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Labels {
    /// Above the chart.
    Legend,
    /// At the right end of each line, where no colour has to be looked up.
    Direct,
}

/// One vertical axis with what is drawn over it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panel {
    /// The vertical axis.
    pub y: Axis,
    /// The data, from back to front.
    pub series: Vec<Series>,
    /// What the data are held against.
    pub references: Vec<Reference>,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// What they are called.
    pub name: String,
    /// Their colour, dash and marker.
    pub tone: Tone,
    /// How they are drawn.
    pub look: Look,
    /// The points, from left to right.
    pub points: Vec<Point>,
}

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// A marker for each point, with its interval.
    Points,
    /// The same, with a line through those that count.
    LineAndPoints,
    /// A line, in the tone's dashes.
    Line,
    /// A dashed thin line: what a model says.
    Model,
    /// The area of the points' intervals.
    Band,
}

/// A value, and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// Between what the value is likely to be.
    pub interval: Option<Interval>,
    /// Whether it counts.
    pub standing: Standing,
}

/// Between what a value is likely to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Whether a measurement counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It does.
    Valid,
    /// It does not, for this reason. It is shown all the same, hollow and grey.
    Excluded(String),
}

/// What data are held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// A height: an objective.
    Height {
        /// On the vertical axis.
        y: f64,
        /// What it is.
        label: String,
    },
    /// A place along the horizontal axis: a capacity.
    Place {
        /// On the horizontal axis.
        x: f64,
        /// What it is.
        label: String,
    },
    /// Where both axes have the same value.
    Diagonal {
        /// What it is.
        label: String,
    },
    /// A range of the horizontal axis: the knee, or a phase.
    Across {
        /// From this value,
        from: f64,
        /// to this one.
        to: f64,
        /// What it is.
        label: String,
    },
    /// A range of the vertical axis: a tolerance.
    Upward {
        /// From this value,
        from: f64,
        /// to this one.
        to: f64,
        /// What it is.
        label: String,
    },
    /// All to the right of a place: beyond the data.
    Beyond {
        /// On the horizontal axis.
        x: f64,
        /// What it is.
        label: String,
    },
}

impl Point {
    /// A value that counts.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, interval: None, standing: Standing::Valid }
    }

    /// The same value with the interval in which it is likely to be.
    #[must_use]
    pub fn between(self, low: f64, high: f64) -> Self {
        Self { interval: Some(Interval { low, high }), ..self }
    }

    /// The same value, not to be counted.
    #[must_use]
    pub fn excluded(self, reason: impl Into<String>) -> Self {
        Self { standing: Standing::Excluded(reason.into()), ..self }
    }
}

impl Series {
    /// Points under a name.
    pub fn new(
        name: impl Into<String>,
        tone: Tone,
        look: Look,
        points: impl IntoIterator<Item = Point>,
    ) -> Self {
        Self { name: name.into(), tone, look, points: points.into_iter().collect() }
    }
}

impl XyChart {
    /// Draws the chart.
    pub fn figure(&self, about: &About) -> Figure {
        Figure::new(about, &draw::canvas(self), rows::table(self))
    }

    #[cfg(test)]
    pub(super) fn canvas(&self) -> super::canvas::Canvas {
        draw::canvas(self)
    }
}
