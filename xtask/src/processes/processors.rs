//! The processors that there are to bind to.

use std::{fs, io};

/// The processors that this process may use.
pub fn processors() -> io::Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Ok(parse_list(list.unwrap_or_default()))
}

/// Processors as a flag has them.
pub fn list(processors: &[usize]) -> String {
    processors.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// A list of the kernel's, as `0-2,5`.
fn parse_list(ranges: &str) -> Vec<usize> {
    let parsed = ranges.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<usize>().ok()?..=last.parse::<usize>().ok()?)
    });
    parsed.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors() {
        assert_eq!(parse_list("\t0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("3"), [3]);
        assert_eq!(parse_list(""), [0usize; 0]);
        assert!(!processors().unwrap().is_empty());
    }
}
