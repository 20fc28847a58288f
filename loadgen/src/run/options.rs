//! What a run is asked to do.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use bytes::Bytes;
use hyper::{HeaderMap, Method};

use crate::{
    condition::{Condition, Slo},
    dispatch::LatePolicy,
    program::Program,
    schedule::Shard,
    target::{Permission, Resolve, Target},
    transport::{Expected, Protocol, Reuse, Timeouts, Trust},
};

/// What a run does.
#[derive(Debug)]
pub struct Options {
    /// What is requested.
    pub target: Target,
    /// Whether it may be on another machine, and at which rate.
    pub permission: Permission,
    /// Names that are looked up by hand.
    pub resolve: Vec<Resolve>,
    /// Connections go to this socket, whatever the target's host.
    pub unix_socket: Option<PathBuf>,
    /// The method of the requests.
    pub method: Method,
    /// Fields of the requests; `Host` where it is not the target's.
    pub headers: HeaderMap,
    /// Their body.
    pub body: Bytes,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    /// What becomes of a connection after an answer.
    pub reuse: Reuse,
    /// Addresses of this machine that connections come from.
    pub sources: Vec<IpAddr>,
    /// How long each phase of a request may take.
    pub timeouts: Timeouts,
    /// Whose certificates are good.
    pub trust: Trust,
    /// What bodies are compared with.
    pub expected: Expected,
    /// Which steps are run.
    pub program: Program,
    /// What a search, or a calibration, looks for.
    pub goal: Goal,
    /// What becomes of requests that are late.
    pub late: LatePolicy,
    /// Which part of the requests this generator sends.
    pub shard: Shard,
    /// How many threads send.
    pub threads: usize,
    /// How many connections they have together.
    pub connections: usize,
    /// Processors that the threads are bound to.
    pub pin: Vec<usize>,
    /// How long after a step's end requests may still be under way.
    pub drain: Duration,
    /// How long intervals are.
    pub interval: Duration,
    /// What makes the run fail.
    pub fail_if: Vec<Condition>,
    /// What ends it early.
    pub abort_if: Vec<Condition>,
    /// The highest rate that the generator was found to be good for.
    pub ceiling: Option<f64>,
    /// The command line, to be written down.
    pub arguments: Vec<String>,
    /// What random arrivals are drawn from, to be written down.
    pub seed: Option<u64>,
}

impl Options {
    /// `program` against `target` on this machine: over 64 connections of one
    /// thread, with nothing demanded.
    pub fn new(target: Target, program: Program) -> Self {
        Self {
            target,
            permission: Permission::LoopbackOnly,
            resolve: Vec::new(),
            unix_socket: None,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            protocol: Protocol::Http1,
            reuse: Reuse::KeepAlive,
            sources: Vec::new(),
            timeouts: Timeouts {
                connect: Duration::from_secs(10),
                header: Duration::from_secs(30),
                body: Duration::from_secs(30),
            },
            trust: Trust::System,
            expected: Expected::first(),
            program,
            goal: Goal::OwnCeiling,
            late: LatePolicy::Send,
            shard: Shard::WHOLE,
            threads: 1,
            connections: 64,
            pin: Vec::new(),
            drain: Duration::from_secs(10),
            interval: Duration::from_secs(1),
            fail_if: Vec::new(),
            abort_if: Vec::new(),
            ceiling: None,
            arguments: Vec::new(),
            seed: None,
        }
    }
}

/// What a search looks for: the highest rate at which this is so.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// The target does what is demanded.
    Slo(Slo),
    /// The generator is not the limit.
    OwnCeiling,
}
