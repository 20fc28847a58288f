//! What would happen to a request.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::{Request, Response};
use serde::Deserialize;

use super::frame::{Frame, Tab, html, query};
use crate::{
    cache::{
        explain::{Explanation, Verdict},
        key::CacheKey,
    },
    console::{
        Console,
        words::{self, Tone},
    },
    problem::Problem,
};

/// What is asked about.
#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    method: String,
    url: String,
    fields: String,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked { method: "GET".to_owned(), url: String::new(), fields: String::new() }
    }
}

#[derive(Template)]
#[template(path = "explain.html")]
struct Explained {
    frame: Frame,
    asked: Asked,
    problem: Option<String>,
    said: Option<Explanation>,
    /// The decision in words.
    verdict: &'static str,
    tone: Tone,
    /// The entry that is stored for it.
    entry: Option<String>,
}

pub(in crate::console) async fn explain(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Explain);
    let asked: Asked = match query(&request) {
        Ok(asked) => asked,
        Err(problem) => return frame.refused(&problem),
    };
    let (said, problem) = match (!asked.url.is_empty()).then(|| explanation(&console, &asked)) {
        None => (None, None),
        Some(Ok(said)) => (Some(said), None),
        Some(Err(problem)) => (None, Some(problem)),
    };
    let entry = said.as_ref().filter(|said| 0 < said.variants);
    let entry = entry.and_then(|said| CacheKey::of_text(&said.key)).map(|key| key.id());
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let problem = problem.map(|problem| problem.detail);
    let (verdict, tone) = said.as_ref().map_or(("", Tone::Good), |said| verdict(said.decision));
    html(status, &Explained { frame, asked, problem, said, verdict, tone, entry })
}

fn explanation(console: &Console, asked: &Asked) -> Result<Explanation, Problem> {
    let lines = asked.fields.lines().map(str::trim).filter(|line| !line.is_empty());
    let fields: Vec<String> = lines.map(str::to_owned).collect();
    let method = Some(asked.method.trim()).filter(|method| !method.is_empty());
    let request = console.cache.request(asked.url.trim(), method, &fields)?;
    Ok(console.cache.cache.explain(request))
}

/// A decision in words, and how good it is for the upstream.
fn verdict(decision: Verdict) -> (&'static str, Tone) {
    match decision {
        Verdict::Reuse => ("What is stored answers", Tone::Good),
        Verdict::ReuseAndRefresh => {
            ("What is stored answers, and is validated behind the answer", Tone::Good)
        }
        Verdict::ForwardForAll => {
            ("The upstream is asked, once for all who ask for this", Tone::Warn)
        }
        Verdict::ForwardAlone => ("The upstream is asked for this client alone", Tone::Warn),
        Verdict::Unsatisfiable => ("504: only what is stored was asked for", Tone::Bad),
    }
}
