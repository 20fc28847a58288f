//! Runs the experiments, and writes what they measured.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use loadgen::{calibrate::Calibration, provenance::Provenance, summary::Summary};

use super::{
    experiment::{self, Planned, Profile},
    raw::{Counters, Layout, RawRun, SCHEMA_VERSION, Trial},
    rig::{self, Programs, Rig, Sampler, Upstream},
};

/// Measures all of `profile`, and leaves it in `folder`. `say` is told how far
/// it is.
pub fn measure(
    profile: Profile,
    folder: &Path,
    mut say: impl FnMut(&str),
) -> anyhow::Result<RawRun> {
    say("building the release programs");
    let programs = Programs::build()?;
    let layout = Layout::of(&rig::processors()?);
    let bench = Bench { programs, layout, folder: folder.to_owned() };
    fs::create_dir_all(&bench.folder)
        .with_context(|| format!("cannot make {}", bench.folder.display()))?;
    say("calibrating the load generator");
    let calibration = bench.calibrate()?;
    let mut raw = RawRun {
        schema_version: SCHEMA_VERSION,
        provenance: provenance(),
        relay_version: bench.programs.relay_version()?,
        profile: profile.to_string(),
        layout: bench.layout.clone(),
        calibration,
        trials: Vec::new(),
    };
    let mut highest = 0.0_f64;
    for planned in experiment::concurrency(profile, &bench.layout) {
        say(&describe(&planned));
        let (trial, summary) = bench.run(&planned)?;
        let rates = summary.steps.iter().map(|step| step.throughput);
        highest = rates.fold(highest, f64::max);
        raw.trials.push(trial);
    }
    let rest = experiment::ramp(profile, &bench.layout, highest)
        .into_iter()
        .chain(experiment::cold_start(&bench.layout));
    for planned in rest {
        say(&describe(&planned));
        raw.trials.push(bench.run(&planned)?.0);
    }
    let file = folder.join("run.json");
    fs::write(&file, serde_json::to_vec_pretty(&raw)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(raw)
}

fn provenance() -> Provenance {
    #[expect(clippy::disallowed_methods, reason = "a measurement says when it was made")]
    let now = std::time::SystemTime::now();
    let arguments: Vec<_> = env::args().collect();
    Provenance::collect(now, &arguments, None)
}

fn describe(planned: &Planned) -> String {
    let factors = planned.factors.iter().map(|(name, level)| format!(" {name} {level}"));
    format!(
        "{}{}, trial {}: {:?}",
        planned.experiment,
        factors.collect::<String>(),
        planned.trial,
        planned.length
    )
}

/// What everything is measured with.
struct Bench {
    programs: Programs,
    layout: Layout,
    folder: PathBuf,
}

impl Bench {
    fn calibrate(&self) -> anyhow::Result<Calibration> {
        let file = self.folder.join("calibration.json");
        let mut command = Command::new(&self.programs.loadgen);
        command.args(["calibrate", "--hold", "1s", "--pin", &list(&self.layout.generator)]);
        // The responder has what the relay will have.
        if let Some(processor) = self.layout.relay.first() {
            command.args(["--null-pin", &processor.to_string()]);
        }
        let calibrated = command.arg("--out").arg(&file).stdout(Stdio::null()).status()?;
        if !calibrated.success() {
            bail!("the load generator cannot be calibrated: is the machine busy?");
        }
        Ok(serde_json::from_slice(&fs::read(&file)?)?)
    }

    /// Starts a relay, loads it, and ends it.
    fn run(&self, planned: &Planned) -> anyhow::Result<(Trial, Summary)> {
        let name = folder_of(planned);
        let folder = self.folder.join(&name);
        let upstream = Upstream::Demo(planned.upstream.clone());
        let rig = Rig::start(&self.programs, &self.layout, &planned.relay, &upstream)?;
        let before = rig.counters()?;
        let mut generator = Command::new(&self.programs.loadgen);
        generator
            .arg("run")
            .arg(format!("{}{}", rig.relay_url(), planned.path))
            .args(&planned.load)
            .args(["--pin", &list(&self.layout.generator)])
            .arg("--calibration")
            .arg(self.folder.join("calibration.json"))
            .arg("--out")
            .arg(&folder)
            .stdout(Stdio::null());
        let mut child = generator.spawn().context("cannot start the load generator")?;
        let mut processes = rig.processes();
        processes.insert("generator".to_owned(), child.id());
        let sampler = Sampler::start(processes)?;
        let ended = child.wait()?;
        let seen = sampler.finish()?;
        // 3: the generator was the limit in some step, which its verdict says.
        if !matches!(ended.code(), Some(0 | 3)) {
            bail!("the load generator ended with {ended} in {name}");
        }
        let summary = folder.join("summary.json");
        let summary: Summary = serde_json::from_slice(&fs::read(&summary)?)
            .with_context(|| format!("{} is not a summary", summary.display()))?;
        let trial = Trial {
            experiment: planned.experiment.id().to_owned(),
            factors: planned.factors.clone(),
            trial: planned.trial,
            folder: name,
            relay_arguments: planned.relay.clone(),
            upstream_arguments: planned.upstream.clone(),
            load_arguments: planned.load.clone(),
            layout: self.layout.clone(),
            samples: seen,
            counters: [("relay".to_owned(), Counters { before, after: rig.counters()? })].into(),
            events: Vec::new(),
        };
        Ok((trial, summary))
    }
}

/// Where the generator's files of a trial are.
fn folder_of(planned: &Planned) -> String {
    let levels = planned.factors.iter().map(|(name, level)| format!("-{name}-{level}"));
    format!("{}{}-{}", planned.experiment, levels.collect::<String>(), planned.trial)
}

/// Processors as a flag has them.
fn list(processors: &[usize]) -> String {
    processors.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}
