//! The metrics as a scraper wants to read them.

use std::fmt::Write;

use http::{HeaderMap, HeaderValue, header};
use poem::Response;

use super::Metrics;

/// A format that scrapers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// The text format of Prometheus, for whoever says nothing else.
    Text,
    /// `OpenMetrics`, which has exemplars.
    OpenMetrics,
}

impl Format {
    /// The one that an `Accept` prefers (RFC 9110 §12.5.1). A range that does not
    /// name `OpenMetrics` means the text, which everything reads.
    fn accepted(accept: &str) -> Format {
        let (mut text, mut open_metrics) = (0.0, 0.0);
        for member in accept.split(',') {
            let mut parameters = member.split(';').map(str::trim);
            let name = parameters.next().unwrap_or_default();
            let weight = parameters.find_map(|parameter| parameter.strip_prefix("q="));
            let weight: f64 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let best = if name.eq_ignore_ascii_case("application/openmetrics-text") {
                &mut open_metrics
            } else {
                &mut text
            };
            *best = f64::max(*best, weight);
        }
        if 0.0 < open_metrics && text <= open_metrics { Format::OpenMetrics } else { Format::Text }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The answer to a scrape.
pub fn answer(metrics: &Metrics, asked: &HeaderMap) -> Response {
    let accept = asked.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = accept.map_or(Format::Text, Format::accepted);
    let body = match format {
        Format::OpenMetrics => metrics.text(),
        // It has no exemplars.
        Format::Text => as_prometheus(&metrics.series()),
    };
    Response::builder()
        .content_type(format.media_type())
        .header(header::VARY, HeaderValue::from_static("accept"))
        .body(body)
}

/// `OpenMetrics` text as the text format of Prometheus: there a counter's family
/// has the name of its samples, and units and the end are not said.
fn as_prometheus(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // The type, which comes next, says what the family is called.
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "unknown"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            // Writing to a String does not fail.
            let _ = writeln!(out, "# HELP {name}{suffix} {help}");
            let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scraper_chooses() {
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; version=1.0.0", Format::OpenMetrics),
            ("application/openmetrics-text; q=0", Format::Text),
            ("application/openmetrics-text; q=much", Format::Text),
            ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Format::Text),
            // What Prometheus sends.
            (
                "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn families_have_the_names_of_their_samples() {
        let open_metrics = "\
            # HELP a_bytes All.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total{b=\"c\"} 1\n\
            # HELP build What.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
            # HELP g Now.\n# TYPE g gauge\ng 2\n# EOF\n";
        let text = "\
            # HELP a_bytes_total All.\n# TYPE a_bytes_total counter\na_bytes_total{b=\"c\"} 1\n\
            # HELP build_info What.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
            # HELP g Now.\n# TYPE g gauge\ng 2\n";
        assert_eq!(as_prometheus(open_metrics), text);
    }
}
