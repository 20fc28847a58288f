//! The image and the compose file, tried on the engine that is there.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{engine::Engine, image};

const PROJECT: &str = "lunch-relay-trial";
/// How long a container may take until it is healthy, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// How often is asked when one relay is gone.
const AFTERWARDS: u32 = 30;
/// What is asked for.
const PATH: &str = "/restaurant/";

/// Builds, starts, asks, stops; whatever comes of it, nothing is left running.
pub(super) fn run() -> anyhow::Result<()> {
    let engine = Engine::apart(PROJECT);
    let outcome = built(&engine).and_then(|()| alone(&engine)).and_then(|()| cluster(&engine));
    let left = engine.compose(&["--profile", "*", "down", "--volumes", "--timeout", "5"]);
    outcome.and(left)
}

fn built(engine: &Engine) -> anyhow::Result<()> {
    engine.compose(&["--profile", "*", "config", "--quiet"])?;
    engine.compose(&["build", "relay"])?;
    let images: Value = serde_json::from_str(&engine.read(&["image", "inspect", PROJECT])?)?;
    let faults = image::faults(&images[0], engine.revision());
    ensure!(faults.is_empty(), "the image is not as it should be: {}", faults.join("; "));
    let size = images[0]["Size"].as_u64().unwrap_or_default();
    println!("the image has {} MiB", size >> 20);
    for program in ["relay", "lunch", "loadgen"] {
        let entrypoint = format!("/usr/local/bin/{program}");
        let said =
            engine.read(&["run", "--rm", "--entrypoint", &entrypoint, PROJECT, "--version"])?;
        println!("{said}");
        let knows = program != "relay" || said.contains(engine.revision());
        ensure!(knows, "{said} does not tell its commit, {}", engine.revision());
    }
    Ok(())
}

/// One relay, as `docker compose up` starts it.
fn alone(engine: &Engine) -> anyhow::Result<()> {
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
    let again = reqwest::blocking::get(format!("http://{public}{PATH}"))?;
    let status = again.headers().get("cache-status").context("no Cache-Status")?.to_str()?;
    ensure!(status.contains("hit"), "what was stored is not there after a restart: {status}");
    Ok(())
}

/// Three relays behind a balancer: one may go, and no request is lost.
fn cluster(engine: &Engine) -> anyhow::Result<()> {
    engine.compose(&["--profile", "cluster", "up", "--detach"])?;
    let public = address(engine, "balancer", "8090")?;
    until("the cluster answers", || Ok(get(&public, PATH).is_ok()))?;
    let nodes = engine.read(&["compose", "ps", "--quiet", "node"])?;
    let nodes: Vec<&str> = nodes.lines().collect();
    ensure!(nodes.len() == 3, "there are {} relays", nodes.len());

    until("what one relay stored is in Valkey", || {
        let keys = ["compose", "exec", "-T", "valkey", "valkey-cli", "dbsize"];
        Ok(engine.read(&keys)? != "0")
    })?;

    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let (mut answered, mut after) = (0_u32, 0);
            // Each a path of its own, so all relays have their share.
            while after < AFTERWARDS {
                after += u32::from(stopped.load(Ordering::Relaxed));
                get(&public, &format!("{PATH}?n={answered}"))
                    .with_context(|| format!("lost after {answered} requests"))?;
                answered += 1;
            }
            Ok::<u32, anyhow::Error>(answered)
        });
        let stop = engine.read(&["stop", nodes[0]]);
        stopped.store(true, Ordering::Relaxed);
        let answered = client.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
        println!("{answered} requests answered while one relay of three was stopped, and after");
        stop.map(drop)
    })
}

/// Where a container's port is published.
fn address(engine: &Engine, service: &str, port: &str) -> anyhow::Result<String> {
    let address = engine.read(&["compose", "port", service, port])?;
    Ok(address.replace("0.0.0.0", "127.0.0.1"))
}

/// The body of an answer that is no error.
fn get(address: &str, path: &str) -> anyhow::Result<String> {
    let answer = reqwest::blocking::get(format!("http://{address}{path}"))?;
    Ok(answer.error_for_status()?.text()?)
}

#[expect(clippy::disallowed_methods, reason = "the engine's containers have no other clock")]
fn now() -> Instant {
    Instant::now()
}

fn until(what: &str, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let begun = now();
    while !holds()? {
        ensure!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(PAUSE);
    }
    Ok(())
}
