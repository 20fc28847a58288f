//! The released programs that are measured, and measured with.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};

use super::{Child, Place};

/// The released programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The relay, and its stand-in upstream.
    pub relay: PathBuf,
    /// The load generator.
    pub loadgen: PathBuf,
    /// This program, which holds the others.
    pub holder: PathBuf,
}

impl Programs {
    /// Builds them.
    pub fn build() -> anyhow::Result<Self> {
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .args(["build", "--release", "--locked", "--package", "server", "--package", "loadgen"])
            .status()
            .context("cannot start cargo")?;
        ensure!(built.success(), "the release build failed");
        let folder = target_folder()?.join("release");
        // It may be built anew while it measures, and is what it was all the same.
        let holder = PathBuf::from("/proc/self/exe");
        Ok(Self { relay: folder.join("relay"), loadgen: folder.join("loadgen"), holder })
    }

    /// What `relay --version` says.
    pub fn relay_version(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.relay).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Starts one of them, held by this one.
    pub fn start(
        &self,
        command: &Command,
        place: &Place,
        prefixes: &[&str],
    ) -> anyhow::Result<Child> {
        Child::start(&self.holder, command, place, prefixes)
    }
}

/// Where this program was built to.
fn target_folder() -> anyhow::Result<PathBuf> {
    let program = env::current_exe().context("where is this program?")?;
    let folder = program.parent().and_then(Path::parent);
    Ok(folder.context("this program is in no target folder")?.to_owned())
}
