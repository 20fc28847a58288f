//! The configuration, read anew when the operator says so.

use std::sync::Arc;

use poem_openapi::{Enum, Object, OpenApi, Tags, payload::Json, types::Any};
use serde_json::Value;

use crate::{
    config::{Change, Effect},
    problem::Problem,
    reload::Reloader,
};

/// Reloads, for the operator.
#[derive(Clone, Debug)]
pub struct ReloadApi {
    /// What does it.
    pub reloader: Arc<Reloader>,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// The configuration
    Configuration,
}

/// What a reload has changed.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Reloaded {
    /// The settings whose values are others now; empty where nothing has changed.
    pub changes: Vec<Changed>,
}

/// A setting with another value.
#[derive(Clone, Debug, PartialEq, Object)]
pub struct Changed {
    /// The flag's name, `rule N` for a rule of the file, `certificate` for what
    /// is in the file that --tls-cert names.
    pub setting: String,
    /// The value before, secrets masked; null: there was none.
    pub before: Option<Any<Value>>,
    /// The value that was read.
    pub after: Option<Any<Value>>,
    /// When it counts.
    pub effect: When,
}

/// When a change counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum When {
    /// It does.
    Now,
    /// Its rules count, the names that it reserves will after a restart.
    Partly,
    /// After a restart: it cannot change while the relay runs.
    Restart,
}

impl From<Change> for Changed {
    fn from(change: Change) -> Changed {
        let Change { setting, before, after, effect } = change;
        Changed {
            setting,
            before: before.map(Any),
            after: after.map(Any),
            effect: match effect {
                Effect::Now => When::Now,
                Effect::Partly => When::Partly,
                Effect::Restart => When::Restart,
            },
        }
    }
}

#[OpenApi(tag = "Topic::Configuration")]
impl ReloadApi {
    /// Read the configuration anew
    ///
    /// File, flags, environment and certificates, as SIGHUP does. All that can
    /// change while the relay runs is put in force at once, or nothing is: 422
    /// says why.
    #[oai(path = "/v1/reload", method = "post", operation_id = "reload")]
    async fn reload(&self) -> poem::Result<Json<Reloaded>> {
        match self.reloader.reload().await {
            Ok(changes) => {
                Ok(Json(Reloaded { changes: changes.into_iter().map(Changed::from).collect() }))
            }
            Err(refused) => Err(Problem::new(
                http::StatusCode::UNPROCESSABLE_ENTITY,
                "http_request_error",
                format!("nothing has changed: {refused}"),
            )
            .into()),
        }
    }
}
