//! From plotters' SVG to one that can be read, themed and compared.
//!
//! Plotters writes one element per line, with sizes in tenths and with colours
//! that stand for inks. Each element keeps its geometry and gets a class.

use super::{ink::class_of, text};

/// Attributes that say where and how large, in tenths.
const SIZES: [&str; 11] = ["x", "y", "width", "height", "x1", "y1", "x2", "y2", "cx", "cy", "r"];

/// The elements of a drawing by plotters, without the document around them.
pub(super) fn elements(drawn: &str) -> String {
    let mut tidy = String::new();
    let mut lines = drawn.lines();
    while let Some(line) = lines.next() {
        let Some((name, attributes)) = element(line) else { continue };
        let attributes = kept(attributes);
        let parts = match name {
            "svg" => continue,
            "text" => ["<text", &attributes, ">", lines.next().unwrap_or_default(), "</text>\n"],
            shape => ["<", shape, &attributes, "/>", "\n"],
        };
        tidy.extend(parts);
    }
    tidy
}

/// An element's name and attributes, if the line starts one.
fn element(line: &str) -> Option<(&str, &str)> {
    let inside = line.strip_prefix('<')?.strip_suffix('>')?;
    let inside = inside.strip_suffix('/').unwrap_or(inside);
    let (name, attributes) = inside.split_once(' ')?;
    Some((name, attributes))
}

/// The class, then the geometry.
fn kept(attributes: &str) -> String {
    let colour = |(name, value)| match name {
        "fill" | "stroke" => class_of(value),
        _ => None,
    };
    let class = pairs(attributes).find_map(colour);
    let class = class.map(|class| format!(" class=\"{class}\""));
    class.into_iter().chain(pairs(attributes).filter_map(geometry)).collect()
}

fn geometry((name, value): (&str, &str)) -> Option<String> {
    let value = match name {
        // Half-way up a small letter, in a unit that all programs understand.
        "dy" => ".36em".to_owned(),
        "text-anchor" if value == "start" => return None,
        "text-anchor" => value.to_owned(),
        "points" => points(value),
        _ if SIZES.contains(&name) => tenth(value),
        _ => return None,
    };
    Some(format!(" {name}=\"{value}\""))
}

/// Names and values, as plotters writes them: quotes in values are escaped.
fn pairs(attributes: &str) -> impl Iterator<Item = (&str, &str)> {
    attributes.split("\" ").filter_map(|pair| {
        let (name, value) = pair.split_once("=\"")?;
        Some((name.trim(), value.trim_end_matches('"')))
    })
}

fn points(value: &str) -> String {
    let point = |point: &str| {
        let (x, y) = point.split_once(',').unwrap_or_default();
        format!("{},{}", tenth(x), tenth(y))
    };
    value.split_whitespace().map(point).collect::<Vec<_>>().join(" ")
}

/// A whole number of tenths as a decimal number.
fn tenth(value: &str) -> String {
    let Ok(tenths) = value.parse::<i64>() else { return text::escape(value) };
    let sign = if tenths < 0 { "-" } else { "" };
    let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
    if tenth == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tenth}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_keep_their_geometry() {
        let drawn = "<svg width=\"10\">\n\
            <polyline fill=\"none\" opacity=\"1\" stroke=\"#6C3100\" points=\"10,-5 205,30 \"/>\n\
            <text x=\"55\" y=\"20\" dy=\"0.5ex\" text-anchor=\"end\" fill=\"#740000\">\na &lt; b\n\
            </text>\n</svg>\n";
        assert_eq!(
            elements(drawn),
            "<polyline class=\"l1\" points=\"1,-0.5 20.5,3\"/>\n\
             <text class=\"t\" x=\"5.5\" y=\"2\" dy=\".36em\" text-anchor=\"end\">a &lt; b</text>\n"
        );
    }
}
