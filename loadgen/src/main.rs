//! `loadgen`: arguments and exit codes.

mod cli;

use std::{io::Write, process::ExitCode};

use clap::Parser;
use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(arguments) => cli::run::run(*arguments),
        Command::Null(arguments) => cli::null::run(arguments),
        Command::Calibrate(arguments) => cli::calibrate::run(&arguments),
        Command::Merge(arguments) => cli::merge::run(&arguments),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failed) => {
            // Without a place to say it the code alone has to do.
            let _ = writeln!(std::io::stderr(), "Error: {:#}", failed.error);
            ExitCode::from(failed.code)
        }
    }
}
