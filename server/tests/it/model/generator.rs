//! Cases from a seed: a grammar that hits what is worth hitting often.

use std::time::{Duration, UNIX_EPOCH};

use server::cache::clause::Clause;

use super::{
    case::{Case, DAY, HOST, Line, Micros, PATH, RuleOfCase, SECOND},
    generator::words::{directives, request_directives, surrogate, targeted},
    rfc9111::{Stored, store},
};

mod dates;
mod words;

use dates::date;

/// `SplitMix64`: small, quick, and the same everywhere.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn within(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first).cast_unsigned() + 1).cast_signed()
    }

    /// Whether something that happens so many times in a thousand does.
    fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.below(1000) < in_a_thousand
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// Times that responses arrive at: now, a turn of the century, a leap day, the
/// end of 31 bits, and one in the second half of a century.
const ERAS: [Micros; 6] = [
    1_795_392_000 * SECOND,
    1_795_392_000 * SECOND,
    946_684_800 * SECOND,
    951_782_400 * SECOND,
    2_147_483_647 * SECOND,
    3_786_912_000 * SECOND,
];

/// The case of a seed, and what the model says of its response.
pub(super) fn case(seed: u64) -> (Case, Result<Stored, Clause>) {
    let random = &mut Random(seed);
    let response_time = random.one_of(&ERAS)
        + random.within(-3, 3) * DAY
        + random.within(0, 86_399) * SECOND
        + random.one_of(&[0, 0, 10, 500_000, 999_990]);
    let delay = random.one_of(&[0, 0, 0, 1, 999_999, SECOND, 2 * SECOND, 30 * SECOND, -SECOND]);
    let rule = rule(random);
    let method = if random.happens(930) {
        "GET"
    } else {
        random.one_of(&["POST", "POST", "POST", "HEAD", "PUT", "PURGE"])
    };
    let mut case = Case {
        seed,
        method,
        request: request(random),
        request_time: response_time - delay,
        status: status(random),
        response: Vec::new(),
        response_time,
        rule,
        presented_method: if random.happens(920) {
            "GET"
        } else {
            random.one_of(&["HEAD", "HEAD", "POST", "DELETE"])
        },
        presented: Vec::new(),
        now: response_time,
    };
    if case.status == 206 && random.happens(850) {
        case.request.push(("range", "bytes=0-4".to_owned()));
    }
    case.response = response(random, &case);
    let stored = store(&case);
    case.now = now(random, &case, &stored);
    case.presented = presented(random, &case, &stored);
    (case, stored)
}

fn rule(random: &mut Random) -> RuleOfCase {
    let ttl = random.one_of(&[0, 0, 0, 1, 600, 600]) * SECOND;
    RuleOfCase {
        ttl,
        negative_ttl: random.one_of(&[0, 10]) * SECOND,
        negative_500: random.happens(200).then_some(5 * SECOND),
        stale_while_revalidate: random.one_of(&[0, 0, 60, 3600]) * SECOND,
        stale_if_error: random.one_of(&[0, 0, 60, 86_400]) * SECOND,
        expires_at: random.happens(100).then(|| random.one_of(&[0, 1, 12 * 60 + 30, 23 * 60 + 59])),
        overrides: random.happens(60),
        honours_clients: random.happens(500),
        bypass: random.happens(10),
    }
}

fn status(random: &mut Random) -> u16 {
    match random.below(20) {
        0..=12 | 18 => 200,
        13 => random.one_of(&[203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]),
        14 => 206,
        15..=17 => random.one_of(&[
            201, 205, 207, 226, 299, 302, 303, 304, 305, 306, 307, 400, 401, 402, 403, 416, 418,
            421, 429, 451, 500, 502, 503, 504, 505, 511, 599, 600, 999, 100, 103,
        ]),
        _ => u16::try_from(random.within(100, 999)).unwrap(),
    }
}

fn request(random: &mut Random) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut line = |happens: bool, name, value: &str| {
        if happens {
            lines.push((name, value.to_owned()));
        }
    };
    line(random.happens(500), "host", HOST);
    line(random.happens(80), "authorization", "Basic eDp5");
    line(random.happens(80), "cookie", "a=b");
    line(random.happens(50), "accept", "text/html");
    let length = random.one_of(&["0", "0", "5"]);
    line(random.happens(15), "content-length", length);
    line(random.happens(4), "transfer-encoding", "chunked");
    let condition = random.one_of(&["if-match", "if-none-match", "if-modified-since"]);
    line(random.happens(15), condition, "\"a\"");
    if random.happens(60) {
        lines.extend(request_directives(random, &[0, 1, 60]));
    }
    lines
}

