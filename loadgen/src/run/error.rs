//! Why there is nothing to report.

use std::io;

use thiserror::Error;

use super::{BudgetError, Contradiction};
use crate::{
    engine::EngineError,
    record::Miscounted,
    target::Refused,
    transport::{Failure, TlsError},
};

/// Why there is nothing to report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The target may not be loaded.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// This machine has too little for it.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// What is asked for does not go together.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// What was asked for cannot be a request.
    #[error("not a request: {0}")]
    Request(#[from] hyper::http::Error),
    /// There can be no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The arguments contradict each other.
    #[error("{0}")]
    Arguments(&'static str),
    /// A thread cannot be bound to a processor.
    #[error("{0}: choose others with --pin")]
    Pin(String, #[source] io::Error),
    /// The target's name has no answer, or it takes no connection.
    #[error("cannot reach the target ({0}): is it up, and is that its address?")]
    Unreachable(Failure),
    /// This machine has no address, port or descriptor for the connections.
    #[error("this machine cannot open the connections ({0}): are --source and ulimit -n right?")]
    Unopened(Failure),
    /// A signal came before the first request.
    #[error("interrupted before the first request")]
    Interrupted,
    /// The generator contradicts itself.
    #[error(transparent)]
    Miscounted(#[from] Miscounted),
    /// A thread cannot be started, or has ended too early.
    #[error("a thread of the generator failed")]
    Thread(#[source] io::Error),
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Unreachable(failure) if failure.fault.is_the_generators() => {
                Self::Unopened(failure)
            }
            EngineError::Unreachable(failure) => Self::Unreachable(failure),
            EngineError::Thread(error) => Self::Thread(error),
            EngineError::Pin(processor, error) => {
                Self::Pin(format!("cannot bind a thread to processor {processor}"), error)
            }
        }
    }
}
