//! How a line is written.

use std::{
    fmt::{Display, Write},
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Version};
use jiff::Timestamp;
use serde::Serialize;

use super::{Ending, Line, TARGET};

/// How the access log's lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Not at all
    Off,
    /// An object for each line
    Json,
    /// `name=value`, for eyes and programs
    Logfmt,
    /// The Common Log Format of web servers
    Common,
    /// The same with `Referer` and `User-Agent`
    Combined,
}

impl Style {
    /// A line, with its end.
    pub(super) fn text(self, line: &Line) -> String {
        let mut text = match self {
            Style::Off => return String::new(),
            Style::Json => serde_json::to_string(&Fields::of(line)).unwrap_or_default(),
            Style::Logfmt => logfmt(&Fields::of(line)),
            Style::Common => common(line),
            Style::Combined => {
                let quoted = |field: &Option<HeaderValue>| quoted(&lossy(field.as_ref()));
                let (referer, agent) = (quoted(&line.referer), quoted(&line.user_agent));
                format!("{} {referer} {agent}", common(line))
            }
        };
        text.push('\n');
        text
    }
}

/// What the styles with names say, in this order.
#[derive(Debug, Serialize)]
struct Fields<'a> {
    timestamp: String,
    /// Tells them from the lines of the process's own log.
    target: &'static str,
    method: &'a str,
    uri: &'a str,
    version: &'static str,
    status: u16,
    bytes: u64,
    first_byte_us: u64,
    duration_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl Fields<'_> {
    fn of(line: &Line) -> Fields<'_> {
        Fields {
            timestamp: timestamp(line.at).map_or_else(String::new, |at| format!("{at:.6}")),
            target: TARGET,
            method: line.method.as_str(),
            uri: &line.uri,
            version: version(line.version),
            status: line.status.as_u16(),
            bytes: line.bytes,
            first_byte_us: micros(line.first_byte),
            duration_us: micros(line.duration),
            cache: line.cache.as_ref().map(|cache| lossy(Some(cache))),
            remote: line.remote.as_ref().map(ToString::to_string),
            complete: line.ending == Ending::Complete,
            trace_id: line.trace.as_ref().map(ToString::to_string),
        }
    }
}

fn logfmt(fields: &Fields<'_>) -> String {
    let Fields { timestamp, target, method, uri, version, status, bytes, .. } = fields;
    let mut text = format!("timestamp={timestamp} target={target}");
    let mut add = |name: &str, value: &dyn Display| {
        let value = value.to_string();
        let is_plain = |char: char| char.is_ascii_graphic() && !['"', '=', '\\'].contains(&char);
        // Writing to a String does not fail.
        let _ = if !value.is_empty() && value.chars().all(is_plain) {
            write!(text, " {name}={value}")
        } else {
            write!(text, " {name}={}", quoted(&value))
        };
    };
    add("method", method);
    add("uri", uri);
    add("version", version);
    add("status", status);
    add("bytes", bytes);
    add("first_byte_us", &fields.first_byte_us);
    add("duration_us", &fields.duration_us);
    for (name, value) in
        [("cache", &fields.cache), ("remote", &fields.remote), ("trace_id", &fields.trace_id)]
    {
        if let Some(value) = value {
            add(name, value);
        }
    }
    add("complete", &fields.complete);
    text
}

/// `host ident user [time] "request" status bytes`, of which the relay does not
/// know ident and user.
fn common(line: &Line) -> String {
    let remote = line.remote.map_or_else(|| "-".to_owned(), |remote| remote.ip().to_string());
    let at = timestamp(line.at)
        .map_or_else(String::new, |at| at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
    let request = format!("{} {} {}", line.method, line.uri, version(line.version));
    let request = quoted(&request);
    format!("{remote} - - [{at}] {request} {} {}", line.status.as_u16(), line.bytes)
}

/// A text in quotes that ends neither them nor the line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if char.is_control() => {
                // Writing to a String does not fail.
                let _ = write!(out, "\\x{:02x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// A field's value, or `-` where there is none.
fn lossy(value: Option<&HeaderValue>) -> String {
    let value = value.map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.map_or_else(|| "-".to_owned(), std::borrow::Cow::into_owned)
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exchange::trace::TraceId, telemetry::access_log::tests::line};

    #[test]
    fn each_style_says_it_in_its_way() {
        let line = Line { trace: Some(TraceId(255)), ..line() };
        let trace = "000000000000000000000000000000ff";
        for (style, text) in [
            (Style::Off, String::new()),
            (Style::Json, format!(
                "{{\"timestamp\":\"2025-11-25T13:00:00.123000Z\",\"target\":\"access\",\"method\":\"GET\",\"uri\":\"/menu/1?a=b\",\"version\":\"HTTP/1.1\",\"status\":200,\"bytes\":4,\"first_byte_us\":12,\"duration_us\":34,\"cache\":\"lunch-relay; hit; ttl=9\",\"remote\":\"192.0.2.1:4711\",\"complete\":true,\"trace_id\":\"{trace}\"}}\n"
            )),
            (Style::Logfmt, format!(
                "timestamp=2025-11-25T13:00:00.123000Z target=access method=GET uri=\"/menu/1?a=b\" version=HTTP/1.1 status=200 bytes=4 first_byte_us=12 duration_us=34 cache=\"lunch-relay; hit; ttl=9\" remote=192.0.2.1:4711 trace_id={trace} complete=true\n"
            )),
            (Style::Common, "192.0.2.1 - - [25/Nov/2025:13:00:00 +0000] \"GET /menu/1?a=b HTTP/1.1\" 200 4\n".to_owned()),
            (Style::Combined, "192.0.2.1 - - [25/Nov/2025:13:00:00 +0000] \"GET /menu/1?a=b HTTP/1.1\" 200 4 \"-\" \"curl/8\"\n".to_owned()),
        ] {
            assert_eq!(style.text(&line), text);
        }
    }

    #[test]
    fn nothing_that_a_client_sends_ends_a_line_or_a_quote() {
        let hostile = "/\"\\\u{7f}é x=1";
        let line = Line {
            uri: hostile.to_owned(),
            user_agent: Some(HeaderValue::from_bytes(b"\"\xff\t\\").unwrap()),
            ..line()
        };
        for style in [Style::Json, Style::Logfmt, Style::Common, Style::Combined] {
            let text = style.text(&line);
            assert_eq!(text.lines().count(), 1, "{text}");
            // JSON may have that one as it is.
            let is_free = style == Style::Json || !text.trim_end().chars().any(char::is_control);
            assert!(is_free, "{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&Style::Json.text(&line)).unwrap();
        assert_eq!(json["uri"], hostile);
        let combined = Style::Combined.text(&line);
        assert!(combined.ends_with("\"\\\"\u{fffd}\\x09\\\\\"\n"), "{combined}");
        assert!(combined.contains("\"GET /\\\"\\\\\\x7fé x=1 HTTP/1.1\""), "{combined}");
    }
}
