//! The arguments of `cargo xtask compare`.

use std::{num::NonZeroU32, time::Duration};

use clap::{Args, Subcommand};
use loadgen::number;

use super::{Question, Server, Table, Task};

/// What is compared, and how it is printed.
#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Answers of 1.5 KB from the store: processor time, requests per second, latency
    Hit(Steady),

    /// Answers that say no-store, so that each request goes to the origin: the same
    Miss(Steady),

    /// Many clients at once, nothing stored, an origin that takes a second
    Burst(Burst),
}

/// Of a load that goes on.
#[derive(Debug, Args)]
pub struct Steady {
    /// For how long each server is loaded in each of its turns
    #[arg(long, value_name = "D", default_value = "3s", value_parser = number::duration)]
    hold: Duration,

    #[command(flatten)]
    common: Common,
}

/// Of a load that comes at once.
#[derive(Debug, Args)]
pub struct Burst {
    /// How many clients there are
    #[arg(long, value_name = "N", default_value = "1000")]
    clients: NonZeroU32,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// How often every server has its turn
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: NonZeroU32,

    /// What is put beside the relay; the floor is the bare responder, in `hit` alone
    #[arg(
        long,
        value_name = "LIST",
        value_enum,
        value_delimiter = ',',
        default_value = "floor,nginx,varnish"
    )]
    beside: Vec<Server>,

    /// Print the table as the README has it
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    /// What they ask for.
    pub fn task(&self) -> Task {
        let (question, hold, common) = match self {
            Self::Hit(Steady { hold, common }) => (Question::Hit, *hold, common),
            Self::Miss(Steady { hold, common }) => (Question::Miss, *hold, common),
            Self::Burst(Burst { clients, common }) => {
                (Question::Burst { clients: *clients }, Duration::ZERO, common)
            }
        };
        Task { question, beside: common.beside.clone(), rounds: common.rounds, hold }
    }

    /// The table as they want it printed.
    pub fn print(&self, table: &Table) -> String {
        let (Self::Hit(Steady { common, .. })
        | Self::Miss(Steady { common, .. })
        | Self::Burst(Burst { common, .. })) = self;
        if common.markdown { table.markdown() } else { table.text() }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        arguments: Arguments,
    }

    fn task(line: &str) -> Result<Task, clap::Error> {
        let words = ["compare"].into_iter().chain(line.split_whitespace());
        Ok(Line::try_parse_from(words)?.arguments.task())
    }

    #[test]
    fn what_is_asked_for() {
        let hit = task("hit --rounds 2 --hold 200ms --beside floor").unwrap();
        assert_eq!((hit.question, hit.rounds.get()), (Question::Hit, 2));
        assert_eq!((hit.hold, hit.beside), (Duration::from_millis(200), vec![Server::Floor]));
        let miss = task("miss").unwrap();
        assert_eq!((miss.question, miss.rounds.get()), (Question::Miss, 5));
        assert_eq!(miss.beside, [Server::Floor, Server::Nginx, Server::Varnish]);
        let clients = NonZeroU32::new(9000).unwrap();
        assert_eq!(task("burst --clients 9000").unwrap().question, Question::Burst { clients });
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["hit --rounds 0", "hit --clients 5", "burst --hold 1s", "hit --beside relay"] {
            assert!(task(line).is_err(), "{line}");
        }
    }
}
