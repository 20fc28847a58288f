//! What is deployed, checked without deploying it: Prometheus's rules and the
//! manifests for Kubernetes. (What needs an engine is `cargo xtask containers`.)

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};

use super::{announce, install, run_command};

/// Checks manifests against the schemas of Kubernetes.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

pub(super) fn check() -> anyhow::Result<()> {
    run_command("promtool", &["check", "config", "deploy/prometheus/prometheus.yml"], &[])?;
    run_command("promtool", &["test", "rules", "deploy/prometheus/tests/relay.yml"], &[])?;
    let validator = validator()?;
    let rendered = validator.with_file_name("rendered.yaml");
    fs::write(&rendered, manifests()?)?;
    let rendered = rendered.display().to_string();
    run_command(&validator.display().to_string(), &["--strict", &rendered], &[])
}

/// All manifests, as they would be applied.
fn manifests() -> anyhow::Result<Vec<u8>> {
    let arguments = ["kustomize", "deploy/kubernetes"];
    announce("kubectl", &arguments);
    let output = Command::new("kubectl")
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start kubectl")?;
    ensure!(output.status.success(), "deploy/kubernetes/kustomization.yaml makes no manifests");
    Ok(output.stdout)
}

/// The program that validates manifests, in a virtual environment of its own.
fn validator() -> anyhow::Result<PathBuf> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let environment = target.join("kubernetes-validate");
    let program = environment.join("bin/kubernetes-validate");
    if has(&environment) {
        return Ok(program);
    }
    let python = Command::new("python3").args(["-c", "import ensurepip, venv"]).status();
    if !python.is_ok_and(|status| status.success()) {
        install(&["python3-venv"])?;
    }
    let folder = environment.display().to_string();
    run_command("python3", &["-m", "venv", "--clear", &folder], &[])?;
    let pip = environment.join("bin/pip").display().to_string();
    run_command(&pip, &["install", "--quiet", VALIDATOR], &[])?;
    fs::write(environment.join(MARK), VALIDATOR)?;
    Ok(program)
}

/// What says that an environment is whole, and of which version.
const MARK: &str = "installed";

fn has(environment: &Path) -> bool {
    fs::read_to_string(environment.join(MARK)).is_ok_and(|version| version == VALIDATOR)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_alert_is_in_the_runbook() {
        let rules = include_str!("../../../deploy/prometheus/rules/relay.yml");
        let runbook = include_str!("../../../docs/operations.md");
        let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
        let missing: Vec<_> =
            alerts.filter(|alert| !runbook.contains(&format!("\n| `{alert}` |"))).collect();
        assert!(missing.is_empty(), "docs/operations.md does not tell what to do on {missing:?}");
    }
}
