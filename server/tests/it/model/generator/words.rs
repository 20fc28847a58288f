//! Directives: well written, badly written, and nonsense.

use super::{Line, Random};

const NUMBERS: [&str; 16] = [
    "2147483647",
    "2147483648",
    "2147483649",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "-1",
    "1.5",
    "x",
    "0060",
    "+5",
    "",
    "6 0",
    "0x10",
    "1e3",
    "'60'",
];
const FIELDS: [&str; 14] = [
    "Set-Cookie",
    "set-cookie, X-A",
    "x-a",
    "",
    ",",
    "x a",
    "a, b c",
    "etag",
    "age",
    "date",
    "vary",
    "X-A,x-a",
    "expires, x-a",
    "cache-control",
];
const GARBAGE: [&str; 22] = [
    "x",
    "community=\"UCI, no-store\"",
    "x=\"a\\\", no-store\"",
    "x=\"a",
    "no-store-x",
    "=",
    "=x",
    "\"no-store\"",
    "max-age",
    "max-age=",
    "s-maxage",
    "max-age 60",
    "no store",
    "x=\"\"\"",
    ";",
    "max-age=60;x",
    "\"",
    "\\",
    "x=\\\", private",
    "\u{e9}=\u{e9}",
    "stale-while-revalidate",
    "a\"b, public",
];

