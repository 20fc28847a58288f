//! Traces, from the client through the relay to the upstream.

use serde_json::Value;

use super::{scrape, storable};
use crate::support::{Origin, Relay, get};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The fields of a client that is part of a trace.
fn fields(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{SPAN}-{flags}\r\ntracestate: a=1,b=2\r\n")
}

/// What the last request to an origin had in a field.
fn told(origin: &Origin, name: &str) -> Option<String> {
    let head = origin.heads().pop().unwrap();
    let prefix = format!("{name}: ");
    head.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
}

/// The parts of a `traceparent`.
fn parts(parent: &str) -> [&str; 4] {
    parent.split('-').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_upstream_is_told_of_the_trace_and_the_log_and_the_metrics_have_it() {
    let origin = storable();
    let relay = Relay::start(&["--upstream", &origin.url(), "--trace"]);
    let answer = get(relay.public, "/menu", &fields("01"));
    assert_eq!(answer.status(), 200);
    let parent = told(&origin, "traceparent").unwrap();
    let [version, trace, span, flags] = parts(&parent);
    assert_eq!((version, trace, flags), ("00", TRACE, "01"));
    // The relay is the upstream's caller.
    assert_ne!(span, SPAN);
    assert_eq!(told(&origin, "tracestate").as_deref(), Some("a=1,b=2"));

    let exemplar = format!("# {{trace_id=\"{TRACE}\"}} ");
    let open = scrape(&relay, "application/openmetrics-text").text();
    let line = open.lines().find(|line| line.contains(&exemplar)).unwrap();
    assert!(line.contains("way=\"miss\""), "{line}");
    assert!(!scrape(&relay, "text/plain").text().contains(TRACE));

    let log = relay.end();
    let line = log.lines().find(|line| line.contains("/menu")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace_id"], TRACE, "{line}");
}

#[test]
fn a_trace_begins_where_there_is_none_or_one_that_cannot_be_read() {
    let origin = Origin::echoing();
    let share = |share| Relay::start(&["--upstream", &origin.url(), "--trace", share]);
    let (all, none) = (share("--trace-sample=1"), share("--trace-sample=0"));
    let mut traces = Vec::new();
    for (relay, sampled) in [(&all, "01"), (&none, "00")] {
        for fields in ["", "traceparent: 00-zz\r\ntracestate: a=1\r\n"] {
            get(relay.public, "/menu", fields);
            let parent = told(&origin, "traceparent").unwrap();
            let [version, trace, _, flags] = parts(&parent);
            assert_eq!((version, flags), ("00", sampled), "{fields}");
            assert_eq!(told(&origin, "tracestate"), None);
            traces.push(trace.to_owned());
        }
        // Who records already knows better than the share.
        for flags in ["00", "01"] {
            get(relay.public, "/menu", &fields(flags));
            assert_eq!(parts(&told(&origin, "traceparent").unwrap())[3], flags);
        }
    }
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), 4, "{traces:?}");
}

#[test]
fn what_goes_upstream_for_all_is_part_of_the_trace_of_who_asked_first() {
    let origin = storable();
    // This preset keeps clients' fields from the upstream.
    let flags = ["--preset=lunch", "--trace"];
    let relay = Relay::start(&[&["--upstream", &origin.url()][..], &flags].concat());
    get(relay.public, "/restaurant/", &fields("01"));
    assert_eq!(parts(&told(&origin, "traceparent").unwrap())[1], TRACE);
}

