//! What the governor has let go and refused, read at each scrape.

use std::{fmt::Debug, sync::OnceLock};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use super::gauge;
use crate::{
    exchange::{Bound, Purpose},
    upstream::governor::{
        budget::Source,
        ledger::{Figures, Spent},
    },
};

type Ask = Box<dyn Fn() -> Figures + Send + Sync>;

/// Asks the governor, once there is one.
#[derive(Default)]
pub(super) struct GovernorCollector(OnceLock<Ask>);

impl GovernorCollector {
    /// The first call counts.
    pub(super) fn watch(&self, figures: Ask) {
        let _ = self.0.set(figures);
    }
}

impl Debug for GovernorCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GovernorCollector")
    }
}

impl Collector for GovernorCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(figures) = self.0.get() else { return Ok(()) };
        let figures = figures();
        let Figures { ledger, waiting, rate, .. } = figures;

        let help = "Requests that were let go, by what they were for and how they came out";
        let mut family =
            encoder.encode_descriptor("upstream_spent", help, None, MetricType::Counter)?;
        for purpose in Purpose::ALL {
            for how in Spent::ALL {
                let labels = [("purpose", purpose.as_str()), ("outcome", how.as_str())];
                ConstCounter::new(ledger.spent(purpose, how))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Requests that were not put to the upstream, by the bound that was reached";
        let mut family =
            encoder.encode_descriptor("upstream_shed", help, None, MetricType::Counter)?;
        for bound in Bound::ALL {
            let labels = [("bound", bound.as_str())];
            ConstCounter::new(ledger.refused(bound)).encode(family.encode_family(&labels)?)?;
        }
        let mut counter = |name, help, value| {
            ConstCounter::new(value).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)
        };
        let help = "Times that the upstream was left alone: it asked for that, or kept failing";
        counter("upstream_holds", help, ledger.held)?;
        counter("upstream_queued", "Requests that waited for their turn", ledger.waited)?;

        gauge(&mut encoder, "upstream_waiting", "Requests that wait now", None, waiting)?;
        gauge(
            &mut encoder,
            "upstream_under_way",
            "Requests under way now",
            None,
            figures.total_under_way(),
        )?;
        let help = "Whose budget requests are taken from: this relay's own, the one that relays share, or its own until that can be shared again";
        let mut family =
            encoder.encode_descriptor("upstream_budget", help, None, MetricType::Gauge)?;
        for source in Source::ALL {
            let labels = [("source", source.as_str())];
            ConstGauge::new(u64::from(source == figures.source))
                .encode(family.encode_family(&labels)?)?;
        }
        let seconds = Some(&Unit::Seconds);
        let help = "How long the upstream is still left alone";
        gauge(&mut encoder, "upstream_hold", help, seconds, figures.held_for())?;
        let Some(rate) = rate else { return Ok(()) };
        let help = "Requests a second that the upstream is asked at most";
        let metric = ConstGauge::new(rate);
        metric.encode(encoder.encode_descriptor("upstream_rate", help, None, MetricType::Gauge)?)
    }
}
