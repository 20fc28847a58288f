//! A command line that can be shown.

use std::path::Path;

use super::url::{self, MASK};

/// The request fields whose values are shown: what is asked for, and not by
/// whom. Those of all others may be secret.
const SHOWN: [&str; 12] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-type",
    "host",
    "if-modified-since",
    "if-none-match",
    "origin",
    "pragma",
    "range",
    "user-agent",
];

/// What is shown of a value.
type Mask = fn(&str) -> String;

/// The flags whose values may be secret.
const FLAGS: [(&str, Mask); 3] = [("--header", field), ("-H", field), ("--body", body)];

/// The command line `args` as it can be shown: the program by its name alone, as
/// where it is says something of the machine and nothing of the result, and its
/// arguments without what may be secret.
pub(super) fn shown(args: &[String]) -> Vec<String> {
    let mut shown = without_secrets(args);
    if let Some(program) = shown.first_mut()
        && let Some(name) = Path::new(program.as_str()).file_name()
    {
        *program = name.to_string_lossy().into_owned();
    }
    shown
}

/// The arguments, with a mask in the place of what may be secret: values of
/// fields, bodies, and parts of URLs.
fn without_secrets(args: &[String]) -> Vec<String> {
    let mut next: Option<Mask> = None;
    let shown = args.iter().map(|arg| {
        if let Some(mask) = next.take() {
            return mask(arg);
        }
        next = FLAGS.into_iter().find_map(|(flag, mask)| (arg == flag).then_some(mask));
        if next.is_some() {
            return arg.clone();
        }
        let within =
            FLAGS.into_iter().find_map(|(flag, mask)| Some((value_within(arg, flag)?, mask)));
        match within {
            Some(((flag, value), mask)) => format!("{flag}{}", mask(value)),
            None => url::without_secrets(arg),
        }
    });
    shown.collect()
}

/// `arg` as `flag` and the value that follows in the same argument: after a
/// `=`, which a short flag can do without.
fn value_within<'a>(arg: &'a str, flag: &str) -> Option<(&'a str, &'a str)> {
    match arg.strip_prefix(flag)?.strip_prefix('=') {
        Some(_) => Some(arg.split_at(flag.len() + 1)),
        None if flag.starts_with("--") => None,
        None => Some(arg.split_at(flag.len())),
    }
}

fn field(line: &str) -> String {
    match line.split_once(':') {
        Some((name, _)) if SHOWN.iter().any(|shown| name.trim().eq_ignore_ascii_case(shown)) => {
            line.to_owned()
        }
        Some((name, _)) => format!("{name}: {MASK}"),
        // Where the name ends is not clear, so nothing is shown.
        None => MASK.to_owned(),
    }
}

/// The name of a file is no secret, text may be one.
fn body(text: &str) -> String {
    if text.starts_with('@') { text.to_owned() } else { MASK.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_without_its_folder() {
        for program in ["/opt/bin/loadgen", "./loadgen", "loadgen"] {
            let args = [program, "run", "--out", "a/b"].map(str::to_owned);
            assert_eq!(shown(&args), ["loadgen", "run", "--out", "a/b"], "{program}");
        }
        assert_eq!(shown(&[]), [""; 0]);
    }

    #[track_caller]
    fn check(args: &[&str], expected: &[&str]) {
        let args: Vec<_> = args.iter().copied().map(str::to_owned).collect();
        assert_eq!(without_secrets(&args), expected);
    }

    #[test]
    fn fields_are_masked_unless_they_are_known_to_tell_nothing() {
        check(
            &["loadgen", "--header", "Authorization: Bearer a:b", "http://[::1]/key:1"],
            &["loadgen", "--header", "Authorization: ***", "http://[::1]/key:1"],
        );
        check(&["--header=x-tenant:1"], &["--header=x-tenant: ***"]);
        check(&["-H", "Set-Cookie:", "-HX: 1"], &["-H", "Set-Cookie: ***", "-HX: ***"]);
        check(&["-H=X: 1", "-H=Accept: a/b"], &["-H=X: ***", "-H=Accept: a/b"]);
        check(&["--header", "accept=1"], &["--header", "***"]);
        check(&["--header", "x-accept: 1"], &["--header", "x-accept: ***"]);
        // What follows is a field, whatever it looks like.
        check(&["--header", "--header", "-H", "--body"], &["--header", "***", "-H", "***"]);
    }

    #[test]
    fn bodies_are_masked_and_their_files_are_not() {
        check(&["--body", "pin=1", "--body=pin=1"], &["--body", "***", "--body=***"]);
        check(&["--body", "@a/b", "--body=@a/b"], &["--body", "@a/b", "--body=@a/b"]);
        check(&["--body=", "--body", ""], &["--body=***", "--body", "***"]);
    }

    #[test]
    fn urls_are_masked() {
        check(&["run", "http://a/?token=1", "--seed"], &["run", "http://a/?token=***", "--seed"]);
    }

    #[test]
    fn the_rest_is_as_it_was() {
        for args in [
            &["--header", "Accept: a/b;q=1"][..],
            &["-Huser-agent : me", "--header=RANGE:bytes=0-1"],
            &["--header"],
            &["--header-timeout", "1s", "--body-timeout=1s"],
            &["--seed", "7", "--fail-if", "p99>1s"],
            &[],
        ] {
            check(args, args);
        }
    }
}
