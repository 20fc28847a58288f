//! The live line on stderr.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use loadgen::{
    record::{Clock, Tag},
    run::{Event, Interval, Options},
};

/// A line that says how a run goes, where somebody can see it.
pub(crate) struct Progress {
    bar: ProgressBar,
    target: String,
    about: String,
    passed: Duration,
}

impl Progress {
    pub(crate) fn of(options: &Options) -> Self {
        let draw = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let length = options.program.length().map(millis);
        let bar = ProgressBar::with_draw_target(length, draw);
        let template = match length {
            Some(_) => "{elapsed} {wide_bar} {eta} left\n{msg}",
            None => "{elapsed} {spinner}\n{msg}",
        };
        // A template that is wrong is seen at once, and stops nothing.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let target = options.target.without_secrets();
        Self { bar, target, about: options.program.to_string(), passed: Duration::ZERO }
    }

    pub(crate) fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Countdown(left) => {
                let Self { target, about, .. } = self;
                // A countdown is for whoever may still stop it, terminal or not.
                let _ = writeln!(
                    std::io::stderr(),
                    "in {left} s: {about} to {target}; Ctrl-C if that is not yours to load"
                );
            }
            Event::Begins(_) => self.bar.set_message("connected"),
            Event::StepBegins(index, step) => self.bar.set_message(format!("step {index}: {step}")),
            Event::Interval(interval) => {
                self.passed += interval.length;
                self.bar.set_position(millis(self.passed));
                self.bar.set_message(line(interval));
            }
            Event::StepEnded(..) => {}
        }
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn line(interval: &Interval<'_>) -> String {
    let settling = interval.hold.is_empty();
    let record = if settling { interval.settle } else { interval.hold };
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    let rate = record.counts.completed() as f64 / interval.length.as_secs_f64().max(1e-9);
    let clock = [Clock::Response, Clock::Service].map(Tag::all);
    let times = clock.iter().find_map(|tag| record.times(*tag));
    let ms = |q: f64| times.map_or(0.0, |times| times.rough_quantile(q).as_secs_f64() * 1000.0);
    format!(
        "{}{rate:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {:.1} under way, {} errors",
        if settling { "settling: " } else { "" },
        ms(0.5),
        ms(0.99),
        interval.in_flight,
        record.counts.errors(),
    )
}
