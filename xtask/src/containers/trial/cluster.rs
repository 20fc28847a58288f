//! Three relays behind a balancer, with a Valkey that they share: together they
//! ask the upstream no more than one would.

use std::time::Duration;

use anyhow::{bail, ensure};

use super::{
    address, crowd,
    crowd::Refusal,
    faults, get, now, purges, until,
    upstream::{Heard, Upstream},
};
use crate::containers::engine::Engine;

/// Clients of a cold cluster.
const CLIENTS: usize = 1000;
/// How often they may be.
const ATTEMPTS: u32 = 3;
/// What they ask for.
const TARGETS: [&str; 4] = ["/", "/restaurant/", "/restaurant/bikupan/", "/restaurant/jons/"];
/// How long nothing but misses is asked for.
const MISSES: Duration = Duration::from_mins(1);
/// Clients of each relay that ask for them.
const MISSING: u64 = 6;
/// What all may ask of the upstream: `--upstream-rate` and `--upstream-burst`
/// of one relay.
const RATE: f64 = 10.0;
const BURST: f64 = 20.0;

/// The relays and what is before them, by their addresses.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    pub(super) engine: &'a Engine,
    pub(super) balancer: String,
    /// The relays' containers.
    pub(super) nodes: Vec<String>,
}

pub(super) fn run(engine: &Engine, upstream: &Upstream) -> anyhow::Result<()> {
    engine.compose(&["--profile", "cluster", "up", "--detach"])?;
    let nodes = engine.read(&["compose", "ps", "--quiet", "node"])?;
    let cluster = Cluster {
        engine,
        balancer: address(engine, "balancer", "8090")?,
        nodes: nodes.lines().map(str::to_owned).collect(),
    };
    ensure!(cluster.nodes.len() == 3, "there are {} relays", cluster.nodes.len());
    for node in 0..3 {
        cluster.until_ready(node)?;
    }
    until("the balancer has a relay", || Ok(get(&cluster.balancer, "/readyz").is_ok()))?;

    cold(&cluster, upstream)?;
    let begun = now();
    let before = upstream.heard()?.total;
    misses(&cluster)?;
    within_the_budget(before, begun.elapsed(), &upstream.heard()?)?;
    purges::run(&cluster)?;
    faults::run(&cluster)?;
    // What was broken and came back has not asked for more either.
    within_the_budget(before, begun.elapsed(), &upstream.heard()?)
}

impl Cluster<'_> {
    /// A relay's public address, which is another one after it was gone.
    pub(super) fn node(&self, number: usize) -> anyhow::Result<String> {
        Ok(format!("{}:8080", self.engine.address_of(&self.nodes[number])?))
    }

    /// The public addresses of all relays.
    pub(super) fn addresses(&self) -> anyhow::Result<Vec<String>> {
        (0..self.nodes.len()).map(|number| self.node(number)).collect()
    }

    /// Waits until a relay takes requests.
    pub(super) fn until_ready(&self, number: usize) -> anyhow::Result<()> {
        until("a relay is ready", || {
            Ok(self.node(number).is_ok_and(|node| get(&node, "/readyz").is_ok()))
        })
    }
}

/// A thousand clients of three relays that have nothing yet: each target is
/// asked for once. On a machine that is so busy that Valkey does not answer in
/// time, a relay goes on alone, as it should; that is tried anew.
fn cold(cluster: &Cluster<'_>, upstream: &Upstream) -> anyhow::Result<()> {
    let nodes = cluster.addresses()?;
    for attempt in 1..=ATTEMPTS {
        let target = |number: usize| format!("{}?cold={attempt}", TARGETS[number % TARGETS.len()]);
        let url = |client: usize| {
            format!("http://{}{}", nodes[client % nodes.len()], target(client / nodes.len()))
        };
        let urls: Vec<String> = (0..CLIENTS).map(url).collect();
        let begun = now();
        crowd::at_once(&urls)?;
        let took = begun.elapsed();
        let heard = upstream.heard()?;
        let asked: Vec<u64> = (0..TARGETS.len())
            .map(|number| heard.targets.get(&format!("/api{}", target(number))).copied())
            .map(Option::unwrap_or_default)
            .collect();
        println!(
            "{CLIENTS} clients of three cold relays answered in {:.1} s; the upstream was asked {asked:?} times for {} targets",
            took.as_secs_f64(),
            TARGETS.len(),
        );
        if asked.iter().all(|times| *times == 1) {
            return Ok(());
        }
    }
    bail!("more than once in each of {ATTEMPTS} attempts")
}

/// Nothing but targets that nobody has asked for yet, from all relays.
fn misses(cluster: &Cluster<'_>) -> anyhow::Result<()> {
    let nodes = cluster.addresses()?;
    let asking: Vec<Box<dyn Fn(u64) -> String + Sync>> = (0..MISSING)
        .flat_map(|client| nodes.iter().enumerate().map(move |node| (client, node)))
        .map(|(client, (number, node))| {
            let node = node.clone();
            let next = move |n| format!("http://{node}/restaurant/?n={number}.{client}.{n}");
            Box::new(next) as Box<dyn Fn(u64) -> String + Sync>
        })
        .collect();
    let asking: Vec<_> = asking.iter().map(AsRef::as_ref).collect();
    let wait = || {
        std::thread::sleep(MISSES);
        Ok(())
    };
    let ((), seen) = crowd::beside(&asking, Refusal::Counts, wait)?;
    println!(
        "{} s of misses: {} answered, {} told when to come again",
        MISSES.as_secs(),
        seen.answered.into_inner(),
        seen.refused.into_inner(),
    );
    Ok(())
}

fn within_the_budget(before: u64, during: Duration, heard: &Heard) -> anyhow::Result<()> {
    let asked = heard.total - before;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    let budget = (BURST + RATE * during.as_secs_f64()).ceil() as u64;
    println!(
        "the upstream was asked {asked} times in {:.0} s, {budget} at most",
        during.as_secs_f64()
    );
    ensure!(asked <= budget, "the upstream was asked more than its budget allows");
    Ok(())
}
