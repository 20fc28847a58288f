//! `docker` and `docker compose`, as commands.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

/// The engine, with what its commands find in their environment.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    environment: BTreeMap<&'static str, String>,
}

impl Engine {
    /// For the compose file as everyone uses it.
    pub(super) fn of_the_project() -> Engine {
        Engine { environment: BTreeMap::from([("REVISION", revision())]) }
    }

    /// For a project beside it that takes nothing from it: no name, no image,
    /// no port.
    pub(super) fn apart(project: &str) -> Engine {
        let mut engine = Engine::of_the_project();
        engine.environment.extend([
            ("COMPOSE_PROJECT_NAME", project.to_owned()),
            ("IMAGE", project.to_owned()),
            ("PORT", "0".to_owned()),
            ("ADMIN_PORT", "0".to_owned()),
            ("CLUSTER_PORT", "0".to_owned()),
            ("RELAY_UPSTREAM", "demo".to_owned()),
        ]);
        engine
    }

    /// The same, with something else in the environment.
    pub(super) fn with(&self, name: &'static str, value: &str) -> Engine {
        let mut engine = self.clone();
        engine.environment.insert(name, value.to_owned());
        engine
    }

    /// A container's address on its network, which the engine's machine reaches.
    pub(super) fn address_of(&self, container: &str) -> anyhow::Result<String> {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = self.read(&["inspect", "--format", format, container])?;
        ensure!(!address.is_empty(), "the container {container} has no address");
        Ok(address)
    }

    /// The commit that goes into the image.
    pub(super) fn revision(&self) -> &str {
        &self.environment["REVISION"]
    }

    /// Runs `docker compose`, its output where ours goes.
    pub(super) fn compose(&self, arguments: &[&str]) -> anyhow::Result<()> {
        println!("\n» docker compose {}", arguments.join(" "));
        let status = self.docker(&[&["compose"], arguments].concat()).status();
        let status = status.context("cannot start docker: install Docker with Compose 2.25")?;
        ensure!(status.success(), "docker compose {} failed", arguments.join(" "));
        Ok(())
    }

    /// Runs `docker` and gives what it writes.
    pub(super) fn read(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.docker(arguments).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "docker {} failed", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).envs(&self.environment).stdin(Stdio::null());
        command
    }
}

/// Whether there is an engine that answers, with Compose.
pub(super) fn is_there() -> bool {
    let works = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        let command = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    works(&["info"]) && works(&["compose", "version"])
}

/// The commit of the sources, or `unknown`.
fn revision() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = output.ok().filter(|output| output.status.success());
    let text = text.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if text.trim().is_empty() { "unknown".to_owned() } else { text.trim().to_owned() }
}
