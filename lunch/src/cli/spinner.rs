//! A sign of life while others think.

use std::{
    io::{self, IsTerminal, Write},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

/// What is answered sooner needs no sign of life.
const PATIENCE: Duration = Duration::from_millis(150);
const FRAME: Duration = Duration::from_millis(80);
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Turns on stderr until it is dropped; only if that is a terminal.
#[derive(Debug)]
pub(super) struct Spinner {
    turning: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Spinner {
    pub(super) fn start(what: &'static str) -> Spinner {
        if !io::stderr().is_terminal() {
            return Spinner { turning: None };
        }
        let (stop, stopped) = mpsc::channel();
        let turn = move || {
            let mut wait = PATIENCE;
            for frame in FRAMES.iter().cycle() {
                let RecvTimeoutError::Timeout = (match stopped.recv_timeout(wait) {
                    Ok(()) => break,
                    Err(error) => error,
                }) else {
                    break;
                };
                eprint!("\r{frame} {what}…\x1b[K");
                wait = FRAME;
            }
            if wait == FRAME {
                eprint!("\r\x1b[K");
            }
            // A sign of life that cannot be wiped away does no harm.
            let _ = io::stderr().flush();
        };
        // Without another thread there is no sign of life, but still lunch.
        let thread = thread::Builder::new().spawn(turn);
        Spinner { turning: thread.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.turning.take() {
            drop(stop);
            // It does nothing but print.
            let _ = thread.join();
        }
    }
}
