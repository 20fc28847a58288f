//! What was recorded, as files that other programs read too.
//!
//! [`hlog`] keeps every interval's histogram, so that any quantile of any
//! stretch of a run can be had later; [`hgrm`] is one distribution as text, and
//! [`tables`] are intervals and steps as CSV. [`Files`] writes them all while a
//! run goes on, so that what was measured is there however it ends.

pub mod hgrm;
pub mod hlog;
pub mod tables;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use thiserror::Error;

use crate::{
    provenance::{self, Provenance},
    record::{Clock, Record, Tag},
    run::{Event, Interval},
    summary::{Step, Summary},
};
use hlog::{HlogWriter, Scope};
use tables::{IntervalRow, Part, Place, Table};

/// The files of a run, in one folder.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    open: Option<Open>,
}

/// Those that are written as the run goes on.
#[derive(Debug)]
struct Open {
    /// In one word.
    provenance: String,
    hlog: HlogWriter<File>,
    intervals: Table<File>,
    steps: Table<File>,
    total: Record,
}

/// What was recorded in a part of a step, and its rows of `intervals.csv`.
#[derive(Debug)]
pub struct Stretch<'a> {
    /// When it began, since the run did.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
    /// What was due while the step settled.
    pub settle: &'a Record,
    /// What was due while it held.
    pub hold: &'a Record,
    /// For each of them that there is.
    pub rows: Vec<IntervalRow>,
}

impl<'a> Stretch<'a> {
    fn of(interval: &Interval<'a>) -> Self {
        let Interval { step, rate, start, length, settle, hold, in_flight } = *interval;
        let parts = [(Part::Settle, settle), (Part::Hold, hold)];
        let rows =
            parts.into_iter().filter(|(_, record)| !record.is_empty()).map(|(part, record)| {
                let place = Place { step, part, rate, start, length };
                IntervalRow::of(place, record, in_flight)
            });
        Self { start, length, settle, hold, rows: rows.collect() }
    }
}

/// A file that could not be written.
#[derive(Debug, Error)]
#[error("cannot write {}", .path.display())]
pub struct FileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Files {
    /// The folder for them; it is made where it is not there. What an older run
    /// has left in it stays until this one begins.
    pub fn new(folder: &Path) -> Result<Self, FileError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| FileError { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        // What cannot be written is better known before the run than after it.
        for path in ours(folder).map_err(failed(folder))? {
            File::options().append(true).open(&path).map_err(failed(&path))?;
        }
        let probe = folder.join("summary.json.tmp");
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(failed(&probe))?;
        Ok(Self { folder: folder.to_owned(), open: None })
    }

    /// Writes what `event` tells.
    pub fn observe(&mut self, event: &Event<'_>) -> Result<(), FileError> {
        match event {
            Event::Countdown(_) | Event::StepBegins(..) => Ok(()),
            Event::Begins(begins) => {
                self.begin(begins.started, std::slice::from_ref(&begins.provenance))
            }
            Event::Interval(interval) => self.stretch(&Stretch::of(interval)),
            Event::StepEnded(step, record) => self.step(step, record),
        }
    }

    /// Begins the files of what began at `started` and was made as `provenance`
    /// says. What has a name of theirs is replaced, so nothing of an older run is
    /// left among them.
    pub fn begin(
        &mut self,
        started: SystemTime,
        provenance: &[Provenance],
    ) -> Result<(), FileError> {
        let folder = |source| FileError { path: self.folder.clone(), source };
        for path in ours(&self.folder).map_err(folder)? {
            fs::remove_file(&path).map_err(|source| FileError { path, source })?;
        }
        let comments = provenance::comment_lines(provenance);
        let hlog = self.create("run.hlog")?;
        let hlog = HlogWriter::new(hlog, started, &comments)
            .map_err(|source| self.failed("run.hlog", source))?;
        let intervals = Table::new(self.create("intervals.csv")?, &comments)
            .map_err(|source| self.failed("intervals.csv", source))?;
        let steps = Table::new(self.create("steps.csv")?, &comments)
            .map_err(|source| self.failed("steps.csv", source))?;
        let provenance = provenance::one_word(provenance);
        self.open = Some(Open { provenance, hlog, intervals, steps, total: Record::prepared() });
        Ok(())
    }

    /// Writes what was recorded in a part of the step that is under way.
    pub fn stretch(&mut self, stretch: &Stretch<'_>) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let Stretch { start, length, settle, hold, rows } = stretch;
        let written = open
            .hlog
            .write(&Scope::Settle, *start, *length, settle)
            .and_then(|()| open.hlog.write(&Scope::Interval, *start, *length, hold));
        written.map_err(|source| self.failed("run.hlog", source))?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let written = rows.iter().try_for_each(|row| open.intervals.write(row));
        written.map_err(|source| self.failed("intervals.csv", source))
    }

    /// Writes a step that has ended, and what was recorded while it held.
    pub fn step(&mut self, step: &Step, record: &Record) -> Result<(), FileError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.total.add(record);
        let start = seconds(step.start_seconds + step.settle_seconds);
        let length = seconds(step.hold_seconds);
        let written = open.hlog.write(&Scope::Step(step.index), start, length, record);
        written.map_err(|source| self.failed("run.hlog", source))?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let written = open.steps.write(&tables::step_row(step));
        let provenance = open.provenance.clone();
        written.map_err(|source| self.failed("steps.csv", source))?;
        // In a closed model there are no response times.
        let clock = [Clock::Response, Clock::Service].map(Tag::all);
        if let Some(times) = clock.iter().find_map(|tag| record.times(*tag)) {
            let name = format!("step-{:03}.hgrm", step.index);
            let mut text = Vec::new();
            hgrm::write(&mut text, times, &provenance)
                .and_then(|()| fs::write(self.folder.join(&name), text))
                .map_err(|source| self.failed(&name, source))?;
        }
        Ok(())
    }

    /// Writes what all came to, and closes the files.
    pub fn finish(mut self, summary: &Summary) -> Result<(), FileError> {
        if let Some(mut open) = self.open.take() {
            let length = seconds(summary.run.lasted_seconds);
            open.hlog
                .write(&Scope::Total, Duration::ZERO, length, &open.total)
                .map_err(|source| self.failed("run.hlog", source))?;
        }
        write_summary(&self.folder, summary)
    }

    fn create(&self, name: &str) -> Result<File, FileError> {
        File::create(self.folder.join(name)).map_err(|source| self.failed(name, source))
    }

    fn failed(&self, name: &str, source: io::Error) -> FileError {
        FileError { path: self.folder.join(name), source }
    }
}

/// Writes `summary.json` into `folder`: whole, or not at all.
pub fn write_summary(folder: &Path, summary: &Summary) -> Result<(), FileError> {
    let (draft, path) = (folder.join("summary.json.tmp"), folder.join("summary.json"));
    let write = || {
        let mut file = BufWriter::new(File::create(&draft)?);
        serde_json::to_writer_pretty(&mut file, summary)?;
        file.write_all(b"\n")?;
        file.into_inner()?.sync_all()?;
        fs::rename(&draft, &path)
    };
    write().map_err(|source| FileError { path: path.clone(), source })
}

/// The files in `folder` that have a name of a run's.
fn ours(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let name =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(is_ours);
    paths.filter(|path| path.as_ref().map_or(true, name)).collect()
}

fn is_ours(name: &str) -> bool {
    let step = name.strip_prefix("step-").and_then(|rest| rest.strip_suffix(".hgrm"));
    step.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        || ["run.hlog", "summary.json", "summary.json.tmp", "steps.csv", "intervals.csv"]
            .contains(&name)
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
