//! Runs the experiments, and writes what they measured.

mod forget;
mod live;
mod progress;
mod trial;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::Context;
use loadgen::{calibrate::Calibration, provenance::Provenance};

pub use live::Live;
pub use progress::Progress;

use super::{
    experiment::{self, Experiment, Known, Planned, Profile, Tier},
    raw::{Layout, RawRun, SCHEMA_VERSION},
    rig::{self, Place, Programs, Quota},
};
use crate::processes::interrupted;

/// What is measured, and where to.
#[derive(Debug, Clone)]
pub struct Task {
    /// How much.
    pub profile: Profile,
    /// The folder for all of it.
    pub folder: PathBuf,
    /// A relay that is running already, instead of those that are started.
    pub target: Option<Target>,
    /// Some experiments alone, by their numbers; of none, all.
    pub only: Vec<Experiment>,
}

/// A relay that is running already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URL that is requested.
    pub url: String,
    /// More arguments of the load generator: whether that host may be loaded.
    pub permission: Vec<String>,
}

/// Measures, and leaves it in the folder. `say` is told how far it is.
///
/// After each trial `run.json` has all that there is until then.
pub fn measure(task: &Task, mut say: impl FnMut(&Progress)) -> anyhow::Result<RawRun> {
    say(&Progress::Stage("building the release programs"));
    let programs = Programs::build()?;
    let layout = Layout::of(&rig::processors()?);
    fs::create_dir_all(&task.folder)
        .with_context(|| format!("cannot make {}", task.folder.display()))?;
    forget::forget(&task.folder)?;
    let bench = Bench {
        programs,
        folder: task.folder.clone(),
        target: task.target.clone(),
        interrupted: interrupted()?,
    };
    say(&Progress::Stage("calibrating the load generator"));
    let calibration = bench.calibrate(&layout)?;
    let ceiling = calibration.ceiling_rate;
    let mut raw = RawRun {
        schema_version: SCHEMA_VERSION,
        provenance: provenance(),
        relay_version: match task.target {
            Some(_) => "already running".to_owned(),
            None => bench.programs.relay_version()?,
        },
        profile: task.profile.to_string(),
        layout: layout.clone(),
        calibration,
        trials: Vec::new(),
    };
    // Without what this machine cannot do.
    let has_quotas = Quota::is_possible();
    let has_tier = Programs::tier().is_some();
    let possible = |planned: &Planned| {
        (planned.share.is_none() || has_quotas) && (planned.tier == Tier::Private || has_tier)
    };
    let plan = |known| rest(task, &layout, known).into_iter().filter(possible).collect::<Vec<_>>();
    // Its rates are what the others are planned by.
    let first = experiment::first(task.profile, &layout);
    // How long it will take is known before what is found first.
    let expected = plan(Known { highest: ceiling, ceiling });
    let mut clock = progress::Clock::new(first.iter().chain(&expected));
    let mut highest = 0.0_f64;
    for planned in first {
        say(&clock.begins(&planned));
        let throughput = bench.keep(&planned, &mut raw)?;
        highest = highest.max(throughput);
    }
    for planned in plan(Known { highest, ceiling }) {
        say(&clock.begins(&planned));
        bench.keep(&planned, &mut raw)?;
    }
    Ok(raw)
}

fn rest(task: &Task, layout: &Layout, known: Known) -> Vec<Planned> {
    let mut trials = match task.target {
        Some(_) => experiment::of_running(task.profile, layout, known),
        None => experiment::rest(task.profile, layout, known),
    };
    trials.retain(|planned| task.only.is_empty() || task.only.contains(&planned.experiment));
    trials
}

fn provenance() -> Provenance {
    #[expect(clippy::disallowed_methods, reason = "a measurement says when it was made")]
    let now = std::time::SystemTime::now();
    let arguments: Vec<_> = env::args().collect();
    Provenance::collect(now, &arguments, None)
}

/// What everything is measured with.
#[derive(Debug)]
pub struct Bench {
    /// What is started.
    pub programs: Programs,
    /// The folder for all of it.
    pub folder: PathBuf,
    /// A relay that is running already.
    pub target: Option<Target>,
    /// Set by a signal: children are ended, and what was measured stays.
    pub interrupted: Arc<AtomicBool>,
}

impl Bench {
    /// Finds what the generator is good for here, and leaves it in the folder.
    pub fn calibrate(&self, layout: &Layout) -> anyhow::Result<Calibration> {
        let file = self.calibration();
        let mut command = Command::new(&self.programs.loadgen);
        command.args(["calibrate", "--hold", "1s", "--pin", &rig::list(&layout.generator)]);
        // The responder has what the relay will have.
        if let Some(processor) = layout.relay.first() {
            command.args(["--null-pin", &processor.to_string()]);
        }
        command.arg("--out").arg(&file);
        let log = Some(rig::log(&self.folder, "e0", "calibration"));
        // It binds itself and its responder.
        let processors = layout.relay.iter().chain(&layout.generator).copied().collect();
        let mut child = self.programs.start(&command, &Place { processors, log }, &[])?;
        self.wait(&mut child, &[0], &mut || {})
            .context("the load generator cannot be calibrated: is the machine busy?")?;
        Ok(serde_json::from_slice(&fs::read(&file)?)?)
    }

    fn calibration(&self) -> PathBuf {
        self.folder.join("calibration.json")
    }

    /// Runs a trial and keeps what it measured; its answers per second. After it,
    /// `run.json` is whole and has all that there is until then.
    pub fn keep(&self, planned: &Planned, raw: &mut RawRun) -> anyhow::Result<f64> {
        let made = self.run(planned);
        let (trial, summary) = made.with_context(|| {
            format!(
                "{} did not come to its end; what was measured before it is in {folder}, of which \
                 `cargo xtask capacity --from {folder}` makes the report",
                planned.folder(),
                folder = self.folder.display()
            )
        })?;
        raw.trials.push(trial);
        write(&self.folder.join("run.json"), raw)?;
        Ok(summary.steps.iter().map(|step| step.throughput).fold(0.0, f64::max))
    }
}

/// Replaces `file` at once, so that it is whole whatever happens.
fn write(file: &Path, raw: &RawRun) -> anyhow::Result<()> {
    let new = file.with_extension("json.new");
    fs::write(&new, serde_json::to_vec_pretty(raw)?)
        .and_then(|()| fs::rename(&new, file))
        .with_context(|| format!("cannot write {}", file.display()))
}
