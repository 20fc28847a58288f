//! Whether the relay is alive, and whether it takes requests.

use poem_openapi::{ApiResponse, Enum, Object, OpenApi, Tags, payload::Json};

use crate::{release, serve::Drain};

/// Health of the process.
#[derive(Clone, Debug)]
pub struct HealthApi {
    /// Of the public listener.
    pub drain: Drain,
}

/// What an endpoint is about.
#[derive(Tags)]
#[oai(rename_all = "lowercase")]
enum Topic {
    /// The relay itself
    Health,
}

/// What the relay is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
pub enum Condition {
    /// The process answers.
    Alive,
    /// Requests are welcome.
    Ready,
    /// The relay is about to end: what is in flight is finished, no more is accepted.
    Draining,
}

/// How the relay is.
#[derive(Clone, Debug, Object)]
pub struct Health {
    /// What it is doing.
    pub status: Condition,
    /// Its version.
    pub version: String,
    /// The commit it was built from, or `unknown`.
    pub revision: String,
}

/// The answer of `/healthz`.
#[derive(Debug, ApiResponse)]
pub enum Live {
    /// The process answers.
    #[oai(status = 200)]
    Alive(Json<Health>),
}

/// The answer of `/readyz`.
#[derive(Debug, ApiResponse)]
pub enum Readiness {
    /// Requests are welcome.
    #[oai(status = 200)]
    Ready(Json<Health>),
    /// The relay is about to end: send no more.
    #[oai(status = 503)]
    Draining(Json<Health>),
}

#[OpenApi(tag = "Topic::Health")]
#[expect(clippy::unused_async, reason = "the macro asks for async functions")]
impl HealthApi {
    /// Is the process alive?
    ///
    /// 200 as long as it answers at all.
    #[oai(path = "/healthz", method = "get", operation_id = "healthz")]
    async fn live(&self) -> Live {
        Live::Alive(health(Condition::Alive))
    }

    /// Does the relay take requests?
    ///
    /// 200 while it does, 503 from the first signal to end.
    #[oai(path = "/readyz", method = "get", operation_id = "readyz")]
    async fn ready(&self) -> Readiness {
        if self.drain.has_begun() {
            Readiness::Draining(health(Condition::Draining))
        } else {
            Readiness::Ready(health(Condition::Ready))
        }
    }
}

fn health(status: Condition) -> Json<Health> {
    Json(Health {
        status,
        version: release::VERSION.to_owned(),
        revision: release::REVISION.to_owned(),
    })
}
