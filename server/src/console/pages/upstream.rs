//! How things stand with the upstream, and leaving it alone by hand.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::{Request, Response};

use super::frame::{Confirm, Frame, Tab, form, html, query, see_other};
use crate::{
    api::upstream::{Breaker, HoldAsked, Outcomes, Standing},
    console::{
        Console,
        words::{self, Said},
    },
};

#[derive(Template)]
#[template(path = "upstream.html")]
struct Upstream {
    frame: Frame,
    governor: Said,
    under_way: u32,
    breaker: &'static str,
    refused: [(&'static str, u64); 8],
    spent: [(&'static str, Outcomes); 3],
    standing: Standing,
}

pub(in crate::console) async fn upstream(console: Arc<Console>, _: Request) -> Response {
    let standing = console.upstream.standing();
    let (under_way, refused) = (&standing.under_way, &standing.refused);
    let page = Upstream {
        frame: Frame::of(&console, Tab::Upstream),
        governor: words::governor(&standing, console.now()),
        under_way: under_way.client + under_way.pass_through + under_way.refresh,
        breaker: match standing.breaker {
            Breaker::Closed => "closed",
            Breaker::Open => "open",
            Breaker::HalfOpen => "half open",
        },
        refused: [
            ("rate", refused.rate),
            ("concurrency", refused.concurrency),
            ("slow clients' share", refused.pass_through),
            ("queue full", refused.queue),
            ("upstream's quota", refused.quota),
            ("hold", refused.hold),
            ("breaker", refused.breaker),
            ("held by hand", refused.by_hand),
        ],
        spent: [
            ("clients", standing.spent.client.clone()),
            ("one client", standing.spent.pass_through.clone()),
            ("refreshes", standing.spent.refresh.clone()),
        ],
        standing,
    };
    html(StatusCode::OK, &page)
}

pub(in crate::console) async fn review_hold(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Upstream);
    let asked = query(&request);
    let asked = asked.and_then(|asked: HoldAsked| Ok((asked.time.clone(), asked.read()?.1)));
    let (time, reason) = match asked {
        Ok(asked) => asked,
        Err(problem) => return frame.refused(&problem),
    };
    let mut lines = vec![
        format!("For {} from now nothing is put to the upstream, refreshes included.", time.trim()),
        "What is stored answers, stale where it may be; all else is told when to come back."
            .to_owned(),
    ];
    if !reason.is_empty() {
        lines.push(format!("Reason: {reason}"));
    }
    let page = Confirm {
        frame,
        title: "Leave the upstream alone?".to_owned(),
        lines,
        examples: Vec::new(),
        more: false,
        action: "/upstream/hold",
        fields: vec![("for", time), ("reason", reason)],
        button: "Hold",
        tone: "danger",
        back: Tab::Upstream.path().to_owned(),
    };
    html(StatusCode::OK, &page)
}

pub(in crate::console) async fn hold(console: Arc<Console>, request: Request) -> Response {
    let held = form(request).await.and_then(|asked| console.upstream.put_hold(asked));
    match held {
        Ok(()) => see_other(Tab::Upstream.path()),
        Err(problem) => Frame::of(&console, Tab::Upstream).refused(&problem),
    }
}

pub(in crate::console) async fn review_release(console: Arc<Console>, _: Request) -> Response {
    let page = Confirm {
        frame: Frame::of(&console, Tab::Upstream),
        title: "Release the upstream?".to_owned(),
        lines: vec![
            "The hold by hand ends now. What the upstream has asked for itself goes on.".to_owned(),
        ],
        examples: Vec::new(),
        more: false,
        action: "/upstream/release",
        fields: Vec::new(),
        button: "Release",
        tone: "",
        back: Tab::Upstream.path().to_owned(),
    };
    html(StatusCode::OK, &page)
}

pub(in crate::console) async fn release(console: Arc<Console>, _: Request) -> Response {
    console.upstream.end_hold();
    see_other(Tab::Upstream.path())
}
