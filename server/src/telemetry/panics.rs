//! Panics: errors in the program. Each ends one request or one task, never the
//! process.

use std::{
    backtrace::Backtrace,
    panic,
    sync::atomic::{AtomicU64, Ordering},
};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Logs and counts each panic from now on, instead of what the standard library
/// would print.
pub fn watch() {
    panic::set_hook(Box::new(|info| {
        COUNT.fetch_add(1, Ordering::Relaxed);
        let backtrace = Backtrace::force_capture();
        tracing::error!(panic = %info, %backtrace, "panicked");
    }));
}

/// How many there have been since they are watched.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_counted() {
        let before = count();
        let usual = panic::take_hook();
        watch();
        let panicked = panic::catch_unwind(|| panic!("for the count"));
        panic::set_hook(usual);
        assert!(panicked.is_err());
        assert!(before < count());
    }
}
