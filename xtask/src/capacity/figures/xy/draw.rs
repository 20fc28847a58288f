//! Lays a chart out: legend, panels from top to bottom, the shared axis.

use super::{Labels, Look, Panel, Series, Standing, XyChart, marks, references};
use crate::capacity::figures::{
    axis::Resolved,
    canvas::{Anchor, Canvas, FONT, WIDTH},
    frame::{Frame, NAME, TICKS, room_for_ticks},
    ink::{Ink, Tone},
    legend::{self, Entry, Sample},
    place::{self, Obstacles},
    text,
};

/// How high a panel is that has the chart for itself.
const ALONE: f64 = 300.0;
/// How high each of several is.
const STACKED: f64 = 116.0;
/// Room between panels, above the name of the next.
const BETWEEN: f64 = 16.0;
/// Room for names at the ends of lines, at most.
const NAMES: f64 = 170.0;

pub(super) fn canvas(chart: &XyChart) -> Canvas {
    let entries = entries(chart);
    let top = legend::height(&entries);
    let height = if chart.panels.len() < 2 { ALONE } else { STACKED };
    let x = chart.x.resolve(chart.panels.iter().flat_map(Panel::x_values), 8);
    let ticks = if chart.panels.len() < 2 { 7 } else { 4 };
    let ys: Vec<Resolved> =
        chart.panels.iter().map(|panel| panel.y.resolve(panel.y_values(), ticks)).collect();
    let left = room_for_ticks(&ys);
    let width = WIDTH - left - right_room(chart);

    let mut frames: Vec<Frame> = Vec::new();
    for y in ys {
        let above = frames.last().map_or(top, |frame| frame.bottom() + BETWEEN);
        frames.push(Frame { left, top: above + NAME, width, height, x: x.clone(), y });
    }
    let bottom = frames.last().map_or(top, Frame::bottom);
    let mut canvas = Canvas::new(bottom + TICKS + NAME);
    legend::draw(&mut canvas, &entries);
    for (panel, frame) in chart.panels.iter().zip(&frames) {
        draw_panel(&mut canvas, frame, panel, chart.labels);
    }
    if let Some(last) = frames.last() {
        last.draw_x_ticks(&mut canvas);
        last.draw_x_name(&mut canvas, &chart.x);
    }
    canvas
}

fn draw_panel(canvas: &mut Canvas, frame: &Frame, panel: &Panel, labels: Labels) {
    let mut obstacles = Obstacles::default();
    references::draw_ranges(canvas, frame, &panel.references);
    frame.draw_y(canvas, &panel.y);
    references::draw_lines(canvas, frame, &panel.references);
    for series in &panel.series {
        marks::draw_area_and_line(canvas, frame, series, panel.line_ink(series), &mut obstacles);
    }
    frame.draw_floor(canvas);
    for series in &panel.series {
        marks::draw_points(canvas, frame, series, &mut obstacles);
    }
    references::draw_labels(canvas, frame, &panel.references, &mut obstacles);
    if labels == Labels::Direct {
        draw_names(canvas, frame, panel);
    }
}

impl Panel {
    fn series(&self) -> impl Iterator<Item = &Series> {
        self.series.iter()
    }

    /// In what a line goes through the series' points, if one does: in dashes
    /// where there are other lines without markers.
    fn line_ink(&self, series: &Series) -> Option<Ink> {
        let lines = self.series.iter().filter(|other| other.look == Look::Line).count();
        match series.look {
            Look::Points | Look::Band => None,
            Look::Line if 1 < lines => Some(Ink::Dashed(series.tone)),
            Look::Line | Look::LineAndPoints => Some(Ink::Line(series.tone)),
            Look::Model => Some(Ink::Model(series.tone)),
        }
    }

    fn x_values(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| &series.points).map(|point| point.x)
    }

    fn y_values(&self) -> impl Iterator<Item = f64> {
        let of_points = |series: &Series| -> Vec<f64> {
            let ends = |interval: Option<super::Interval>| {
                interval.into_iter().flat_map(|interval| [interval.low, interval.high])
            };
            let middle = |point: &super::Point| (series.look != Look::Band).then_some(point.y);
            let values = |point| middle(point).into_iter().chain(ends(point.interval));
            series.points.iter().flat_map(values).collect()
        };
        let heights = self.references.iter().flat_map(references::heights);
        self.series.iter().flat_map(of_points).chain(heights)
    }
}

/// Names that are in the legend: each once, though it be in many panels.
fn entries(chart: &XyChart) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let all = || {
        let of = |panel| Panel::series(panel).map(move |series| (panel, series));
        chart.panels.iter().flat_map(of)
    };
    for (panel, series) in all() {
        let named_directly = chart.labels == Labels::Direct && series.look.is_measured();
        if series.name.is_empty() || named_directly {
            continue;
        }
        let entry = Entry { name: series.name.clone(), samples: samples(panel, series) };
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    let excluded = |series: &Series| {
        series.look.has_points()
            && series.points.iter().any(|point| point.standing != Standing::Valid)
    };
    if all().any(|(_, series)| excluded(series)) {
        let samples = vec![Sample::Marker(Tone::Blue, Ink::Excluded)];
        entries.push(Entry { name: "not counted".to_owned(), samples });
    }
    // One name that the axis says already needs no legend.
    if entries.len() == 1 && chart.panels.iter().any(|panel| panel.y.label == entries[0].name) {
        entries.clear();
    }
    entries
}

fn samples(panel: &Panel, series: &Series) -> Vec<Sample> {
    let line = panel.line_ink(series).map(Sample::Line);
    let marker = Sample::Marker(series.tone, Ink::Marker(series.tone));
    let marker = series.look.has_points().then_some(marker);
    let swatch = Sample::Swatch(Ink::Band(series.tone));
    let swatch = (series.look == Look::Band).then_some(swatch);
    [swatch, line, marker].into_iter().flatten().collect()
}

fn right_room(chart: &XyChart) -> f64 {
    let least = 18.0;
    if chart.labels == Labels::Legend {
        return least;
    }
    let series = chart.panels.iter().flat_map(|panel| &panel.series);
    let widths = series
        .filter(|series| series.look.is_measured())
        .map(|series| text::width(&text::clean(&series.name), FONT) + 14.0);
    widths.fold(least, f64::max).min(NAMES)
}

/// The series' names beside the ends of their lines.
fn draw_names(canvas: &mut Canvas, frame: &Frame, panel: &Panel) {
    let end = |series: &Series| {
        let mut points = series.points.iter().rev();
        points.find_map(|point| frame.inside(point.x, point.y))
    };
    let named: Vec<(&Series, f64)> = panel
        .series
        .iter()
        .filter(|series| series.look.is_measured() && !series.name.is_empty())
        .filter_map(|series| Some((series, end(series)?.1)))
        .collect();
    let wanted: Vec<f64> = named.iter().map(|(_, y)| *y).collect();
    let heights = place::spread(&wanted, FONT + 3.0, (frame.top, frame.bottom()));
    for ((series, _), y) in named.iter().zip(heights) {
        let name = text::fit(&text::clean(&series.name), FONT, NAMES - 14.0);
        canvas.text((frame.right() + 10.0, y), Anchor::Start, &name, Ink::Label(series.tone));
    }
}
