//! A time of day where the upstream's day begins.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

/// What a day is taken for where the calendar ends (year 9999).
const DAY: Duration = Duration::from_hours(24);
/// Days to look at: a zone may leave one out, as Apia did on 2011-12-30.
const DAYS: usize = 4;

/// A local time of day in a named zone, such as `00:00 Europe/Stockholm`.
///
/// It comes once on each date: at the first moment when the clock shows it or
/// a later time. Where the clock is put forward past it, that is the moment of
/// the change; where it is put back over it, it is the first of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    time: Time,
    zone: TimeZone,
}

impl TimeOfDay {
    /// When it comes next, strictly after `time`.
    pub fn next_after(&self, time: SystemTime) -> SystemTime {
        self.next(time).unwrap_or(time + DAY)
    }

    fn next(&self, time: SystemTime) -> Option<SystemTime> {
        let now = Timestamp::try_from(time).ok()?;
        let mut date = self.zone.to_datetime(now).date();
        for _ in 0..DAYS {
            let moment = self.on(date)?;
            if now < moment {
                return SystemTime::try_from(moment).ok();
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// When it comes on a date.
    fn on(&self, date: Date) -> Option<Timestamp> {
        let time = date.to_datetime(self.time);
        match self.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(time).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(time).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the later offset the moment is still ahead of the change.
                let ahead = after.to_timestamp(time).ok()?;
                Some(self.zone.following(ahead).next()?.timestamp())
            }
        }
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<TimeOfDay, String> {
        let like = "write it like 00:00 Europe/Stockholm";
        let (time, zone) = text.split_once(' ').ok_or_else(|| format!("no time zone: {like}"))?;
        let time = clock(time).ok_or_else(|| format!("'{time}' is no time of day: {like}"))?;
        // The zones are in the binary: a container has no files of them.
        let zone = TimeZoneDatabase::bundled()
            .get(zone)
            .map_err(|_| format!("'{zone}' is no zone of the IANA time zone database: {like}"))?;
        Ok(TimeOfDay { time, zone })
    }
}

/// A time from 00:00 to 23:59, written with two digits each.
fn clock(text: &str) -> Option<Time> {
    let two_digits = |text: &str| {
        let are_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| are_digits)
    };
    let (hour, minute) = text.split_once(':')?;
    Time::new(two_digits(hour)?, two_digits(minute)?, 0, 0).ok()
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        write!(f, "{:02}:{:02} {zone}", self.time.hour(), self.time.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().try_into().unwrap()
    }

    #[track_caller]
    fn check(time_of_day: &str, after: &str, expected: &str) {
        let time_of_day: TimeOfDay = time_of_day.parse().unwrap();
        let actual = time_of_day.next_after(instant(after));
        let shown = Timestamp::try_from(actual).unwrap();
        assert_eq!(actual, instant(expected), "{time_of_day} after {after}: {shown}");
    }

    #[test]
    fn it_is_strictly_after() {
        let midnight = "00:00 Europe/Stockholm";
        check(midnight, "2026-01-10T11:00:00Z", "2026-01-10T23:00:00Z");
        check(midnight, "2026-01-10T22:59:59.999999999Z", "2026-01-10T23:00:00Z");
        check(midnight, "2026-01-10T23:00:00Z", "2026-01-11T23:00:00Z");
        check(midnight, "2026-01-10T23:00:00.000000001Z", "2026-01-11T23:00:00Z");
        check("14:30 Europe/Stockholm", "2026-07-10T12:00:00Z", "2026-07-10T12:30:00Z");
        check("14:30 Europe/Stockholm", "2026-07-10T12:30:00Z", "2026-07-11T12:30:00Z");
        check("23:59 UTC", "2026-12-31T23:59:59Z", "2027-01-01T23:59:00Z");
        check("00:00 Pacific/Kiritimati", "2026-01-01T09:59:00Z", "2026-01-01T10:00:00Z");
        check(midnight, "1969-12-31T22:00:00Z", "1969-12-31T23:00:00Z");
    }

    #[test]
    fn midnight_across_both_changes() {
        let midnight = "00:00 Europe/Stockholm";
        check(midnight, "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z");
        check(midnight, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        check(midnight, "2026-10-24T12:00:00Z", "2026-10-24T22:00:00Z");
        check(midnight, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_comes_at_the_change() {
        // At 02:00 it is 03:00.
        let half_past_two = "02:30 Europe/Stockholm";
        check(half_past_two, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
        check(half_past_two, "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z");
        check(half_past_two, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z");
        check("02:00 Europe/Stockholm", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z");
        check("03:00 Europe/Stockholm", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z");
        // Here midnight is what is left out.
        check("00:00 America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z");
        check("00:00 America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z");
        check("00:00 Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z");
        check("00:00 Africa/Cairo", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z");
        // Here a whole day is.
        check("12:00 Pacific/Apia", "2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z");
        check("12:00 Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z");
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        // At 03:00 it is 02:00.
        let half_past_two = "02:30 Europe/Stockholm";
        check(half_past_two, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check(half_past_two, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
        check(half_past_two, "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z");
        // At 01:00 it is midnight again.
        check("00:00 America/Havana", "2024-11-02T12:00:00Z", "2024-11-03T04:00:00Z");
        check("00:00 America/Havana", "2024-11-03T05:30:00Z", "2024-11-04T05:00:00Z");
        // At midnight it is 23:00 of the day before.
        check("00:00 America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-18T03:00:00Z");
        check("23:30 America/Sao_Paulo", "2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z");
    }

    #[test]
    fn the_end_of_the_calendar_is_a_day_away() {
        let time_of_day: TimeOfDay = "00:00 UTC".parse().unwrap();
        let late = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 366 * 9000);
        assert_eq!(time_of_day.next_after(late), late + DAY);
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let message = text.parse::<TimeOfDay>().unwrap_err();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("write it like 00:00 Europe/Stockholm"), "{message}");
    }

    #[test]
    fn reading_and_writing() {
        for text in ["00:00 Europe/Stockholm", "09:05 UTC", "23:59 America/Sao_Paulo"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        let lower: TimeOfDay = "00:00 europe/stockholm".parse().unwrap();
        assert_eq!(lower.to_string(), "00:00 Europe/Stockholm");
        check_refused("00:00", "no time zone");
        check_refused("24:00 UTC", "'24:00'");
        check_refused("0:00 UTC", "'0:00'");
        check_refused("-1:00 UTC", "'-1:00'");
        check_refused("00:00 Europe/Stockholms", "'Europe/Stockholms'");
        check_refused("00:00  UTC", "zone");
    }
}
