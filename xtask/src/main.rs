//! The project's own tasks: `cargo xtask`.

mod ci;
mod containers;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xtask::capacity::{
    experiment::Profile,
    measure::{Target, Task as Measurement, measure},
    render::render,
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

    /// Measure nothing: make the report of what this folder has anew
    #[arg(long, value_name = "DIR", conflicts_with_all = ["quick", "full", "out"])]
    from: Option<PathBuf>,

    /// Folder for what is measured, and for the report
    #[arg(long, value_name = "DIR", default_value = "reports/capacity")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::Containers(task) => containers::run(task),
        Task::Capacity(arguments) => capacity(arguments),
    }
}

fn capacity(arguments: CapacityArguments) -> anyhow::Result<()> {
    let CapacityArguments { quick, full, target, i_may_load_this_host, from, out } = arguments;
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
        let measurement = Measurement { profile, folder: out.clone(), target };
        measure(&measurement, |progress| eprintln!("{progress}"))?;
        out
    };
    let report = render(&folder)?;
    println!("{}", report.answer.claim);
    for fact in &report.answer.facts {
        println!("  {}: {} ({})", fact.name, fact.value, fact.detail);
    }
    println!("{}", folder.join("report.html").display());
    Ok(())
}
