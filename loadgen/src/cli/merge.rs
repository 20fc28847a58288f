//! `loadgen merge`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use loadgen::{
    merge::{self, Contents, MergeError, Merged, Source},
    output::{FileError, Files, Stretch},
};

use super::{Failed, arguments::Format, print};

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// Folders that `loadgen run --out` wrote, one of each generator
    #[arg(value_name = "DIR", required = true)]
    runs: Vec<PathBuf>,

    /// The URL that all of them together are said to have requested, where each had a target of
    /// its own, as several instances of one service
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Folder for the same files of all of them together
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// What is printed on stdout
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    print: Format,
}

pub(crate) fn run(arguments: &MergeArguments) -> Result<u8, Failed> {
    let sources = sources(arguments).map_err(Failed::usage)?;
    let merged = merge::merge(sources).map_err(|error| match error {
        MergeError::Miscounted(error) => Failed::own(error),
        error => Failed::usage(error),
    })?;
    for warning in &merged.warnings {
        // What is merged is all the same what it is.
        let _ = writeln!(io::stderr(), "Warning: {warning}");
    }
    let files = Files::new(&arguments.out).map_err(Failed::usage)?;
    write(files, &merged).map_err(Failed::own)?;
    print(&merged.summary, arguments.print)?;
    Ok(merged.summary.exit_code())
}

fn sources(arguments: &MergeArguments) -> anyhow::Result<Vec<Source>> {
    // Where it is not there yet, it is none of them.
    let out = fs::canonicalize(&arguments.out).ok();
    let read = |folder: &PathBuf| {
        if out.is_some() && fs::canonicalize(folder).ok() == out {
            bail!(
                "--out {} is one of the runs to merge, whose files would be replaced: choose \
                 another folder",
                folder.display()
            );
        }
        let mut source = source(folder)?;
        if let Some(url) = &arguments.url {
            source.summary.run.url.clone_from(url);
        }
        Ok(source)
    };
    arguments.runs.iter().map(read).collect()
}

fn source(folder: &Path) -> anyhow::Result<Source> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| {
            format!("cannot read {}: give a folder that `loadgen run --out` wrote", path.display())
        })
    };
    let [summary, log, intervals] = [
        // A run that is still going on, or was killed, has none.
        read("summary.json")?,
        read("run.hlog")?,
        read("intervals.csv")?,
    ];
    let contents = Contents { summary: &summary, log: &log, intervals: &intervals };
    Ok(Source::read(&folder.display().to_string(), contents)?)
}

fn write(mut files: Files, merged: &Merged) -> Result<(), FileError> {
    files.begin(merged.started, &merged.summary.provenance)?;
    for (index, (step, hold)) in merged.summary.steps.iter().zip(&merged.holds).enumerate() {
        for stretch in merged.stretches(index) {
            let merge::Stretch { start, length, settle, hold, rows } = &stretch;
            let (start, length, rows) = (*start, *length, rows.clone());
            files.stretch(&Stretch { start, length, settle, hold, rows })?;
        }
        files.step(step, hold)?;
    }
    files.finish(&merged.summary)
}
