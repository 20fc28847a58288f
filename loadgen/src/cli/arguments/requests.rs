//! What a request is, and how long its answer may take.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use hyper::{
    HeaderMap, Method,
    header::{HeaderName, HeaderValue},
};
use loadgen::{
    number,
    transport::{Expected, Print, Timeouts},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(super) struct RequestArguments {
    /// Request method
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub(super) method: Method,

    /// Request field, as 'accept: text/plain'; may be repeated
    #[arg(long, short = 'H', value_name = "FIELD", value_parser = header)]
    header: Vec<(HeaderName, HeaderValue)>,

    /// Request body, or @FILE with it
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,

    /// The body that each 200 has to have; others fail [default: the first is compared with, and others are counted]
    #[arg(long, value_name = "FILE")]
    expect_body: Option<PathBuf>,

    /// How long a connection may take to be opened, TLS included
    #[arg(long, value_name = "D", default_value = "10s", value_parser = number::duration)]
    connect_timeout: Duration,

    /// How long it may take from a request to the head of its answer
    #[arg(long, value_name = "D", default_value = "30s", value_parser = number::duration)]
    header_timeout: Duration,

    /// How long it may take from there to the end of the body
    #[arg(long, value_name = "D", default_value = "30s", value_parser = number::duration)]
    body_timeout: Duration,

    /// How long to wait at the end of a step for requests under way
    #[arg(long, value_name = "D", default_value = "10s", value_parser = number::duration)]
    pub(super) drain: Duration,
}

impl RequestArguments {
    pub(super) fn headers(&self) -> HeaderMap {
        self.header.iter().cloned().collect()
    }

    pub(super) fn body(&self) -> anyhow::Result<Bytes> {
        match self.body.as_deref().map(|text| text.strip_prefix('@').ok_or(text)) {
            None => Ok(Bytes::new()),
            Some(Ok(path)) => Ok(super::read("--body", Path::new(path))?.into()),
            Some(Err(text)) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    pub(super) fn expected(&self) -> anyhow::Result<Expected> {
        match &self.expect_body {
            Some(path) => Ok(Expected::Exactly(Print::of(&super::read("--expect-body", path)?))),
            None => Ok(Expected::first()),
        }
    }

    pub(super) fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: self.connect_timeout,
            header: self.header_timeout,
            body: self.body_timeout,
        }
    }
}

/// A field as it is typed.
pub(crate) fn header(line: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':').context("it looks like 'name: value'")?;
    Ok((HeaderName::from_str(name.trim())?, HeaderValue::from_str(value.trim())?))
}
