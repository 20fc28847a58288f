//! `cargo xtask compare`: the relay beside nginx and Varnish on this machine, in
//! the same minutes.
//!
//! In each round every server has its turn, so that a change of the machine's
//! speed meets all of them; what is to be quoted are medians over rounds and
//! ratios within one. The servers are bound to one processor, the load
//! generator and the origin to another. What a server costs is the kernel's own
//! account of its processes.
//!
//! `server` says how each is started, `load` what it is asked, and `report`
//! what it comes to: these are values. `bench` starts the processes, `steady`
//! and `burst` are the rounds.

mod arguments;
mod bench;
mod burst;
mod conditions;
mod load;
mod report;
mod server;
mod statistics;
mod steady;
mod table;

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub use arguments::Arguments;
pub use conditions::Conditions;
pub use server::{Missing, Server};
pub use table::Table;

use crate::processes::{Programs, installed, processors};
use bench::Bench;
use server::Workload;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Answers from the store.
    Hit,
    /// Answers that nothing may keep.
    Miss,
    /// So many clients at once, with nothing stored and a slow origin.
    Burst {
        /// How many.
        clients: NonZeroU32,
    },
}

/// What is measured, and how thoroughly.
#[derive(Debug, Clone)]
pub struct Task {
    /// What is compared.
    pub question: Question,
    /// What is put beside the relay.
    pub beside: Vec<Server>,
    /// How often every server has its turn.
    pub rounds: NonZeroU32,
    /// For how long each is loaded in a turn.
    pub hold: Duration,
}

/// How long the origin of a burst takes.
const SLOW: Duration = Duration::from_secs(1);

/// Measures with the programs that `build` makes. `say` is told how far it is;
/// `interrupted` ends it.
///
/// Fails with [`Missing`], before anything is built, where a server is not
/// installed.
pub fn compare(
    task: &Task,
    build: impl FnOnce() -> anyhow::Result<Programs>,
    interrupted: Arc<AtomicBool>,
    mut say: impl FnMut(&str),
) -> anyhow::Result<Table> {
    let servers = task.servers();
    let peers = server::Peers::find(&servers, installed)?;
    // Of what is started from here each inherits the limit.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let bench = Bench::new(build()?, peers, &processors()?, interrupted)?;
    measure(&bench, task, &mut say).map_err(|error| match bench.keep() {
        Some(logs) => error.context(format!("what was said meanwhile is in {}", logs.display())),
        None => error,
    })
}

/// The exit code of what failed: 2, as for wrong arguments, where the message says
/// what to do before it can be measured.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Missing>() { 2 } else { 1 }
}

fn measure(bench: &Bench, task: &Task, say: &mut dyn FnMut(&str)) -> anyhow::Result<Table> {
    let conditions = bench.conditions(task)?;
    Ok(match task.question {
        Question::Hit => {
            report::steady(&steady::measure(bench, task, Workload::Hit, say)?, &conditions)
        }
        Question::Miss => {
            report::steady(&steady::measure(bench, task, Workload::Miss, say)?, &conditions)
        }
        Question::Burst { clients } => {
            report::burst(clients, &burst::measure(bench, task, clients, say)?, &conditions)
        }
    })
}

impl Task {
    /// The relay first; what has no origin behind it only where none is needed.
    fn servers(&self) -> Vec<Server> {
        let fits = |server: &Server| match self.question {
            Question::Hit => true,
            Question::Miss | Question::Burst { .. } => *server != Server::Floor,
        };
        let mut servers = vec![Server::Relay];
        for server in self.beside.iter().copied().filter(fits) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(question: Question, beside: &[Server]) -> Vec<Server> {
        let (rounds, hold) = (NonZeroU32::MIN, Duration::ZERO);
        Task { question, beside: beside.to_vec(), rounds, hold }.servers()
    }

    #[test]
    fn what_is_not_installed_is_another_failure() {
        let missing = server::Peers::find(&[Server::Nginx], |_| None).unwrap_err();
        assert_eq!(exit_code(&missing.into()), 2);
        assert_eq!(exit_code(&anyhow::anyhow!("interrupted")), 1);
    }

    #[test]
    fn each_server_has_one_turn_where_it_has_one() {
        use Server::{Floor, Nginx, Relay, Varnish};
        let clients = NonZeroU32::MIN;
        let all = [Nginx, Floor, Varnish, Nginx, Relay];
        assert_eq!(servers(Question::Hit, &all), [Relay, Nginx, Floor, Varnish]);
        assert_eq!(servers(Question::Miss, &all), [Relay, Nginx, Varnish]);
        assert_eq!(servers(Question::Burst { clients }, &all), [Relay, Nginx, Varnish]);
        assert_eq!(servers(Question::Hit, &[]), [Relay]);
    }
}
