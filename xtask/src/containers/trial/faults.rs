//! What may break in a cluster while clients ask for what is stored: none of
//! them sees an error, and all recovers by itself.

use std::{sync::atomic::Ordering, thread, time::Duration};

use anyhow::Context;

use super::{
    PROJECT, answer, cache_status,
    cluster::Cluster,
    crowd::{self, Refusal},
    until,
};

/// Clients that go on asking.
const CLIENTS: usize = 4;
/// How long something is broken.
const BROKEN: Duration = Duration::from_secs(5);
/// What they ask for; it is stored.
const TARGETS: [&str; 3] = ["/restaurant/", "/restaurant/bikupan/", "/restaurant/jons/"];

type Step = fn(&Cluster<'_>) -> anyhow::Result<()>;

pub(super) fn run(cluster: &Cluster<'_>) -> anyhow::Result<()> {
    let faults: [(&str, Step); 5] = [
        ("Valkey paused", |cluster| {
            let valkey = valkey(cluster)?;
            broken(cluster, &["pause", &valkey], &["unpause", &valkey])
        }),
        ("Valkey killed", |cluster| {
            let valkey = valkey(cluster)?;
            broken(cluster, &["kill", &valkey], &["start", &valkey])
        }),
        ("a relay stopped", |cluster| {
            let node = &cluster.nodes[0];
            broken(cluster, &["stop", node], &["start", node])?;
            back(cluster, 0)
        }),
        ("a relay killed", |cluster| {
            let node = &cluster.nodes[1];
            broken(cluster, &["kill", node], &["start", node])?;
            back(cluster, 1)
        }),
        ("a relay cut off", |cluster| {
            let (node, network) = (&cluster.nodes[2], format!("{PROJECT}_default"));
            let join = ["network", "connect", "--alias", "node", &network, node];
            broken(cluster, &["network", "disconnect", &network, node], &join)?;
            back(cluster, 2)
        }),
    ];
    let nodes = cluster.addresses()?;
    let stored = nodes.iter().flat_map(|node| TARGETS.map(|path| format!("http://{node}{path}")));
    crowd::at_once(&stored.collect::<Vec<_>>())?;
    for (what, step) in faults {
        let url = |number: u64| {
            let target = TARGETS[usize::try_from(number).unwrap_or_default() % TARGETS.len()];
            format!("http://{}{target}", cluster.balancer)
        };
        let clients: [&(dyn Fn(u64) -> String + Sync); CLIENTS] = [&url; CLIENTS];
        let ((), seen) = crowd::beside(&clients, Refusal::Fails, || step(cluster))
            .with_context(|| format!("lost with {what}"))?;
        println!("{what}: {} requests answered, none lost", seen.answered.load(Ordering::Relaxed));
    }
    Ok(())
}

fn valkey(cluster: &Cluster<'_>) -> anyhow::Result<String> {
    cluster.engine.read(&["compose", "ps", "--all", "--quiet", "valkey"])
}

/// Breaks something for a while.
fn broken(cluster: &Cluster<'_>, breaking: &[&str], mending: &[&str]) -> anyhow::Result<()> {
    let done = cluster.engine.read(breaking).map(drop);
    thread::sleep(BROKEN);
    done.and(cluster.engine.read(mending).map(drop))
}

/// Waits until a relay that was gone has what the others have, from Valkey.
fn back(cluster: &Cluster<'_>, number: usize) -> anyhow::Result<()> {
    cluster.until_ready(number)?;
    let node = cluster.node(number)?;
    until("a relay has what the others have", || {
        Ok(answer(&node, TARGETS[0])
            .is_ok_and(|answer| cache_status(&answer).is_ok_and(|status| status.contains("hit"))))
    })
}
