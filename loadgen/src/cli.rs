//! The command line.

pub(crate) mod arguments;
pub(crate) mod calibrate;
pub(crate) mod merge;
pub(crate) mod null;
mod print;
pub(crate) mod progress;
pub(crate) mod run;

use clap::{Parser, Subcommand};

pub(crate) use print::print;

/// A load generator for HTTP servers that proves its own numbers.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Request one URL at a rate that does not depend on its answers
    ///
    /// Response times are measured from when a request was due, service times
    /// from when it was sent: if all connections are busy the former grow and
    /// the latter do not. A table goes to stdout and, with --out, files into a
    /// folder.
    ///
    /// Exits with 0 when all is well, 1 when something is as --fail-if says,
    /// 2 when the arguments are wrong or the host may not be loaded, 3 when the
    /// generator did not sustain the rate, 4 when the target cannot be reached
    /// or --abort-if ended it, 130 when it was interrupted, 70 on a failure of
    /// its own.
    #[command(args_override_self = true)]
    Run(Box<arguments::RunArguments>),

    /// Answer every request from memory: what HTTP alone costs
    ///
    /// The first line on stdout is the address. SIGTERM and SIGINT end it; the
    /// last line is how many requests there were. With --latency it is a slow
    /// origin for what is between it and its clients.
    #[command(args_override_self = true)]
    Null(null::NullArguments),

    /// Find the highest rate that this generator is good for
    ///
    /// Starts `loadgen null` beside itself and raises the rate until the
    /// generator's own verdict says that it is the limit. `loadgen run
    /// --calibration FILE` then says how near to that a run was.
    #[command(args_override_self = true)]
    Calibrate(calibrate::CalibrateArguments),

    /// Add the runs of several generators that were made together
    ///
    /// Each generator, on this machine or another, runs the same program with a
    /// --shard of its own; their folders are brought to one machine. Histograms
    /// and counters add up without loss, intervals to within half of one, and
    /// what --fail-if asked for is looked at anew. A search cannot be merged, nor
    /// can shards that are the same, or parts of another number. Generators that
    /// had no --shard each sent the whole program, and their rates add up.
    ///
    /// Exits as `run` does, by what all of them came to: with 2 when the runs
    /// do not belong together.
    #[command(args_override_self = true)]
    Merge(merge::MergeArguments),
}

/// Why a command did nothing, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl Failed {
    /// What the user can mend.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// What the user cannot (`EX_SOFTWARE` of `sysexits.h`).
    pub(crate) fn own(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 70, error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Cli::command().debug_assert();
    }
}
