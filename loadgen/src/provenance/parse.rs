//! What Linux's files about itself say, as text in and facts out.

use super::Ports;

/// The value of the first line `key: value`, as in `/proc/cpuinfo`.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key && !value.trim().is_empty()).then(|| value.trim())
    })
}

/// All memory there is, of `/proc/meminfo`.
pub(super) fn memory_bytes(meminfo: &str) -> Option<u64> {
    let kibibytes: u64 = field(meminfo, "MemTotal")?.strip_suffix(" kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// How many CPUs a list such as `0-3,8` has.
pub(super) fn cpus_in(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0_u32, |sum, range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        sum.checked_add(to.checked_sub(from)?.checked_add(1)?)
    })
}

/// The control group of `/proc/self/cgroup`, in version 2's tree.
pub(super) fn cgroup(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::/"))
}

/// How many CPUs' time `cpu.max` grants; none if it sets no bound.
pub(super) fn quota(cpu_max: &str) -> Option<f64> {
    let (quota, period) = cpu_max.trim().split_once(' ')?;
    let (quota, period): (u32, u32) = (quota.parse().ok()?, period.parse().ok()?);
    (0 < period).then(|| f64::from(quota) / f64::from(period))
}

/// A number alone; none for `max`.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A range as two numbers.
pub(super) fn ports(text: &str) -> Option<Ports> {
    let mut ports = text.split_whitespace().map(str::parse);
    Some(Ports { first: ports.next()?.ok()?, last: ports.next()?.ok()? })
}

/// The three averages of `/proc/loadavg`.
pub(super) fn load_average(text: &str) -> Option<[f64; 3]> {
    let mut numbers = text.split(' ').map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[track_caller]
    fn check<T: PartialEq + Debug>(parse: impl Fn(&str) -> Option<T>, rows: &[(&str, Option<T>)]) {
        for (text, expected) in rows {
            assert_eq!(parse(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn fields() {
        let model = |text: &str| field(text, "model name").map(str::to_owned);
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nmodel name\t: Other\n";
        check(model, &[(cpuinfo, Some("Some CPU @ 2.00GHz".to_owned()))]);
        check(model, &[("model name\t: \n", None), ("model\t: 85\n", None), ("", None)]);
    }

    #[test]
    fn memory() {
        check(
            memory_bytes,
            &[
                ("MemTotal:       16384 kB\nMemFree: 1 kB\n", Some(16_777_216)),
                ("MemFree: 1 kB\n", None),
                ("MemTotal: lots kB\n", None),
                ("MemTotal: 18446744073709551615 kB\n", None),
            ],
        );
    }

    #[test]
    fn cpus() {
        check(
            cpus_in,
            &[
                ("0\n", Some(1)),
                ("0-3\n", Some(4)),
                ("0-3,8,10-11\n", Some(7)),
                ("\n", None),
                ("3-0\n", None),
                ("0-4294967295\n", None),
            ],
        );
    }

    #[test]
    fn control_groups() {
        check(
            |text| cgroup(text).map(str::to_owned),
            &[
                ("0::/\n", Some(String::new())),
                ("4:memory:/m\n0::/system.slice/a.scope\n", Some("system.slice/a.scope".into())),
                ("4:memory:/m\n", None),
            ],
        );
        check(
            quota,
            &[
                ("max 100000\n", None),
                ("150000 100000\n", Some(1.5)),
                ("1 0\n", None),
                ("\n", None),
            ],
        );
        check(number, &[("max\n", None), ("4096\n", Some(4096)), ("-1", None)]);
    }

    #[test]
    fn port_ranges() {
        let wide = Ports { first: 32_768, last: 60_999 };
        check(ports, &[("32768\t60999\n", Some(wide)), ("32768\n", None), ("1 70000\n", None)]);
        assert_eq!(wide.count(), 28_232);
        assert_eq!(Ports { first: 0, last: u16::MAX }.count(), 65_536);
        assert_eq!(Ports { first: 2, last: 1 }.count(), 0);
        assert!(Ports::look().is_some());
    }

    #[test]
    fn load_averages() {
        let averages = Some([0.52, 1.0, 12.25]);
        check(load_average, &[("0.52 1.00 12.25 1/234 5678\n", averages), ("0.52\n", None)]);
    }
}
