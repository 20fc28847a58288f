//! A command line that can be shown.

/// Header fields whose names have one of these words in them are secret.
const SECRET: [&str; 5] = ["authorization", "cookie", "token", "key", "secret"];

/// What takes a header field, as the next argument or in the same.
const FLAGS: [&str; 2] = ["--header", "-H"];

const MASK: &str = "***";

/// The arguments, with a mask in the place of each secret field's value.
pub(super) fn without_secrets(args: &[String]) -> Vec<String> {
    let mut is_field = false;
    args.iter()
        .map(|arg| {
            if is_field {
                is_field = false;
                return mask(arg);
            }
            is_field = FLAGS.contains(&arg.as_str());
            match FLAGS.into_iter().find_map(|flag| Some((flag, arg.strip_prefix(flag)?))) {
                Some((flag, field)) => format!("{flag}{}", mask(field)),
                None => arg.clone(),
            }
        })
        .collect()
}

fn mask(field: &str) -> String {
    let is_secret = |text: &str| {
        let text = text.to_ascii_lowercase();
        SECRET.iter().any(|word| text.contains(word))
    };
    match field.split_once(':') {
        Some((name, _)) if is_secret(name) => format!("{name}: {MASK}"),
        // Where the name ends is not clear, so nothing is shown.
        None if is_secret(field) => MASK.to_owned(),
        _ => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], expected: &[&str]) {
        let args: Vec<_> = args.iter().copied().map(str::to_owned).collect();
        assert_eq!(without_secrets(&args), expected);
    }

    #[test]
    fn secrets_are_masked() {
        check(
            &["loadgen", "--header", "Authorization: Bearer a:b", "http://[::1]/key:1"],
            &["loadgen", "--header", "Authorization: ***", "http://[::1]/key:1"],
        );
        check(&["--header=x-api-KEY:1"], &["--header=x-api-KEY: ***"]);
        check(&["-H", "Set-Cookie:", "-HToken: 1"], &["-H", "Set-Cookie: ***", "-HToken: ***"]);
        check(&["--header", "client-secret=1"], &["--header", "***"]);
        // The second is a field, not a flag.
        check(&["--header", "--header", "key: 1"], &["--header", "--header", "key: 1"]);
    }

    #[test]
    fn the_rest_is_as_it_was() {
        for args in [&["--header", "Accept: a/b;q=1"][..], &["--header"], &["--seed", "7"], &[]] {
            check(args, args);
        }
    }
}
