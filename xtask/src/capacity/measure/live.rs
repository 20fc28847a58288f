//! How far a measurement is, for whoever waits for it.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;

/// Says it on standard error: by a bar on a terminal, and elsewhere by a line for
/// each trial.
#[derive(Debug)]
pub struct Live {
    bar: Option<ProgressBar>,
}

impl Live {
    /// Nothing is said yet.
    pub fn new() -> Self {
        Self { bar: stderr().is_terminal().then(bar) }
    }

    /// Says it.
    pub fn say(&self, progress: &Progress) {
        match (progress, &self.bar) {
            (Progress::Trial { number, of, .. }, Some(bar)) => {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.set_length(count(*of));
                bar.set_position(count(number.saturating_sub(1)));
                bar.set_message(progress.to_string());
            }
            // The build has bars of its own.
            _ => eprintln!("{progress}"),
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Not seen before the first trial.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    // A template that is wrong is seen at once, and stops nothing.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
