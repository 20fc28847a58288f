//! The project's own tasks: `cargo xtask`.

mod ci;
mod containers;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use xtask::capacity::{
    experiment::{Experiment, Profile},
    findings::objective::Objective,
    measure::{Live, Target, Task as Measurement, measure},
    page::Prose,
    render::{Rendered, render},
    report::{lines, need_line},
};
use xtask::{
    compare::{self, compare},
    processes::{Held, Programs, interrupted},
};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what the tests need (Debian), then format, lints, tests and docs
    Ci,

    #[command(flatten)]
    Containers(containers::Task),

    /// Measure how much the relay can take, and say so
    ///
    /// Builds the released programs, starts a relay over a stand-in upstream
    /// and loads it, all on this machine. The raw data and the report made of
    /// it go into one folder.
    Capacity(CapacityArguments),

    /// Put the relay beside nginx and Varnish: what a request costs, how fast it is answered
    ///
    /// All of them run on this machine, on one processor, and are loaded in turn
    /// from another. Exits with 2 where one of them is not installed.
    #[command(subcommand)]
    Compare(compare::Arguments),

    /// Become a program that ends with the process that starts it: for those above themselves
    #[command(hide = true)]
    Held(Held),
}

#[derive(Debug, Args)]
struct CapacityArguments {
    /// What fits into three minutes
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// Three quarters of an hour instead of one
    #[arg(long)]
    full: bool,

    /// Measure an instance that is already running, by this URL: what a client sees of it
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    target: Option<String>,

    /// The host of --target is another machine, and yours to load
    #[arg(long, requires = "target")]
    i_may_load_this_host: bool,

    /// Measure these experiments alone, such as e6,e8, and concurrency, which they are planned by
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "from")]
    only: Vec<Experiment>,

    /// Measure nothing: make the report of what this folder has anew
    #[arg(long, value_name = "DIR", conflicts_with_all = ["quick", "full", "out"])]
    from: Option<PathBuf>,

    /// Folder for what is measured, and for the report; an earlier measurement in it is replaced
    #[arg(long, value_name = "DIR", default_value = "reports/capacity")]
    out: PathBuf,

    /// Put the run in this folder beside it, with what differs for certain
    #[arg(long, value_name = "DIR")]
    compare: Option<PathBuf>,

    /// Say how many instances serve so many requests per second
    #[arg(long, value_name = "N", value_parser = rate)]
    target_rps: Option<f64>,

    /// Within which time they have to be answered
    #[arg(long, value_name = "OBJECTIVE", default_value = "p99<20ms", requires = "target_rps")]
    slo: Objective,
}

/// A rate as people type it: 1500, 20k.
fn rate(text: &str) -> Result<f64, loadgen::number::NumberError> {
    Ok(loadgen::number::rate(text)?.per_second())
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:?}");
            ExitCode::from(compare::exit_code(&error))
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Ci => ci::run(),
        Task::Containers(task) => containers::run(task),
        Task::Capacity(arguments) => capacity(arguments),
        Task::Compare(arguments) => side_by_side(&arguments),
        Task::Held(held) => held.become_it(),
    }
}

fn side_by_side(arguments: &compare::Arguments) -> anyhow::Result<()> {
    let table = compare(&arguments.task(), Programs::build, interrupted()?, |progress| {
        eprintln!("{progress}");
    })?;
    println!("{}", arguments.print(&table));
    Ok(())
}

fn capacity(arguments: CapacityArguments) -> anyhow::Result<()> {
    let CapacityArguments { quick, full, target, i_may_load_this_host, only, from, out, .. } =
        arguments;
    let folder = if let Some(folder) = from {
        folder
    } else {
        let profile = match (quick, full) {
            (true, _) => Profile::Quick,
            (_, true) => Profile::Full,
            _ => Profile::Default,
        };
        let permission = if i_may_load_this_host {
            ["--i-may-load-this-host", "--max-rate", "unlimited"].map(str::to_owned).to_vec()
        } else {
            Vec::new()
        };
        let target = target.map(|url| Target { url, permission });
        let measurement = Measurement { profile, folder: out.clone(), target, only };
        let live = Live::new();
        measure(&measurement, |progress| live.say(progress))?;
        out
    };
    explain(&folder, arguments.compare.as_deref(), arguments.target_rps, arguments.slo)
}

/// Makes the report and says what is in it. A measurement that contradicts
/// itself is an error, once its report is written.
fn explain(
    folder: &Path,
    compare: Option<&Path>,
    target_rps: Option<f64>,
    slo: Objective,
) -> anyhow::Result<()> {
    let rendered = render(folder, compare)?;
    tell(&rendered, folder);
    if let Some(target) = target_rps {
        println!("{}", sized(&rendered, slo, target)?);
    }
    let failed: Vec<&str> = rendered.findings.failures().map(|check| check.name).collect();
    anyhow::ensure!(
        failed.is_empty(),
        "the measurement contradicts itself, do not rely on it: {} (the report says more)",
        failed.join("; ")
    );
    Ok(())
}

/// The answer, and what differs from another run.
fn tell(rendered: &Rendered, folder: &Path) {
    let answer = &rendered.report.answer;
    println!("{}", answer.claim);
    for fact in &answer.facts {
        println!("  {}: {} ({})", fact.name, fact.value, fact.detail);
    }
    for line in rendered.comparison.iter().flat_map(lines) {
        println!("{line}");
    }
    println!("{}", folder.join("report.html").display());
}

/// How many instances serve a rate within an objective.
fn sized(rendered: &Rendered, slo: Objective, target: f64) -> anyhow::Result<String> {
    let capacity = rendered
        .findings
        .capacity_within(&rendered.loaded, slo)
        .with_context(|| format!("what one instance does with {slo} is not known"))?;
    let line = need_line(&capacity, slo, target).context("nothing follows from a rate of zero")?;
    Ok(Prose::marked(&line).to_string())
}
