//! Spans as OTLP has them, with the names of the semantic conventions for HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span as OtlpSpan, Status, span::SpanKind, status::StatusCode,
    },
};

use crate::{exchange::trace::Sampling, problem::NAME, release, telemetry::spans::Span};

/// What is sent of some spans.
pub(super) fn message(spans: &[Span]) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![text("service.name", NAME), text("service.version", release::VERSION)],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: NAME.to_owned(),
        version: release::VERSION.to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.iter().map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }];
    let spans = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }
}

fn span(span: &Span) -> OtlpSpan {
    let Span { trace, line } = span;
    let code = if line.status.is_server_error() { StatusCode::Error } else { StatusCode::Unset };
    OtlpSpan {
        trace_id: trace.id.0.to_be_bytes().to_vec(),
        span_id: trace.span.0.to_be_bytes().to_vec(),
        parent_span_id: trace.parent.map_or_else(Vec::new, |id| id.0.to_be_bytes().to_vec()),
        flags: u32::from(trace.sampling == Sampling::Sampled),
        // A name is one of few: targets are not.
        name: name(line.method.as_str()).to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(line.at),
        end_time_unix_nano: nanos(line.at + line.duration),
        attributes: attributes(span),
        status: Some(Status { code: code.into(), ..Status::default() }),
        ..OtlpSpan::default()
    }
}

fn attributes(span: &Span) -> Vec<KeyValue> {
    let Span { trace, line } = span;
    let (path, query) = line.uri.split_once('?').unwrap_or((&line.uri, ""));
    let mut all = vec![
        text("http.request.method", name(line.method.as_str())),
        text("url.path", path),
        number("http.response.status_code", u64::from(line.status.as_u16())),
        number("http.response.body.size", line.bytes),
    ];
    if !query.is_empty() {
        all.push(text("url.query", query));
    }
    if let Some(remote) = line.remote {
        all.push(text("client.address", &remote.ip().to_string()));
    }
    if let Some(status) = line.cache.as_ref().and_then(|status| status.to_str().ok()) {
        all.push(text("lunch_relay.cache_status", status));
        all.extend(fwd(status).map(|fwd| text("lunch_relay.fwd", fwd)));
    }
    if let Some(time) = trace.upstream_time() {
        let seconds = Value::DoubleValue(time.as_secs_f64());
        all.push(attribute("lunch_relay.upstream_seconds", seconds));
    }
    all
}

/// Why the request went forward, as `Cache-Status` says.
fn fwd(status: &str) -> Option<&str> {
    status.split(';').find_map(|parameter| parameter.trim().strip_prefix("fwd="))
}

/// A method that everyone knows, or the word for those that clients make up.
fn name(method: &str) -> &str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, Value::StringValue(value.to_owned()))
}

fn number(name: &str, value: u64) -> KeyValue {
    attribute(name, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(name: &str, value: Value) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

fn nanos(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
