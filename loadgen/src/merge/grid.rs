//! The intervals of several generators on one grid.
//!
//! A step's intervals follow one another from where it begins to settle, anew
//! from where it begins to hold, and again from where its schedule ends. So does
//! the grid, from where the first generator does so, and an interval of another
//! one counts in the cell of its part that its beginning is nearest to: it is
//! moved by half an interval at most. Cells are as long as the interval that the
//! generators were asked for, or the longest of those that they were asked for.

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

/// Where an interval counts: in which of a part's cells, which are numbered
/// from where the first generator begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Settling(u32),
    Holding(u32),
    /// Nothing is due any more.
    Draining(u32),
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
    let grid = Grid { bounds: Bounds::of(step), cell };
    let mut cells: BTreeMap<Cell, Contents<'a>> = BTreeMap::new();
    for made in made {
        let Some(own) = made.source.summary.steps.iter().find(|own| own.index == step.index) else {
            continue;
        };
        let own = Bounds::of(own);
        let place = |at: Duration| grid.place(own, at, made.after + at);
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
        move |(number, contents): (Cell, Contents<'_>)| contents.stretch(step, grid.start(number));
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

/// When a step's parts begin.
#[derive(Clone, Copy)]
struct Bounds {
    settle: Duration,
    hold: Duration,
    drain: Duration,
}

impl Bounds {
    fn of(step: &Step) -> Self {
        let settle = seconds(step.start_seconds);
        let hold = settle.saturating_add(seconds(step.settle_seconds));
        Self { settle, hold, drain: hold.saturating_add(seconds(step.hold_seconds)) }
    }
}

/// Where the cells of a step are.
#[derive(Clone, Copy)]
struct Grid {
    bounds: Bounds,
    cell: Duration,
}

/// Files have times to the millisecond, and two of them are compared.
const ROUNDED: Duration = Duration::from_millis(2);

impl Grid {
    /// Where an interval counts that began `at` by the time of its own run, and
    /// `after` the earliest run began. `own` is when its run's parts did.
    fn place(&self, own: Bounds, at: Duration, after: Duration) -> Cell {
        let number = |from: Duration| {
            let passed = after.saturating_sub(from).saturating_add(self.cell / 2);
            u32::try_from(passed.as_nanos() / self.cell.as_nanos().max(1)).unwrap_or(u32::MAX)
        };
        let rounded = at.saturating_add(ROUNDED);
        if rounded < own.hold {
            Cell::Settling(number(self.bounds.settle))
        } else if rounded < own.drain {
            Cell::Holding(number(self.bounds.hold))
        } else {
            Cell::Draining(number(self.bounds.drain))
        }
    }

    /// When a cell begins.
    fn start(&self, cell: Cell) -> Duration {
        let Bounds { settle, hold, drain } = self.bounds;
        let (from, number) = match cell {
            Cell::Settling(number) => (settle, number),
            Cell::Holding(number) => (hold, number),
            Cell::Draining(number) => (drain, number),
        };
        from.saturating_add(self.cell.saturating_mul(number))
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
