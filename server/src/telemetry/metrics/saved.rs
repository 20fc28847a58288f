//! What the cache has spared the upstream, read at each scrape.

use std::sync::{Arc, OnceLock};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

use crate::cache::saved::{By, Saved, Spared};

/// Asks the cache's counters, once they are there.
#[derive(Debug, Default)]
pub(super) struct SavedCollector(OnceLock<Arc<Saved>>);

impl SavedCollector {
    /// The first call counts.
    pub(super) fn watch(&self, saved: Arc<Saved>) {
        let _ = self.0.set(saved);
    }
}

impl Collector for SavedCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(saved) = self.0.get() else { return Ok(()) };
        let rules = saved.figures();
        let mut family = |name, help, unit: Option<&Unit>, value: fn(Spared) -> u64| {
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
            for (rule, figures) in &rules {
                for by in By::ALL {
                    let labels = [("by", by.as_str()), ("rule", rule.as_str())];
                    ConstCounter::new(value(figures.by(by)))
                        .encode(family.encode_family(&labels)?)?;
                }
            }
            Ok(())
        };
        let help = "Client requests answered without one to the upstream, by how and by the rule of their path (stale also in the place of an error; validated = 304s: a request was spent, its body was not sent)";
        family("saved_requests", help, None, |spared| spared.requests)?;
        let help = "Bytes of bodies that the upstream did not send, by how and by the rule";
        family("saved", help, Some(&Unit::Bytes), |spared| spared.bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        cache::{
            rules::{Rule, RuleName, Rules},
            saved::{By, Saved},
        },
        telemetry::metrics::Metrics,
    };

    #[test]
    fn each_rule_has_its_series_and_its_name_is_escaped() {
        let label = "a\"b\\c\nd".to_owned();
        let rule = Rule { name: RuleName::Numbered { number: 1, label }, ..Rule::default() };
        let saved = Saved::new(&Rules::new(vec![rule], Rule::default()));
        saved.note(0, By::Hit, 5);
        saved.note(1, By::Validated, 7);
        saved.note(1, By::Validated, 7);
        // No place of this number: nothing is counted, nothing breaks.
        saved.note(2, By::Hit, 1);

        let metrics = Metrics::new();
        metrics.watch_saved(saved);
        let text = metrics.text();
        let name = r#"rule 1 (a\"b\\c\nd)"#;
        for line in [
            r#"lunch_relay_saved_requests_total{by="hit",rule="flags"} 1"#.to_owned(),
            format!(r#"lunch_relay_saved_requests_total{{by="validated",rule="{name}"}} 2"#),
            r#"lunch_relay_saved_bytes_total{by="hit",rule="flags"} 5"#.to_owned(),
            format!(r#"lunch_relay_saved_bytes_total{{by="validated",rule="{name}"}} 14"#),
            format!(r#"lunch_relay_saved_bytes_total{{by="stale",rule="{name}"}} 0"#),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