fn response(random: &mut Random, case: &Case) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let received = case.response_time;
    if random.happens(800) {
        lines.extend(directives(random, "cache-control"));
    }
    for name in ["lunch-relay-cache-control", "cdn-cache-control"] {
        if random.happens(110) {
            lines.extend(targeted(random, name));
        }
    }
    if random.happens(50) {
        lines.push(("surrogate-control", surrogate(random)));
    }
    // A date in the response is near its arrival, or of an old response.
    let made =
        received + random.one_of(&[0, 0, 0, 0, 0, -1, 1, -5, -60, -3600, 60, 86_400]) * SECOND;
    let dates: [(_, u64, &[i64]); 3] = [
        ("date", 700, &[0]),
        ("expires", 350, &[0, 0, 1, -1, 5, 60, 60, 600, 3600, 86_400, -60, 1 << 31, 3_155_760_000]),
        ("last-modified", 350, &[0, -1, -9, -10, -600, -86_400, -864_000, -8_640_000, 60]),
    ];
    for (name, often, offsets) in dates {
        if random.happens(often) {
            for _ in 0..=u64::from(random.happens(30)) {
                let offset = random.one_of(offsets) * SECOND;
                lines.push((name, date(random, made + offset, received)));
            }
        }
    }
    if random.happens(180) {
        for _ in 0..=u64::from(random.happens(60)) {
            let age = random.one_of(&[
                "0",
                "1",
                "5",
                "59",
                "60",
                "60",
                "600",
                "0007",
                "5, 60",
                "5,x",
                ", 7",
                ",",
                "",
                "-5",
                "1.5",
                "+5",
                "x",
                "\"5\"",
                "5 ",
                "5;a",
                "2147483647",
                "2147483648",
                "2147483649",
                "18446744073709551616",
                "5, \u{e9}",
                "99999999999999999999999",
            ]);
            lines.push(("age", age.to_owned()));
        }
    }
    let mut line = |in_a_thousand: u64, name, choices: &[&str]| {
        if random.happens(in_a_thousand) {
            lines.push((name, random.one_of(choices).to_owned()));
        }
    };
    line(
        120,
        "vary",
        &["Accept", "accept, Accept-Language", "", ",", "*", "accept, *", "a b", "é"],
    );
    line(20, "vary", &["Cookie", "accept", "*"]);
    line(80, "set-cookie", &["a=b"]);
    line(200, "etag", &["\"a\"", "W/\"a\"", "a", ""]);
    let absolute = format!("http://{HOST}{PATH}");
    let places = if case.method == "POST" { 800 } else { 30 };
    line(places, "content-location", &[PATH, PATH, &absolute, "/other", "http://other.test/menu"]);
    let parts = if case.status == 206 { 900 } else { 20 };
    line(
        parts,
        "content-range",
        &[
            "bytes 0-4/10",
            "bytes 0-4/10",
            "bytes 0-4/10",
            "bytes 0-4/10",
            "Bytes 5-9/10",
            "bytes 0-4/*",
            "bytes 4-0/10",
            "bytes 0-9/5",
            "lines 0-4/10",
            "bytes */10",
            "bytes 0-4",
            "0-4/10",
        ],
    );
    lines
}

/// A time around one of those at which something changes.
fn now(random: &mut Random, case: &Case, stored: &Result<Stored, Clause>) -> Micros {
    let received = case.response_time;
    let at_random = received + random.one_of(&[0, 1, 30, 600, 5000, 100_000]) * SECOND;
    let Ok(stored) = stored else { return at_random };
    let stale = received + stored.freshness_lifetime - stored.corrected_initial_age;
    let boundary = match random.below(13) {
        0..=4 => stale,
        5..=6 => stale + stored.stale_while_revalidate,
        7..=8 => stale + stored.stale_if_error,
        9 => stored.ends.unwrap_or(received),
        10 => received,
        11 => received + random.within(0, 100_000) * SECOND,
        _ => at_random,
    };
    let near = random.one_of(&[0, 0, 1, -1, SECOND, -SECOND, -SECOND, 5 * SECOND, -30 * SECOND]);
    (boundary + near).max(received - SECOND)
}

fn presented(random: &mut Random, case: &Case, stored: &Result<Stored, Clause>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if random.happens(40) {
        lines.push(("authorization", "Basic eDp5".to_owned()));
    }
    if random.happens(15) {
        lines.push(("content-length", random.one_of(&["0", "5"]).to_owned()));
    }
    if random.happens(if case.status == 206 { 800 } else { 20 }) {
        let range = random.one_of(&[
            "bytes=0-2",
            "bytes=0-4",
            "bytes=5-7",
            "bytes=5-",
            "bytes=4-5",
            "bytes=0-",
            "bytes=2-1",
            "lines=0-1",
        ]);
        lines.push(("range", range.to_owned()));
    }
    if random.happens(20) {
        lines.push(("if-range", "\"a\"".to_owned()));
    }
    if random.happens(350) {
        // Numbers about the age it has, the freshness that is left, and how stale it is.
        let mut numbers = vec![0, 1, 60];
        if let Ok(stored) = stored {
            let age = stored.corrected_initial_age + (case.now - case.response_time).max(0);
            let left = stored.freshness_lifetime - age;
            numbers.extend([age, age, left.abs(), left.abs()].map(|time| time / SECOND));
        }
        lines.extend(request_directives(random, &numbers));
    }
    if random.happens(40) {
        let pragma = random.one_of(&["no-cache", "x, No-Cache", "x", "no-cache=\"\""]);
        lines.push(("pragma", pragma.to_owned()));
    }
    lines
}

/// A time as the implementation has it.
pub(super) fn time(micros: Micros) -> std::time::SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros.cast_unsigned())
}
