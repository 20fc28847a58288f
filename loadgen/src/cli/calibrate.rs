//! `loadgen calibrate`.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, anyhow};
use clap::Args;
use loadgen::{
    affinity,
    calibrate::{self, Calibration},
    number,
    program::Program,
    run::Options,
    summary::Summary,
    target::Target,
};
use rustix::process::Pid;

use super::{Failed, run::load};

#[derive(Debug, Args)]
pub(crate) struct CalibrateArguments {
    /// Connections
    #[arg(long, value_name = "N", default_value = "64")]
    connections: NonZeroU32,

    /// Threads that send
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,

    /// Processors to bind the threads to, as 0,1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pin: Vec<usize>,

    /// Processor to bind the responder to
    #[arg(long, value_name = "N")]
    null_pin: Option<usize>,

    /// File whose bytes are the body of every answer [default: an empty body]
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// How long each rate is held
    #[arg(long, value_name = "D", default_value = "2s", value_parser = number::duration)]
    hold: Duration,

    /// How narrow the result is to be, relatively
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    precision: f64,

    /// File to write the result into, for `loadgen run --calibration`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &CalibrateArguments) -> Result<u8, Failed> {
    let null = Null::start(arguments).map_err(Failed::usage)?;
    let run = |program: Program| -> Result<Summary, Failed> {
        let mut options = Options::new(null.url.clone(), program);
        options.threads = arguments.threads.get();
        options.connections =
            usize::try_from(arguments.connections.get()).map_err(Failed::usage)?;
        options.pin.clone_from(&arguments.pin);
        options.arguments = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
        Ok(load(options, None)?.summary)
    };
    let closed = run(calibrate::closed(arguments.connections))?;
    if closed.exit_code() == 130 {
        return Ok(130);
    }
    let rate = closed.steps.first().map_or(0.0, |step| step.throughput);
    let search = calibrate::search(rate, arguments.hold, arguments.precision);
    let searched = run(search.map_err(Failed::usage)?)?;
    if searched.exit_code() == 130 {
        return Ok(130);
    }
    let Some(calibration) = Calibration::of(&closed, &searched) else {
        let reasons = searched.steps.first().map(|step| step.health.reasons.join("; "));
        let error = anyhow!(
            "even at the lowest rate the generator was the limit ({}): is the machine busy?",
            reasons.unwrap_or_default()
        );
        return Err(Failed { code: 3, error });
    };
    if let Some(path) = &arguments.out {
        let json = serde_json::to_vec_pretty(&calibration).map_err(Failed::own)?;
        fs::write(path, json)
            .with_context(|| format!("cannot write --out {}", path.display()))
            .map_err(Failed::usage)?;
    }
    write!(io::stdout(), "{calibration}").map_err(Failed::own)?;
    Ok(0)
}

/// `loadgen null` as a process of its own, so that its processor time is not
/// the generator's. It ends with this.
struct Null {
    child: Child,
    url: Target,
}

impl Null {
    fn start(arguments: &CalibrateArguments) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe().context("where is this program?")?);
        command.args(["null", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        if let Some(body) = &arguments.body {
            command.arg("--body").arg(body);
        }
        let mut child = command.spawn().context("cannot start the responder")?;
        let stdout = child.stdout.take();
        // From here on it is ended whatever happens.
        let mut null = Self { child, url: "http://127.0.0.1/".parse()? };
        let mut line = String::new();
        BufReader::new(stdout.context("the responder has no output")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("null ").context("the responder did not start")?;
        null.url = address.parse()?;
        if let Some(processor) = arguments.null_pin {
            null.pin_to(processor)
                .with_context(|| format!("cannot bind the responder to processor {processor}"))?;
        }
        Ok(null)
    }

    fn pin_to(&self, processor: usize) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        affinity::pin_to(processor, Some(pid.ok_or(io::ErrorKind::InvalidInput)?))
    }
}

impl Drop for Null {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
