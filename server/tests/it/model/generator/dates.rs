//! Dates in their three forms, and what is none.

use super::{Micros, Random, SECOND};

/// A date, most often this one, in a response that arrives at `received`.
pub(super) fn date(random: &mut Random, date: Micros, received: Micros) -> String {
    match random.below(40) {
        0 => random
            .one_of(&[
                "0",
                "-1",
                "",
                "never",
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "Sat, 01 Jan 0000 00:00:00 GMT",
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "Tue, 30 Jun 2026 23:59:60 GMT",
                "Tue, 30 Jun 2026 23:59:61 GMT",
                "Tue, 30 Feb 2027 00:00:00 GMT",
                "Tue, 29 Feb 2028 00:00:00 GMT",
                "Tuesday, 29-Feb-28 00:00:00 GMT",
                "Sun, 06-Nov-94 08:49:37 GMT",
                "Sunday, 06-Nov-1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 24:00:00 GMT",
                "Sun, 6 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49 GMT",
                "Sun Nov 06 08:49:37 1994",
                "Sun Nov 6 08:49:37 1994",
                "Sun, 06 Nov 1994 08:49:37 +0000",
                "Sun, 06 Nov 1994 08:49:37 GMT, x",
                "\u{e9}",
            ])
            .to_owned(),
        1 => form(random, date).replace("GMT", random.one_of(&["UTC", "CET", "gmt", "+0100"])),
        2 => form(random, date).to_ascii_lowercase(),
        3 => form(random, date).to_ascii_uppercase(),
        4 => form(random, date).replace("Mon", "Tue"),
        5 => form(random, date).replace(' ', "  "),
        6 => {
            // Fifty years from now: where a year of two digits changes its century.
            let days = random.within(-3, 3) + random.one_of(&[18_262, 18_263, -18_262, 36_525]);
            let seconds = random.within(-2, 2);
            long_form(received + days * super::DAY + seconds * SECOND)
        }
        _ => form(random, date),
    }
}

fn form(random: &mut Random, date: Micros) -> String {
    match random.below(10) {
        0..=6 => shown(date, "%a, %d %b %Y %H:%M:%S GMT"),
        7..=8 => long_form(date),
        _ => shown(date, "%a %b %e %H:%M:%S %Y"),
    }
}

fn long_form(date: Micros) -> String {
    shown(date, "%A, %d-%b-%y %H:%M:%S GMT")
}

fn shown(date: Micros, format: &str) -> String {
    jiff::Timestamp::from_microsecond(date).unwrap().strftime(format).to_string()
}
