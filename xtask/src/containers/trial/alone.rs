//! One relay, as `docker compose up` starts it.

use anyhow::ensure;
use serde_json::Value;

use super::{PATH, address, answer, cache_status, get, now, until};
use crate::containers::engine::Engine;

pub(super) fn run(engine: &Engine) -> anyhow::Result<()> {
    let begun = now();
    engine.compose(&["up", "--detach"])?;
    let container = engine.read(&["compose", "ps", "--quiet", "relay"])?;
    let inspected = |path: &str| engine.read(&["inspect", "--format", path, &container]);
    until("the relay is healthy", || Ok(inspected("{{.State.Health.Status}}")? == "healthy"))?;
    println!("healthy after {:.1} s", begun.elapsed().as_secs_f64());
    ensure!(inspected("{{.HostConfig.ReadonlyRootfs}}")? == "true", "its root can be written to");

    let public = address(engine, "relay", "8080")?;
    ensure!(get(&public, PATH)?.contains("bikupan"), "{PATH} is not the demo's list");
    let health: Value = serde_json::from_str(&get(&public, "/healthz")?)?;
    ensure!(health["revision"] == engine.revision(), "/healthz says {health}");
    let operator = address(engine, "relay", "8081")?;
    ensure!(operator.starts_with("127.0.0.1:"), "the operator's listener is on {operator}");
    let metrics = get(&operator, "/metrics")?;
    ensure!(metrics.contains(engine.revision()), "lunch_relay_build_info has no commit");
    engine.compose(&["run", "--rm", "--no-TTY", "lunch", "bikupan"])?;

    // It drains, and what it had stored is there again.
    engine.compose(&["stop"])?;
    ensure!(inspected("{{.State.ExitCode}}")? == "0", "it did not end well");
    engine.compose(&["start"])?;
    let public = address(engine, "relay", "8080")?;
    until("it is there again", || Ok(get(&public, "/readyz").is_ok()))?;
    let again = answer(&public, PATH)?;
    let status = cache_status(&again)?;
    ensure!(status.contains("hit"), "what was stored is not there after a restart: {status}");
    // The others have the machine to themselves.
    engine.compose(&["stop"])
}
