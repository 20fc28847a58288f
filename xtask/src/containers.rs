//! The relay in containers: what one would put into a makefile, and a trial of
//! image and compose file on a real engine.

mod engine;
mod image;
mod trial;

use clap::Subcommand;

use self::engine::Engine;

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Build the image, with the commit in it, and start a relay in a container
    ///
    /// What it relays is in `RELAY_UPSTREAM`; `demo` is the built-in stand-in.
    Up {
        /// What to start beside it: cluster, observe
        profiles: Vec<String>,
    },

    /// Follow the logs of all containers
    Logs,

    /// Stop and remove all containers; what is stored stays
    Down,

    /// Try image and compose file on a container engine, where there is one
    ///
    /// Builds the image, starts it on ports of its own under a name of its own,
    /// and looks whether all is as docs/deploy.md says.
    Containers,
}

pub(crate) fn run(task: Task) -> anyhow::Result<()> {
    let engine = Engine::of_the_project();
    match task {
        Task::Up { profiles } => {
            let profiles = profiles.iter().flat_map(|profile| ["--profile", profile]);
            let arguments: Vec<&str> = profiles.chain(["up", "--detach", "--build"]).collect();
            engine.compose(&arguments)
        }
        Task::Logs => engine.compose(&["--profile", "*", "logs", "--follow"]),
        Task::Down => engine.compose(&["--profile", "*", "down"]),
        Task::Containers if !engine::is_there() => {
            println!("no container engine is there: image and compose file were not tried");
            Ok(())
        }
        Task::Containers => trial::run(),
    }
}
