//! The upstream of several relays: the image's own stand-in, which counts.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use super::{PROJECT, get, until};
use crate::containers::engine::Engine;

/// Its base URL, for relays in containers.
pub(super) const BASE: &str = "http://upstream:9000/api/";

/// The stand-in, in a container that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Upstream {
    container: String,
    address: String,
}

/// What it was asked.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    /// All requests.
    pub(super) total: u64,
    /// Requests by path and query.
    pub(super) targets: BTreeMap<String, u64>,
}

impl Upstream {
    /// Starts it on the network of the project.
    pub(super) fn start(engine: &Engine) -> anyhow::Result<Upstream> {
        let network = format!("{PROJECT}_default");
        let container = engine.read(&[
            "run",
            "--rm",
            "--detach",
            "--no-healthcheck",
            "--network",
            &network,
            "--network-alias",
            "upstream",
            PROJECT,
            "demo-upstream",
            "--listen",
            "0.0.0.0:9000",
        ])?;
        // Made first, so that it is removed if the rest fails.
        let mut upstream = Upstream { container, address: String::new() };
        upstream.address = format!("{}:9000", engine.address_of(&upstream.container)?);
        until("the upstream answers", || Ok(upstream.heard().is_ok()))?;
        Ok(upstream)
    }

    /// What it was asked until now.
    pub(super) fn heard(&self) -> anyhow::Result<Heard> {
        let said = get(&self.address, "/requests")?;
        serde_json::from_str(&said).with_context(|| format!("the upstream says {said}"))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Err(error) = Engine::of_the_project().read(&["rm", "--force", &self.container]) {
            eprintln!("the upstream's container {} is left: {error:#}", self.container);
        }
    }
}
