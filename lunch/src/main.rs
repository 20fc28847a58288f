//! `lunch`: where to eat what.

use std::process::ExitCode;

fn main() -> ExitCode {
    lunch::cli::main()
}
