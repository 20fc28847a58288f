//! What is counted of reloads and of TLS.

use std::{
    fmt,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};

/// What came of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// What had changed is in force.
    Applied,
    /// Nothing had changed.
    Unchanged,
    /// What was read is not good: nothing has changed.
    Refused,
}

impl ReloadOutcome {
    const ALL: [ReloadOutcome; 3] =
        [ReloadOutcome::Applied, ReloadOutcome::Unchanged, ReloadOutcome::Refused];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            ReloadOutcome::Applied => "applied",
            ReloadOutcome::Unchanged => "unchanged",
            ReloadOutcome::Refused => "refused",
        }
    }
}

/// Why a TLS handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// It took too long.
    TimedOut,
    /// Too many others were under way.
    TooMany,
    /// What the client sent was no TLS, or asked for what is not offered.
    Refused,
    /// The client closed the connection.
    Closed,
}

impl HandshakeFailure {
    const ALL: [HandshakeFailure; 4] = [
        HandshakeFailure::TimedOut,
        HandshakeFailure::TooMany,
        HandshakeFailure::Refused,
        HandshakeFailure::Closed,
    ];

    fn as_str(self) -> &'static str {
        match self {
            HandshakeFailure::TimedOut => "timed-out",
            HandshakeFailure::TooMany => "too-many",
            HandshakeFailure::Refused => "refused",
            HandshakeFailure::Closed => "closed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The series of reloads and of TLS.
#[derive(Debug)]
pub(super) struct Reloads {
    outcomes: [Counter; ReloadOutcome::ALL.len()],
    last_is_good: Gauge,
    last_success: Gauge,
    handshakes: [Counter; HandshakeFailure::ALL.len()],
    certificate: std::sync::Arc<CertificateCollector>,
}

impl Reloads {
    /// All series, at zero.
    pub(super) fn new(registry: &mut Registry) -> Reloads {
        let outcomes = Family::<Outcome, Counter>::default();
        let help = "Reloads of the configuration, by what came of them";
        registry.register("reloads", help, outcomes.clone());
        let last_is_good = Gauge::default();
        let help =
            "1 where the configuration that was read last is in force, 0 where it was refused";
        registry.register("reload_last_successful", help, last_is_good.clone());
        let last_success = Gauge::default();
        let help =
            "When the configuration was last read and found good, the start included (Unix time)";
        let unit = Unit::Seconds;
        registry.register_with_unit(
            "reload_last_success_timestamp",
            help,
            unit,
            last_success.clone(),
        );
        let failures = Family::<Reason, Counter>::default();
        let help = "TLS handshakes of clients that came to nothing, by why";
        registry.register("tls_handshake_failures", help, failures.clone());
        let certificate = std::sync::Arc::new(CertificateCollector::default());
        registry.register_collector(Box::new(std::sync::Arc::clone(&certificate)));
        Reloads {
            outcomes: ReloadOutcome::ALL.map(|outcome| {
                outcomes.get_or_create_owned(&Outcome { outcome: outcome.as_str() })
            }),
            last_is_good,
            last_success,
            handshakes: HandshakeFailure::ALL
                .map(|why| failures.get_or_create_owned(&Reason { reason: why.as_str() })),
            certificate,
        }
    }
}

impl super::Metrics {
    /// Counts a reload.
    pub fn reloaded(&self, outcome: ReloadOutcome, now: SystemTime) {
        self.reloads.outcomes[outcome as usize].inc();
        if outcome == ReloadOutcome::Refused {
            self.reloads.last_is_good.set(0);
        } else {
            self.configured(now);
        }
    }

    /// Notes that the configuration has been read and found good.
    pub fn configured(&self, now: SystemTime) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.reloads.last_is_good.set(1);
        self.reloads.last_success.set(i64::try_from(since).unwrap_or(i64::MAX));
    }

    /// Counts a TLS handshake that came to nothing.
    pub fn handshake_failed(&self, why: HandshakeFailure) {
        self.reloads.handshakes[why as usize].inc();
    }

    /// Adds how long the certificate is still valid, in seconds, read at each
    /// scrape; the first call counts.
    pub fn watch_certificate(&self, left: impl Fn() -> i64 + Send + Sync + 'static) {
        let _ = self.reloads.certificate.0.set(Box::new(left));
    }
}

/// Asks how long the certificate is valid, once there is one.
#[derive(Default)]
struct CertificateCollector(OnceLock<Box<dyn Fn() -> i64 + Send + Sync>>);

impl fmt::Debug for CertificateCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateCollector")
    }
}

impl Collector for CertificateCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(left) = self.0.get() else { return Ok(()) };
        let help = "How long the public listener's certificate is still valid; negative where it has expired";
        let gauge = ConstGauge::<i64>::new(left());
        let unit = Some(&Unit::Seconds);
        gauge.encode(encoder.encode_descriptor(
            "tls_certificate_expiry",
            help,
            unit,
            gauge.metric_type(),
        )?)
    }
}
