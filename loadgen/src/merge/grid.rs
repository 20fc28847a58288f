//! The intervals of several generators on one grid.
//!
//! A step's intervals follow one another from where it begins to hold, and end
//! there while it settles. So does the grid, from where the first generator
//! begins to hold, and an interval of another one counts in the cell that its
//! beginning is nearest to: it is moved by half an interval at most. Cells are
//! as long as the interval that the generators were asked for, or the longest of
//! those that they were asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Logged, Made, Source};
use crate::{
    output::{
        hlog::Scope,
        tables::{IntervalRow, Part, Place},
    },
    record::Record,
    summary::Step,
};

/// What was recorded in a cell.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// When it begins, since the earliest start.
    pub start: Duration,
    /// How long the longest interval in it is.
    pub length: Duration,
    /// What was due while the step settled: times alone.
    pub settle: Record,
    /// What was due while it held: times alone.
    pub hold: Record,
    /// Its rows of `intervals.csv`, which have the counters.
    pub rows: Vec<IntervalRow>,
}

/// What counts in a cell, not yet added: histograms of all cells at once would
/// take much memory.
#[derive(Default)]
struct Contents<'a> {
    lines: Vec<&'a Logged>,
    rows: Vec<&'a IntervalRow>,
}

/// The intervals of what has become `step`.
pub(super) fn stretches<'a>(
    made: &[Made<'a>],
    step: &'a Step,
) -> impl Iterator<Item = Stretch> + use<'a> {
    let cell = made.iter().map(|made| interval(made.source)).max().unwrap_or_default();
    let grid = Grid::of(step, cell);
    let mut cells: BTreeMap<i64, Contents<'a>> = BTreeMap::new();
    for made in made {
        let place = |at: Duration| grid.place(made.after + at);
        for line in lines(made.source, step.index) {
            cells.entry(place(line.start)).or_default().lines.push(line);
        }
        for row in &made.source.intervals {
            let of = row.place();
            if of.step == step.index {
                cells.entry(place(of.start)).or_default().rows.push(row);
            }
        }
    }
    let stretch =
        move |(number, contents): (i64, Contents<'_>)| contents.stretch(step, grid.start(number));
    cells.into_iter().map(stretch)
}

impl Contents<'_> {
    fn stretch(self, step: &Step, start: Duration) -> Stretch {
        let Self { lines, rows } = self;
        let (mut settle, mut hold) = (Record::new(), Record::new());
        for line in &lines {
            let record = if line.scope == Scope::Settle { &mut settle } else { &mut hold };
            record.times_mut(line.tag).add(&line.times());
        }
        // The log has it to the millisecond.
        let length = rows.iter().map(|row| row.place().length).max();
        let length = length.or_else(|| lines.iter().map(|line| line.length).max());
        let length = length.unwrap_or_default();
        let row = |(part, record): (Part, &Record)| {
            let mut of = rows.iter().copied().filter(|row| row.place().part == part).peekable();
            of.peek()?;
            let place = Place { step: step.index, part, rate: step.rate, start, length };
            Some(IntervalRow::sum(place, of, record))
        };
        let rows = [(Part::Settle, &settle), (Part::Hold, &hold)].into_iter().filter_map(row);
        Stretch { start, length, rows: rows.collect(), settle, hold }
    }
}

/// Where the cells of a step are: whole ones before and after the moment from
/// which it holds.
#[derive(Clone, Copy)]
struct Grid {
    start: Duration,
    hold: Duration,
    cell: Duration,
}

impl Grid {
    fn of(step: &Step, cell: Duration) -> Self {
        let start = seconds(step.start_seconds);
        Self { start, hold: start.saturating_add(seconds(step.settle_seconds)), cell }
    }

    /// The number of the cell whose beginning is nearest to `at`.
    fn place(&self, at: Duration) -> i64 {
        let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        let cell = nanos(self.cell).max(1);
        let number = (nanos(at) - nanos(self.hold) + cell / 2).div_euclid(cell);
        i64::try_from(number).unwrap_or(i64::MAX)
    }

    /// When a cell begins: the first may begin before the step does.
    fn start(&self, number: i64) -> Duration {
        let cells = u32::try_from(number.unsigned_abs()).unwrap_or(u32::MAX);
        let cells = self.cell.saturating_mul(cells);
        let start = if number < 0 {
            self.hold.saturating_sub(cells)
        } else {
            self.hold.saturating_add(cells)
        };
        start.max(self.start)
    }
}

/// The intervals in the log of step `index`. A line does not say of which step
/// it is: of the last one that had begun, and a step's own lines follow its
/// last interval.
fn lines(source: &Source, index: u32) -> impl Iterator<Item = &Logged> {
    let steps = &source.summary.steps;
    let mut next = 0;
    source.log.lines.iter().filter(move |line| match line.scope {
        Scope::Interval | Scope::Settle => {
            let begun = steps.iter().rev().find(|step| seconds(step.start_seconds) <= line.start);
            begun.map_or(0, |step| step.index).max(next) == index
        }
        Scope::Step(ended) => {
            next = ended + 1;
            false
        }
        Scope::Total => false,
    })
}

/// The interval that was asked for: as long as most are. A step's last one may
/// be of any length.
fn interval(source: &Source) -> Duration {
    let stretches: BTreeSet<_> = source
        .log
        .lines
        .iter()
        .filter(|line| line.scope == Scope::Interval)
        .map(|line| (line.start, line.length))
        .collect();
    let mut lengths: BTreeMap<Duration, usize> = BTreeMap::new();
    for (_, length) in stretches {
        *lengths.entry(length).or_default() += 1;
    }
    let most = lengths.into_iter().max_by_key(|(length, count)| (*count, *length));
    most.map_or(Duration::from_secs(1), |(length, _)| length.max(Duration::from_millis(1)))
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
