//! The arguments of `loadgen run`, and what they ask for.

mod connections;
mod program;
mod requests;

use std::{
    env, fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use loadgen::{
    calibrate::Calibration,
    condition::Condition,
    dispatch::LatePolicy,
    number,
    run::{Goal, Options},
    schedule::{Rate, Shard},
    target::{Permission, Target},
};

use connections::ConnectionArguments;
use program::ProgramArguments;
use requests::RequestArguments;
pub(crate) use requests::header;

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// What to request: http://host:port/path
    url: Target,

    #[command(flatten)]
    program: ProgramArguments,

    /// What becomes of requests that are late: send, or drop-after=50ms
    #[arg(long, value_name = "POLICY", default_value = "send", value_parser = late_policy,
        help_heading = "Load")]
    late_policy: LatePolicy,

    /// Send part K of N of the requests, K from 0: for several generators at once
    #[arg(long, value_name = "K/N", default_value = "0/1", value_parser = shard,
        help_heading = "Load")]
    shard: Shard,

    #[command(flatten)]
    connections: ConnectionArguments,

    #[command(flatten)]
    requests: RequestArguments,

    /// Exit with 1 if this is so of a step, as 'p99>50ms' or 'errors>1% @rate<=2k'
    #[arg(long, value_name = "CONDITION", value_parser = of_a_step, help_heading = "Demands")]
    fail_if: Vec<Condition>,

    /// End the run when this is so, as 'errors>5% for 3s'
    #[arg(long, value_name = "CONDITION", help_heading = "Demands")]
    abort_if: Vec<Condition>,

    /// What `loadgen calibrate` has written: a rate near the ceiling is suspect
    #[arg(long, value_name = "FILE", help_heading = "Demands")]
    calibration: Option<PathBuf>,

    /// Folder for summary.json, run.hlog, steps.csv, intervals.csv and step-*.hgrm
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub(crate) out: Option<PathBuf>,

    /// What is printed on stdout at the end
    #[arg(
        long,
        value_enum,
        default_value = "table",
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub(crate) print: Format,

    /// How long an interval of run.hlog and intervals.csv is
    #[arg(long, value_name = "D", default_value = "1s", value_parser = number::duration,
        help_heading = "Output")]
    interval: Duration,

    /// The host is another machine, and yours to load
    #[arg(long, help_heading = "Safety")]
    i_may_load_this_host: bool,

    /// The highest rate at another machine, or `unlimited`
    #[arg(long, value_name = "R", default_value = "100", value_parser = cap, help_heading = "Safety")]
    max_rate: Cap,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// What summary.json has
    Json,
}

#[derive(Debug, Clone, Copy)]
enum Cap {
    At(Rate),
    Unlimited,
}

impl RunArguments {
    /// What they ask for; files that they name are read.
    pub(crate) fn options(self) -> anyhow::Result<Options> {
        if self.interval < Duration::from_millis(10) {
            bail!("--interval is 10ms at least");
        }
        let permission = match self.max_rate {
            _ if !self.i_may_load_this_host => Permission::LoopbackOnly,
            Cap::At(rate) => Permission::UpTo(rate),
            Cap::Unlimited => Permission::Unlimited,
        };
        let seed = self.program.seed();
        let (protocol, connections) = self.connections.protocol(self.program.users())?;
        Ok(Options {
            target: self.url,
            permission,
            protocol,
            connections,
            threads: self.connections.threads.get(),
            reuse: self.connections.reuse(),
            trust: self.connections.trust()?,
            pin: self.connections.pin,
            resolve: self.connections.resolve,
            unix_socket: self.connections.unix_socket,
            sources: self.connections.source,
            headers: self.requests.headers(),
            body: self.requests.body()?,
            expected: self.requests.expected()?,
            timeouts: self.requests.timeouts(),
            method: self.requests.method,
            drain: self.requests.drain,
            program: self.program.program(seed)?,
            goal: self.program.goal().map_or(Goal::OwnCeiling, Goal::Slo),
            late: self.late_policy,
            shard: self.shard,
            interval: self.interval,
            fail_if: self.fail_if,
            abort_if: self.abort_if,
            ceiling: match &self.calibration {
                Some(path) => Some(ceiling(path, self.connections.threads)?),
                None => None,
            },
            arguments: env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            seed: self.program.is_random().then_some(seed),
        })
    }
}

/// The bytes of the file that `flag` names.
fn read(flag: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {flag} {}", path.display()))
}

/// The ceiling of a generator of as many threads. Connections make little
/// difference to it.
fn ceiling(path: &Path, threads: NonZeroUsize) -> anyhow::Result<f64> {
    let calibration: Calibration = serde_json::from_slice(&read("--calibration", path)?)
        .with_context(|| {
            format!("--calibration {} is not what `loadgen calibrate` writes", path.display())
        })?;
    let count = |threads: usize| number::plural(threads as u64, "thread");
    if calibration.threads != threads.get() {
        bail!(
            "--calibration {} is of {}, and this run has {}: calibrate again with --threads {threads}",
            path.display(),
            count(calibration.threads),
            count(threads.get())
        );
    }
    Ok(calibration.ceiling_rate)
}

/// A condition of a whole step.
fn of_a_step(text: &str) -> anyhow::Result<Condition> {
    let condition: Condition = text.parse()?;
    if condition.lasting().is_some() {
        bail!("it is asked of a whole step: leave out `for …`, which --abort-if has");
    }
    Ok(condition)
}

fn late_policy(text: &str) -> anyhow::Result<LatePolicy> {
    match text.split_once('=') {
        None if text == "send" => Ok(LatePolicy::Send),
        Some(("drop-after", limit)) => Ok(LatePolicy::DropAfter(number::duration(limit)?)),
        _ => bail!("it is send, or as drop-after=50ms"),
    }
}

fn shard(text: &str) -> anyhow::Result<Shard> {
    let (index, of) = text.split_once('/').context("it looks like 0/2")?;
    Ok(Shard::new(index.parse()?, of.parse()?)?)
}

fn cap(text: &str) -> anyhow::Result<Cap> {
    if text == "unlimited" { Ok(Cap::Unlimited) } else { Ok(Cap::At(number::rate(text)?)) }
}
