//! How much of what it can serve the relay is asked for.
//!
//! What it can serve is measured (`cargo xtask capacity`) and told by a file;
//! what it is asked for is the mean of the last seconds, so that one burst does
//! not start instances that come when it is over.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::metrics::Metrics;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many looks the mean is over.
const LOOKS: usize = 15;

/// Requests a second that one relay can serve on a machine like this one.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Capacity {
    /// As many, and within the objective that it was measured for.
    pub requests_per_second: f64,
}

/// Why a file does not tell the capacity.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// It cannot be read.
    #[error("cannot read {}: {source}; --capacity-file is the capacity.json of cargo xtask capacity", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not say it.
    #[error("{} does not tell the capacity: write requests_per_second, a number above 0, as JSON or TOML", file.display())]
    Unsaid {
        /// The file.
        file: PathBuf,
    },
}

impl Capacity {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Capacity, Unknown> {
        let text = fs::read_to_string(file)
            .map_err(|source| Unknown::Unreadable { file: file.to_owned(), source })?;
        Capacity::parse(&text).ok_or_else(|| Unknown::Unsaid { file: file.to_owned() })
    }

    /// What a text says, as JSON or TOML; what else it says is not looked at.
    fn parse(text: &str) -> Option<Capacity> {
        let json = || serde_json::from_str::<Capacity>(text).ok();
        let said = json().or_else(|| toml::from_str(text).ok())?;
        (said.requests_per_second.is_finite() && 0.0 < said.requests_per_second).then_some(said)
    }
}

/// The rate of requests over the last looks.
#[derive(Debug, Default)]
struct Load {
    /// When it was looked, since the start, and how many had come by then.
    looks: VecDeque<(Duration, u64)>,
}

impl Load {
    /// Looks, and says how many come in a second; nothing can be said at first.
    fn look(&mut self, at: Duration, requests: u64) -> Option<f64> {
        self.looks.push_back((at, requests));
        if LOOKS + 1 < self.looks.len() {
            self.looks.pop_front();
        }
        let (from, before) = self.looks.front()?;
        let seconds = at.checked_sub(*from)?.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "some seconds have fewer requests")]
        let came = requests.saturating_sub(*before) as f64;
        (0.0 < seconds).then(|| came / seconds)
    }
}

/// Keeps the saturation true, for ever.
pub async fn watch(capacity: Capacity, metrics: Arc<Metrics>) {
    let start = Instant::now();
    let mut load = Load::default();
    loop {
        if let Some(rate) = load.look(start.elapsed(), metrics.requests()) {
            metrics.saturation((rate / capacity.requests_per_second).min(1.0));
        }
        sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_toml_say_it_and_nothing_else_does() {
        for text in [
            "{\"requests_per_second\": 12000.5, \"objective\": \"p99\"}",
            "requests_per_second = 12000.5\n[more]\nthan = \"that\"",
        ] {
            assert_eq!(Capacity::parse(text), Some(Capacity { requests_per_second: 12000.5 }));
        }
        for text in ["", "{}", "requests_per_second = 0", "{\"requests_per_second\": \"1\"}"] {
            assert_eq!(Capacity::parse(text), None, "{text}");
        }
        let unreadable = Capacity::read(Path::new("/nowhere/capacity.json")).unwrap_err();
        assert!(unreadable.to_string().contains("/nowhere/capacity.json"));
    }

    #[test]
    fn the_rate_is_the_mean_of_the_last_looks() {
        let mut load = Load::default();
        let mut look = |second, requests| load.look(Duration::from_secs(second), requests);
        assert_eq!(look(0, 5), None);
        assert_eq!(look(1, 105), Some(100.0));
        assert_eq!(look(2, 105), Some(50.0));
        for second in 3..=17 {
            look(second, 105);
        }
        // What was before the last looks is not in it.
        assert_eq!(look(18, 105), Some(0.0));
        assert_eq!(look(20, 405), Some(300.0 / 16.0));
    }
}
