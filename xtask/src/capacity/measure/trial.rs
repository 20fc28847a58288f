//! A trial: what is loaded is started, loaded, looked at, and ended.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::Context;
use loadgen::summary::Summary;

use super::{Bench, Target};
use crate::capacity::{
    experiment::{Planned, Subject, Upstream, UpstreamEnds},
    raw::{Counters, Event, Trial},
    rig::{Child, Processors, Rig, Sampler, list, now_unix, place, roles},
};

/// The load generator's codes that are no failure: all is well, or it was the
/// limit itself in some step, which its verdict says.
const FINE: [i32; 2] = [0, 3];

/// What several generators have requested together, as several relays or paths
/// have no URL of their own.
const TOGETHER: &str = "http://relays.invalid/";

impl Bench {
    /// Starts what is loaded, loads it, and ends it.
    pub(super) fn run(&self, planned: &Planned) -> anyhow::Result<(Trial, Summary)> {
        let folder = self.folder.join(planned.folder());
        let mut trial = Trial {
            experiment: planned.experiment.id().to_owned(),
            factors: planned.factors.clone(),
            trial: planned.trial,
            folder: planned.folder(),
            relay_arguments: Vec::new(),
            upstream_arguments: Vec::new(),
            load_arguments: planned.load.clone(),
            layout: planned.layout.clone(),
            samples: Vec::new(),
            counters: BTreeMap::new(),
            events: Vec::new(),
        };
        if let Some(Target { url, permission }) = &self.target {
            let generators = self.generators(planned, &[url], permission, &folder)?;
            self.load(planned, None, generators, &mut trial)?;
        } else {
            trial.relay_arguments = planned.relay_arguments();
            trial.upstream_arguments = planned.upstream_arguments();
            let mut rig = Rig::start(&self.programs, planned, &self.folder)?;
            if planned.upstream_ends == UpstreamEnds::Stored {
                rig.store(&planned.paths)?;
                end_upstream(&mut rig, &mut trial.events);
            }
            let before = rig.counters()?;
            let of = |url| planned.paths.iter().map(move |path| format!("{url}{path}"));
            let urls: Vec<_> = rig.urls().flat_map(of).collect();
            let urls: Vec<_> = urls.iter().map(String::as_str).collect();
            let generators = self.generators(planned, &urls, &[], &folder)?;
            self.load(planned, Some(&mut rig), generators, &mut trial)?;
            let after = rig.counters()?;
            let both = before.into_iter().zip(after.into_values());
            trial.counters =
                both.map(|((role, before), after)| (role, Counters { before, after })).collect();
        }
        Ok((trial, read(&folder)?))
    }

    /// A generator for each of `urls`.
    fn generators(
        &self,
        planned: &Planned,
        urls: &[&str],
        permission: &[String],
        folder: &Path,
    ) -> anyhow::Result<Vec<Generator>> {
        let start = |(role, url): (String, &&str)| {
            let folder = match urls.len() {
                1 => folder.to_owned(),
                _ => folder.join(&role),
            };
            let mut command = Command::new(&self.programs.loadgen);
            command.args(["run", url]).args(&planned.load).args(permission);
            command.args(["--pin", &list(&planned.layout.generator)]);
            command.arg("--calibration").arg(self.calibration()).arg("--out").arg(&folder);
            let place = place(planned, &self.folder, &role, Processors::Generator);
            let child = self.programs.start(&command, &place, &[])?;
            Ok(Generator { child, folder })
        };
        roles("generator", urls.len()).into_iter().zip(urls).map(start).collect()
    }

    /// Waits for the generators, and looks at all processes meanwhile.
    fn load(
        &self,
        planned: &Planned,
        mut rig: Option<&mut Rig>,
        mut generators: Vec<Generator>,
        trial: &mut Trial,
    ) -> anyhow::Result<()> {
        let mut processes = rig.as_ref().map(|rig| rig.processes()).unwrap_or_default();
        let names = roles("generator", generators.len()).into_iter();
        processes.extend(names.zip(generators.iter().map(|it| it.child.id())));
        let sampler = Sampler::start(processes, rig.as_ref().and_then(|rig| rig.throttling()))?;
        #[expect(clippy::disallowed_methods, reason = "there is no runtime here")]
        let started = Instant::now();
        let mut ends = match planned.upstream_ends {
            UpstreamEnds::After(length) => Some(length),
            UpstreamEnds::Never | UpstreamEnds::Stored => None,
        };
        let mut look = || {
            if let (Some(at), Some(rig)) = (ends, rig.as_mut())
                && at <= started.elapsed()
            {
                end_upstream(rig, &mut trial.events);
                ends = None;
            }
        };
        for generator in &mut generators {
            self.wait(&mut generator.child, &FINE, &mut look)?;
        }
        trial.samples = sampler.finish()?;
        self.merge(planned, &generators)
    }

    /// Waits until the load generator ends in one of the ways that are `fine`,
    /// and looks at something meanwhile.
    pub(super) fn wait(
        &self,
        child: &mut Child,
        fine: &[i32],
        look: &mut dyn FnMut(),
    ) -> anyhow::Result<()> {
        child.finish(fine, &self.interrupted, look)
    }

    /// Adds what several generators did.
    fn merge(&self, planned: &Planned, generators: &[Generator]) -> anyhow::Result<()> {
        if generators.len() < 2 {
            return Ok(());
        }
        let mut command = Command::new(&self.programs.loadgen);
        command.args(["merge", "--url", TOGETHER]);
        command.arg("--out").arg(self.folder.join(planned.folder()));
        command.args(generators.iter().map(|generator| &generator.folder));
        let place = place(planned, &self.folder, "merge", Processors::Generator);
        self.wait(&mut self.programs.start(&command, &place, &[])?, &FINE, &mut || {})
    }
}

fn end_upstream(rig: &mut Rig, events: &mut Vec<Event>) {
    rig.end_upstream();
    events.push(Event { at_unix: now_unix(), what: "the upstream is gone".to_owned() });
}

/// A load generator that runs, and where its files are.
struct Generator {
    child: Child,
    folder: PathBuf,
}

impl Planned {
    fn relay_arguments(&self) -> Vec<String> {
        match &self.subject {
            Subject::Relays { arguments, .. } => arguments.clone(),
            Subject::Responder => Vec::new(),
        }
    }

    fn upstream_arguments(&self) -> Vec<String> {
        match &self.upstream {
            Upstream::Demo(arguments) => arguments.clone(),
            Upstream::Null { body, field } => {
                let body = format!("{body} bytes from memory");
                [body].into_iter().chain(field.map(str::to_owned)).collect()
            }
        }
    }
}

fn read(folder: &Path) -> anyhow::Result<Summary> {
    let file = folder.join("summary.json");
    let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not a summary", file.display()))
}