/// Lines of a field with up to five directives.
pub(super) fn directives(random: &mut Random, field: &'static str) -> Vec<Line> {
    let count = random.one_of(&[0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
    let members = (0..count).map(|_| directive(random)).collect();
    spread(random, field, members)
}

fn directive(random: &mut Random) -> String {
    match random.below(100) {
        0..=29 => with_number(random, "max-age"),
        30..=39 => with_number(random, "s-maxage"),
        40..=49 => with_number(random, "stale-while-revalidate"),
        50..=59 => with_number(random, "stale-if-error"),
        60..=64 => with_fields(random, "no-cache"),
        65..=68 => with_fields(random, "private"),
        69 => with_argument(random, "no-store"),
        70..=76 => with_argument(random, "public"),
        77..=81 => with_argument(random, "must-revalidate"),
        82..=84 => with_argument(random, "proxy-revalidate"),
        85..=87 => with_argument(random, "must-understand"),
        88..=89 => with_argument(random, "immutable"),
        90 => "no-store, must-understand".to_owned(),
        _ => random.one_of(&GARBAGE).to_owned(),
    }
}

/// The lines of a `Cache-Control` that a client sends; the numbers are among these.
pub(super) fn request_directives(random: &mut Random, numbers: &[i64]) -> Vec<Line> {
    let mut members = Vec::new();
    for _ in 0..random.one_of(&[0, 1, 1, 1, 2, 3]) {
        let number = |random: &mut Random, name: &str| {
            let near = random.one_of(numbers) + random.one_of(&[0, 0, 1, -1]);
            let number = if random.happens(900) {
                near.max(0).to_string()
            } else {
                random.one_of(&NUMBERS).to_owned()
            };
            let number = written(random, &number);
            in_case(random, &format!("{name}={number}"))
        };
        let member = match random.below(10) {
            0..=1 => number(random, "max-age"),
            2..=3 => number(random, "min-fresh"),
            4..=5 => number(random, "max-stale"),
            6 => "max-stale".to_owned(),
            7 => with_argument(random, "no-cache"),
            8 => random
                .one_of(&["no-store", "only-if-cached", "only-if-cached", "Only-If-Cached"])
                .to_owned(),
            _ => random.one_of(&GARBAGE).to_owned(),
        };
        members.push(member);
    }
    spread(random, "cache-control", members)
}

/// Lines of a targeted field, a structured one or nearly.
pub(super) fn targeted(random: &mut Random, field: &'static str) -> Vec<Line> {
    if random.happens(100) {
        return directives(random, field);
    }
    let mut members = Vec::new();
    for _ in 0..random.one_of(&[0, 1, 1, 2, 2, 3]) {
        let member = random.one_of(&[
            "max-age=0",
            "max-age=1",
            "max-age=60",
            "max-age=600",
            "max-age=2147483649",
            "max-age=999999999999999",
            "max-age=9999999999999999",
            "max-age=-1",
            "max-age=1.5",
            "max-age=\"60\"",
            "max-age=x",
            "max-age",
            "max-age=60;a=1",
            "max-age=(1 2)",
            "s-maxage=60",
            "s-maxage=0",
            "stale-while-revalidate=60",
            "stale-if-error=60",
            "public",
            "must-revalidate",
            "proxy-revalidate",
            "no-store",
            "no-store=?0",
            "no-store=1",
            "private",
            "private=\"x-a\"",
            "private=?0",
            "no-cache",
            "no-cache=\"x-a, b\"",
            "no-cache=x-a",
            "no-cache=\"\"",
            "no-cache=1",
            "must-understand",
            "x",
            "x=\"\\\"\"",
            "*x",
            "Max-Age=60",
            "max-age =60",
            "&&",
        ]);
        members.push(member.to_owned());
    }
    spread(random, field, members)
}

pub(super) fn surrogate(random: &mut Random) -> String {
    random
        .one_of(&[
            "max-age=60",
            "max-age=60+30",
            "Max-Age=\"60\"",
            "max-age=0",
            "max-age=60;other",
            "max-age",
            "max-age=x",
            "no-store",
            "no-store;other",
            "content=\"ESI/1.0\"",
            "",
            "max-age=5, no-store",
            "content=\"x, no-store\", max-age=60",
            "max-age=1, max-age=60",
        ])
        .to_owned()
}

fn with_number(random: &mut Random, name: &str) -> String {
    let number = if random.happens(920) {
        random.one_of(&["0", "1", "5", "60", "60", "600", "600", "3600", "3600"])
    } else {
        random.one_of(&NUMBERS)
    };
    let number = written(random, number);
    in_case(random, &format!("{name}={number}"))
}

/// A token, a quoted string, or something of both.
fn written(random: &mut Random, text: &str) -> String {
    match random.below(40) {
        0..=2 => format!("\"{text}\""),
        3 => format!("\"{}\"", text.replace('0', "\\0")),
        4 => format!("\"{text}"),
        5 => format!("{text}\""),
        6 => format!("\"\"{text}\"\""),
        7 => format!(" {text}"),
        8 => format!("\" {text}\""),
        _ => text.to_owned(),
    }
}

fn with_fields(random: &mut Random, name: &str) -> String {
    let fields = random.one_of(&FIELDS);
    let whole = match random.below(10) {
        0..=3 => name.to_owned(),
        4..=8 => format!("{name}=\"{fields}\""),
        _ => format!("{name}={fields}"),
    };
    in_case(random, &whole)
}

fn with_argument(random: &mut Random, name: &str) -> String {
    let whole = match random.below(30) {
        0 => format!("{name}=1"),
        1 => format!("{name}=\"x\""),
        2 => format!("{name} "),
        3 => format!("{name};x"),
        _ => name.to_owned(),
    };
    in_case(random, &whole)
}

/// The same in another case, now and then.
fn in_case(random: &mut Random, text: &str) -> String {
    match random.below(10) {
        0 => text.to_ascii_uppercase(),
        1 => {
            let mut other = |letter: char| {
                if random.happens(500) { letter.to_ascii_uppercase() } else { letter }
            };
            text.chars().map(&mut other).collect()
        }
        _ => text.to_owned(),
    }
}

/// The members on one line or several.
fn spread(random: &mut Random, field: &'static str, members: Vec<String>) -> Vec<Line> {
    let mut lines = vec![String::new()];
    for member in members {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            line.push_str(&member);
        } else if random.happens(150) {
            lines.push(member);
        } else {
            line.push_str(random.one_of(&[", ", ", ", ", ", ",", " ,\t", ",,", " , , "]));
            line.push_str(&member);
        }
    }
    lines.into_iter().map(|line| (field, line)).collect()
}
