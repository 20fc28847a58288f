//! What is asked of a hold on the upstream.

use std::time::Duration;

use poem_openapi::{
    ApiRequest, Object,
    payload::{Form, Json},
};
use serde::Deserialize;

use crate::{config::Span, problem::Problem, upstream::held::LONGEST};

/// Bytes of a reason, at most.
const LONGEST_REASON: usize = 1000;

/// A hold, in either form.
#[derive(ApiRequest)]
pub(super) enum HoldRequest {
    /// As JSON.
    Json(Json<HoldAsked>),
    /// As a form.
    Form(Form<HoldAsked>),
}

/// For how long the upstream is left alone, and why.
#[derive(Clone, Debug, Object, Deserialize)]
pub(crate) struct HoldAsked {
    /// For how long, such as `60s` or `10m`; a day at most.
    #[oai(rename = "for")]
    #[serde(rename = "for")]
    pub(crate) time: String,
    /// Why: it is shown to whoever looks.
    pub(crate) reason: Option<String>,
}

impl HoldAsked {
    /// For how long, and why; or what is wrong with it.
    pub(crate) fn read(self) -> Result<(Duration, String), Problem> {
        let time: Span = self
            .time
            .parse()
            .map_err(|error| Problem::bad_request(format!("for={}: {error}", self.time)))?;
        let time = Duration::from(time);
        if time.is_zero() || LONGEST < time {
            let detail = "the upstream is held for up to a day: say for=60s, or release it";
            return Err(Problem::bad_request(detail));
        }
        let reason = self.reason.unwrap_or_default();
        if LONGEST_REASON < reason.len() {
            let detail = format!("the reason has {LONGEST_REASON} bytes at most");
            return Err(Problem::bad_request(detail));
        }
        Ok((time, reason))
    }
}
