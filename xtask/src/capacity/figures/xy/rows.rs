//! The numbers of a chart, as rows.

use super::{Interval, Point, Series, Standing, XyChart};
use crate::capacity::figures::{
    axis::Axis,
    table::{Column, Table},
};

pub(super) fn table(chart: &XyChart) -> Table {
    let points = || chart.panels.iter().flat_map(|panel| &panel.series).flat_map(|s| &s.points);
    let shown = Shown {
        panels: chart.panels.len() != 1,
        intervals: points().any(|point| point.interval.is_some()),
        notes: points().any(|point| point.standing != Standing::Valid),
    };
    let mut columns = vec![Column::words("series"), Column::numbers(chart.x.column())];
    if shown.panels {
        columns.insert(0, Column::words("measure"));
    }
    columns.push(Column::numbers(match &chart.panels[..] {
        [panel] => panel.y.column(),
        _ => "value".to_owned(),
    }));
    if shown.intervals {
        columns.extend([Column::numbers("low"), Column::numbers("high")]);
    }
    if shown.notes {
        columns.push(Column::words("not counted because"));
    }
    let mut rows = Vec::new();
    for panel in &chart.panels {
        for series in &panel.series {
            let of = |point| row(&shown, chart, &panel.y, series, point);
            rows.extend(series.points.iter().map(of));
        }
    }
    Table { columns, rows }
}

/// Which columns there are.
struct Shown {
    panels: bool,
    intervals: bool,
    notes: bool,
}

fn row(shown: &Shown, chart: &XyChart, y: &Axis, series: &Series, point: &Point) -> Vec<String> {
    let mut cells = vec![series.name.clone(), chart.x.unit.cell(point.x), y.unit.cell(point.y)];
    if shown.panels {
        cells.insert(0, y.column());
    }
    if shown.intervals {
        cells.extend(match point.interval {
            Some(Interval { low, high }) => [y.unit.cell(low), y.unit.cell(high)],
            None => [String::new(), String::new()],
        });
    }
    if shown.notes {
        cells.push(match &point.standing {
            Standing::Valid => String::new(),
            Standing::Excluded(reason) => reason.clone(),
        });
    }
    cells
}
