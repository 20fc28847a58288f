//! The process, for the operator: its log, its configuration, and what went
//! wrong last.

use std::sync::Arc;

use poem_openapi::{
    ApiRequest, Object, OpenApi, Tags,
    payload::{Form, Json},
    types::Any,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cache::{Cache, mishaps::Mishap},
    problem::Problem,
    reload::Reloader,
    telemetry::log,
};

/// Bytes of a filter of the log, at most.
const LONGEST_FILTER: usize = 4096;

/// The process, for the operator.
#[derive(Clone, Debug)]
pub struct ProcessApi {
    /// Where what went wrong is remembered.
    pub cache: Arc<Cache>,
    /// What knows the configuration that is in force.
    pub reloader: Arc<Reloader>,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// The relay itself
    Process,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Object, Deserialize)]
pub struct Log {
    /// A level, or `TARGET=LEVEL,…`, as `--log` says it.
    pub filter: String,
}

/// What is to be logged, in either form.
#[derive(ApiRequest)]
enum LogRequest {
    /// As JSON.
    Json(Json<Log>),
    /// As a form.
    Form(Form<Log>),
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq, Object)]
pub struct Errors {
    /// The last of them first; as many as are remembered.
    pub items: Vec<Mishap>,
}

#[OpenApi(tag = "Topic::Process")]
#[expect(clippy::unused_async, reason = "the macro asks for async functions")]
impl ProcessApi {
    /// What is logged
    #[oai(path = "/v1/log", method = "get", operation_id = "log")]
    async fn log(&self) -> Json<Log> {
        Json(Log { filter: log::level() })
    }

    /// Change what is logged, until the process ends
    #[oai(path = "/v1/log", method = "put", operation_id = "set_log")]
    async fn set_log(&self, asked: LogRequest) -> poem::Result<Json<Log>> {
        let (LogRequest::Json(Json(asked)) | LogRequest::Form(Form(asked))) = asked;
        if LONGEST_FILTER < asked.filter.len() {
            let detail = format!("filter: {LONGEST_FILTER} bytes at most");
            return Err(Problem::bad_request(detail).into());
        }
        log::set_level(&asked.filter).map_err(Problem::bad_request)?;
        tracing::info!(filter = asked.filter, "the operator has changed what is logged");
        Ok(Json(asked))
    }

    /// The configuration in force
    ///
    /// By the names of the flags; secrets are masked.
    #[oai(path = "/v1/config", method = "get", operation_id = "config")]
    async fn config(&self) -> Json<Any<Value>> {
        Json(Any(self.reloader.in_force().await))
    }

    /// The last times that the upstream did not answer as it should
    ///
    /// What was asked for, what went wrong, and what the client got; one for each exchange with
    /// the upstream, however many clients waited for it.
    #[oai(path = "/v1/errors", method = "get", operation_id = "errors")]
    async fn errors(&self) -> Json<Errors> {
        Json(Errors { items: self.cache.mishaps() })
    }
}
