//! Signals that end a measurement.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What SIGINT, SIGTERM and SIGHUP set.
pub fn interrupted() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}
