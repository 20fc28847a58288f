//! The project's own tasks: `cargo xtask`.

mod ci;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xtask::capacity::{experiment::Profile, measure::measure};

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

    /// Measure how much the relay can take
    ///
    /// Builds the released programs, starts a relay over a stand-in upstream
    /// and loads it, all on this machine; the raw data goes into a folder.
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

    /// Folder for what was measured
    #[arg(long, value_name = "DIR", default_value = "reports/capacity")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::Capacity(CapacityArguments { quick, full, out }) => {
            let profile = match (quick, full) {
                (true, _) => Profile::Quick,
                (_, true) => Profile::Full,
                _ => Profile::Default,
            };
            measure(profile, &out, |step| eprintln!("{step}"))?;
            println!("measured: {}", out.join("run.json").display());
            Ok(())
        }
    }
}
