//! Clients' connections, and the fills that they wait for.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// The counters.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) open: Gauge,
    pub(super) accepted: Counter,
    pub(super) refused: Counter,
    pub(super) flights: Gauge,
}

impl Connections {
    /// All at zero.
    pub(super) fn new(registry: &mut Registry) -> Connections {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let open = gauge("connections_open", "Client connections open now");
        let flights = gauge("flights", "Fills under way: one for each key that is being fetched");
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let accepted = counter("connections", "Client connections accepted");
        let refused = counter("connections_refused", "Client connections answered 503: too many");
        Connections { open, accepted, refused, flights }
    }
}

/// Something counted by a gauge for as long as it lives.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    pub(super) fn of(gauge: &Gauge) -> Open {
        gauge.inc();
        Open(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
