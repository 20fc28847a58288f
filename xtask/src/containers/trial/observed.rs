//! Prometheus beside the relays: it finds them, and takes the rules.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{get, until};
use crate::containers::engine::Engine;

pub(super) fn run(engine: &Engine) -> anyhow::Result<()> {
    engine.compose(&["--profile", "observe", "up", "--detach", "prometheus"])?;
    let container = engine.read(&["compose", "ps", "--quiet", "prometheus"])?;
    let prometheus = format!("{}:9090", engine.address_of(&container)?);
    let asked = |path: &str| -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&get(&prometheus, path)?)?)
    };
    until("Prometheus scrapes three relays", || {
        let up = asked("/api/v1/query?query=sum(up%7Bjob%3D%22node%22%7D)");
        Ok(up.is_ok_and(|up| up["data"]["result"][0]["value"][1] == "3"))
    })?;
    let rules = asked("/api/v1/rules")?;
    let groups = rules["data"]["groups"].as_array().context("Prometheus has no rules")?;
    ensure!(!groups.is_empty(), "Prometheus has taken no rules");
    println!("Prometheus scrapes three relays and has {} groups of rules", groups.len());
    Ok(())
}
