//! What is purged at one relay of a cluster is gone in all of them.

use anyhow::{Context, ensure};
use reqwest::{StatusCode, blocking::Client};

use super::{PATH, TOKEN, cluster::Cluster, crowd, now, until};

pub(super) fn run(cluster: &Cluster<'_>) -> anyhow::Result<()> {
    let nodes = cluster.addresses()?;
    let urls: Vec<String> = nodes.iter().map(|node| format!("http://{node}{PATH}")).collect();
    crowd::at_once(&urls)?;
    let client = Client::new();
    // Without a request to the upstream, whatever is stored or not.
    let stored = |url: &String| -> anyhow::Result<bool> {
        let answer = client.get(url).header("cache-control", "only-if-cached").send()?;
        match answer.status() {
            StatusCode::GATEWAY_TIMEOUT => Ok(false),
            _ => answer.error_for_status().map(|_| true).context("neither stored nor gone"),
        }
    };
    for url in &urls {
        ensure!(stored(url)?, "{url} is not stored");
    }

    let operator = format!("{}:8081", cluster.engine.address_of(&cluster.nodes[0])?);
    let purge = client
        .post(format!("http://{operator}/v1/cache/purge"))
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .body(format!(r#"{{"url": "{PATH}"}}"#));
    purge.send()?.error_for_status()?;
    let begun = now();
    until("the purge has reached all relays", || {
        let left = urls.iter().map(stored).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(!left.contains(&true))
    })?;
    println!("a purge at one relay was seen by all after {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}
