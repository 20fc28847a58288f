//! How connections are made, and how many.

use std::{net::IpAddr, num::NonZeroUsize, path::PathBuf};

use anyhow::bail;
use clap::Args;
use loadgen::{
    target::Resolve,
    transport::{Protocol, Reuse, Trust},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Connections")]
pub(super) struct ConnectionArguments {
    /// Connections, all opened before the start [default: 64, or the users of --closed]
    #[arg(long, short, value_name = "N")]
    connections: Option<NonZeroUsize>,

    /// Threads that send
    #[arg(long, short, value_name = "N", default_value = "1")]
    pub(super) threads: NonZeroUsize,

    /// Processors to bind the threads to, as 0,1
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(super) pin: Vec<usize>,

    /// Speak HTTP/2, over TLS by ALPN and else by prior knowledge
    #[arg(long)]
    http2: bool,

    /// Requests at a time on each HTTP/2 connection
    #[arg(long, value_name = "N", default_value = "16")]
    streams: NonZeroUsize,

    /// Open a connection for each request; with --closed it is not known beforehand whether ports suffice, and what finds none fails as `addr_not_available`
    #[arg(long)]
    new_connections: bool,

    /// Connect to this unix socket
    #[arg(long, value_name = "PATH")]
    pub(super) unix_socket: Option<PathBuf>,

    /// Connect to ADDRESS for HOST:PORT, as example.org:443:127.0.0.1; the first of several that answers
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub(super) resolve: Vec<Resolve>,

    /// Connect from this address of this machine; several take turns
    #[arg(long, value_name = "ADDRESS")]
    pub(super) source: Vec<IpAddr>,

    /// Trust the certificates of this PEM file instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    cacert: Option<PathBuf>,

    /// Take any certificate
    #[arg(long)]
    insecure: bool,
}

impl ConnectionArguments {
    /// The protocol, and how many connections there are. The users of a closed
    /// model have one each, or share those of HTTP/2.
    pub(super) fn protocol(&self, users: Option<usize>) -> anyhow::Result<(Protocol, usize)> {
        let streams = self.streams.get();
        let asked = self.connections.map(NonZeroUsize::get);
        match (users, self.http2) {
            (None, false) => Ok((Protocol::Http1, asked.unwrap_or(64))),
            (None, true) => Ok((Protocol::Http2 { streams }, asked.unwrap_or(64))),
            (Some(users), false) if asked.is_none_or(|asked| asked == users) => {
                Ok((Protocol::Http1, users))
            }
            (Some(users), false) => {
                bail!("--closed {users} has {users} connections: leave --connections out")
            }
            (Some(users), true) => {
                let connections = asked.unwrap_or_else(|| users.div_ceil(streams));
                if !users.is_multiple_of(connections) {
                    bail!(
                        "{users} users cannot share {connections} connections evenly: give \
                         --connections a divisor of --closed"
                    );
                }
                Ok((Protocol::Http2 { streams: users / connections }, connections))
            }
        }
    }

    pub(super) fn reuse(&self) -> Reuse {
        if self.new_connections { Reuse::PerRequest } else { Reuse::KeepAlive }
    }

    pub(super) fn trust(&self) -> anyhow::Result<Trust> {
        match &self.cacert {
            Some(path) => Ok(Trust::Only(super::read("--cacert", path)?)),
            None if self.insecure => Ok(Trust::Anyone),
            None => Ok(Trust::System),
        }
    }
}
