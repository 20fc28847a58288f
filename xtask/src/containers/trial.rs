//! The image and the compose file, tried on the engine that is there.

mod alone;
mod cluster;
mod crowd;
mod faults;
mod observed;
mod purges;
mod upstream;

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reqwest::blocking::Response;
use serde_json::Value;

use self::upstream::Upstream;
use super::{engine::Engine, image};

const PROJECT: &str = "lunch-relay-trial";
/// How long a container may take until it is healthy, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// What the operator's listeners ask for.
const TOKEN: &str = "token-of-the-trial";
/// What is asked for.
const PATH: &str = "/restaurant/";

/// Builds, starts, asks, stops; whatever comes of it, nothing is left running.
pub(super) fn run() -> anyhow::Result<()> {
    let engine = Engine::apart(PROJECT);
    let outcome = built(&engine).and_then(|()| alone::run(&engine)).and_then(|()| many(&engine));
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

/// Several relays before an upstream that counts.
fn many(engine: &Engine) -> anyhow::Result<()> {
    // It starts the network that the upstream is to be on.
    engine.compose(&["--profile", "cluster", "up", "--detach", "valkey"])?;
    let upstream = Upstream::start(engine)?;
    let engine = engine.with("RELAY_UPSTREAM", upstream::BASE).with("RELAY_ADMIN_TOKEN", TOKEN);
    cluster::run(&engine, &upstream).and_then(|()| observed::run(&engine))
}

/// Where a container's port is published.
fn address(engine: &Engine, service: &str, port: &str) -> anyhow::Result<String> {
    let address = engine.read(&["compose", "port", service, port])?;
    Ok(address.replace("0.0.0.0", "127.0.0.1"))
}

/// The body of an answer that is no error.
fn get(address: &str, path: &str) -> anyhow::Result<String> {
    Ok(answer(address, path)?.text()?)
}

/// An answer that is no error.
fn answer(address: &str, path: &str) -> anyhow::Result<Response> {
    let answer = reqwest::blocking::get(format!("http://{address}{path}"))?;
    Ok(answer.error_for_status()?)
}

/// What a relay says of where an answer came from.
fn cache_status(answer: &Response) -> anyhow::Result<&str> {
    Ok(answer.headers().get("cache-status").context("no Cache-Status")?.to_str()?)
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