#[test]
fn without_the_flag_the_fields_pass_as_all_others() {
    let origin = Origin::echoing();
    let relay = Relay::before(&origin.url());
    get(relay.public, "/menu", &fields("01"));
    assert_eq!(told(&origin, "traceparent").unwrap(), format!("00-{TRACE}-{SPAN}-01"));
    get(relay.public, "/menu", "");
    assert_eq!(told(&origin, "traceparent"), None);
    assert!(!relay.end().contains("trace_id"));
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_relay_without_otlp_says_how_to_build_one() {
    let mut relay = std::process::Command::new(env!("CARGO_BIN_EXE_relay"));
    let output = relay.arg("--otlp-endpoint=http://127.0.0.1:4318").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--features otlp"), "{stderr}");
}

#[cfg(feature = "otlp")]
mod otlp {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use opentelemetry_proto::tonic::{
        collector::trace::v1::ExportTraceServiceRequest,
        common::v1::any_value::Value,
        trace::v1::{Span, span::SpanKind},
    };
    use prost::Message;

    use super::{SPAN, TRACE, fields, parts, told};
    use crate::{
        support::{Origin, Relay, Then, get, nowhere, read_body, until},
        telemetry::storable,
    };

    /// A collector, and the spans that it has.
    fn collector() -> (Origin, Arc<Mutex<Vec<Span>>>) {
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let origin = Origin::start({
            let spans = Arc::clone(&spans);
            move |head, stream| {
                assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
                assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
                let body = read_body(head, stream)?;
                let message = ExportTraceServiceRequest::decode(&*body).unwrap();
                let scopes = message.resource_spans.into_iter().flat_map(|of| of.scope_spans);
                spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
                Ok(Then::KeepOpen)
            }
        });
        (origin, spans)
    }

    fn attribute(span: &Span, name: &str) -> Option<Value> {
        let attribute = span.attributes.iter().find(|attribute| attribute.key == name)?;
        attribute.value.as_ref()?.value.clone()
    }

    fn text(span: &Span, name: &str) -> String {
        match attribute(span, name) {
            Some(Value::StringValue(text)) => text,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn the_collector_gets_a_span_for_each_request_that_is_recorded() {
        let origin = storable();
        let (collector, spans) = collector();
        let (upstream, endpoint) = (origin.url(), collector.url());
        let relay = Relay::start(&["--upstream", &upstream, "--otlp-endpoint", &endpoint]);
        get(relay.public, "/menu?a=b", &fields("01"));
        get(relay.public, "/menu?a=b", &fields("01"));
        get(relay.public, "/menu?a=b", &fields("00"));
        let parent = told(&origin, "traceparent").unwrap();
        until(|| 2 <= spans.lock().unwrap().len());
        // The last words of a relay bring no more.
        relay.end();

        let spans = spans.lock().unwrap();
        assert_eq!(spans.len(), 2);
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        for span in spans.iter() {
            assert_eq!(hex(&span.trace_id), TRACE);
            assert_eq!(hex(&span.parent_span_id), SPAN);
            assert_eq!((span.name.as_str(), span.kind()), ("GET", SpanKind::Server));
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
            assert_eq!(text(span, "url.path"), "/menu");
            assert_eq!(text(span, "url.query"), "a=b");
            let status = attribute(span, "http.response.status_code");
            assert_eq!(status, Some(Value::IntValue(200)));
        }
        // They end on connections of their own, in whatever order.
        let is_miss = |span: &&Span| attribute(span, "lunch_relay.fwd").is_some();
        let miss = spans.iter().find(is_miss).unwrap();
        let hit = spans.iter().find(|span| !is_miss(span)).unwrap();
        // The upstream's caller is this very span.
        assert_eq!(hex(&miss.span_id), parts(&parent)[2]);
        assert_eq!(text(miss, "lunch_relay.fwd"), "uri-miss");
        let time = attribute(miss, "lunch_relay.upstream_seconds");
        assert!(matches!(time, Some(Value::DoubleValue(time)) if 0.0 < time), "{time:?}");
        assert!(text(hit, "lunch_relay.cache_status").starts_with("lunch-relay; hit"));
        assert_eq!(attribute(hit, "lunch_relay.upstream_seconds"), None);
    }

    #[test]
    fn what_still_waits_is_sent_at_the_end() {
        let (collector, spans) = collector();
        let relay = Relay::start(&["--upstream=demo", "--otlp-endpoint", &collector.url()]);
        get(relay.public, "/healthz", &fields("01"));
        relay.end();
        assert_eq!(spans.lock().unwrap().len(), 1);
    }

    #[test]
    fn without_a_collector_requests_are_served_and_it_is_said_once() {
        let endpoint = format!("http://{}", nowhere());
        let relay = Relay::start(&["--upstream=demo", "--otlp-endpoint", &endpoint]);
        let failed = || relay.metric("lunch_relay_spans_total{outcome=\"failed\"}");
        for count in 1..=3 {
            assert_eq!(get(relay.public, "/healthz", &fields("01")).status(), 200);
            until(|| failed() == count);
        }
        let log = relay.end();
        assert_eq!(log.matches("--otlp-endpoint").count(), 1, "{log}");
    }
}
