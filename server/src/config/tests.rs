use std::{io::Write, time::Duration};

use super::*;
use crate::cache::rules::{ClientDirectives, NegativeTtl, QueryRule, Rule};

fn load(args: &[&str]) -> Result<Cli, String> {
    let args = ["relay"].iter().chain(args).map(Into::into);
    Cli::load(args).map_err(|error| error.to_string())
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn with_file(text: &str, args: &[&str]) -> Result<Cli, String> {
    let file = file(text);
    let mut all = args.to_vec();
    all.extend(["--config", file.path().to_str().unwrap()]);
    load(&all)
}

#[test]
fn clap_accepts_the_definition() {
    Cli::command().debug_assert();
}

#[test]
fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
    let text = "listen = '127.0.0.1:1'\nworkers = 3\nforwarded = true\ncache-size = '1MiB'";
    let config = with_file(text, &["--listen", "127.0.0.1:2"]).unwrap().config;
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.workers, NonZeroUsize::new(3));
    assert!(config.upstream.forwarded);
    assert_eq!(config.cache.cache_size.bytes(), 1 << 20);
    assert_eq!(config.admin_listen.port(), 8081);
}

#[test]
fn the_last_of_a_repeated_flag_wins() {
    let config = load(&["--listen=127.0.0.1:1", "--listen=127.0.0.1:2"]).unwrap().config;
    assert_eq!(config.listen.port(), 2);
}

#[test]
fn what_is_printed_gives_the_same_again() {
    let args = ["--upstream=http://h/api", "--default-ttl=90s", "--workers=2", "--forwarded"];
    let printed = load(&args).unwrap().config.to_toml();
    assert!(printed.contains("upstream = \"http://h/api/\""), "{printed}");
    assert_eq!(with_file(&printed, &[]).unwrap().config.to_toml(), printed);
}

#[test]
fn what_is_printed_has_no_password_and_says_so() {
    let config = |url: &str| load(&[&format!("--shared={url}")]).unwrap().config;
    let printed = config("redis://user:secret@valkey").to_toml();
    assert!(!printed.contains("secret"), "{printed}");
    assert!(printed.starts_with("# The password in `shared` is masked"), "{printed}");
    assert!(printed.contains("shared = \"redis://user:***@valkey\""), "{printed}");
    // It is not taken for the password.
    let error = with_file(&printed, &[]).unwrap_err();
    assert!(error.contains("the password is masked, *** stands for it"), "{error}");
    let printed = with_file(&printed, &["--shared=redis://:secret@valkey"]).unwrap().config;
    assert!(!printed.to_toml().contains("secret"));
    // Where there is none, nothing has to be written in.
    let printed = config("redis://valkey").to_toml();
    assert_eq!(with_file(&printed, &[]).unwrap().config.to_toml(), printed);
}

#[test]
fn a_wrong_url_of_a_shared_tier_is_refused_without_its_password() {
    let error = load(&["--shared=http://:secret@valkey"]).unwrap_err();
    assert!(error.contains("write it like redis://host:6379"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let config = load(&["--shared-cache=redis://:secret@valkey"]).unwrap().config;
    assert!(!format!("{config:?}").contains("secret"));
    assert!(config.to_toml().contains("shared = \"redis://:***@valkey\""));
}

#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    let error = with_file(text, &[]).unwrap_err();
    for part in expected {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_bad_file_says_where_and_what_to_do() {
    check_refused("liste = 'x'", &[".toml", "'liste'", "did you mean 'listen'"]);
    check_refused("zzz = 1", &[".toml", "'zzz'", "relay --help"]);
    check_refused("default_ttl = '1s'", &["did you mean 'default-ttl'"]);
    check_refused("cache-size = 'much'", &[".toml", "--cache-size", "256MiB"]);
    check_refused("workers = 0", &[".toml", "--workers"]);
    check_refused("listen = false", &[".toml", "'listen'", "takes a value"]);
    check_refused("listen = ['a']", &[".toml", "'listen'", "a string, a number or a boolean"]);
    check_refused("listen = ", &[".toml", "line 1"]);
    check_refused("print-config = true", &["'print-config'"]);
    check_refused("preset = 'dinner'", &["--preset", "possible values: lunch, none"]);
    check_refused("[[rules]]\npath = '/x'", &["'rules'", "did you mean 'rule'"]);
    check_refused("[rule]\npath = '/x'", &[".toml", "begin each with [[rule]]"]);
    check_refused("[[rule]]\npath = '/x'\ntll = '1s'", &[".toml: rule 1, path \"/x\"", "'ttl'"]);
}

#[test]
fn a_missing_file_is_named() {
    let error = load(&["--config", "no-such.toml"]).unwrap_err();
    assert!(error.contains("no-such.toml"), "{error}");
}

#[test]
fn one_address_for_both_listeners_is_refused() {
    let error = load(&["--listen=127.0.0.1:9", "--admin-listen=127.0.0.1:9"]).unwrap_err();
    assert!(error.contains("another port"), "{error}");
}

#[test]
fn a_log_filter_that_cannot_be_read_is_refused() {
    for args in [&["--log=a=b=c"][..], &["check", "--log=a=b=c"]] {
        let error = load(args).unwrap_err();
        assert!(error.contains("--log a=b=c: write a level"), "{error}");
    }
}

#[test]
fn check_reads_the_file_too() {
    let file = file("zzz = 1");
    let error = load(&["check", "--config", file.path().to_str().unwrap()]).unwrap_err();
    assert!(error.contains("'zzz'"), "{error}");
}

/// What `explain` would call the rules for some paths.
fn names(config: &Config, paths: &[&str]) -> Vec<String> {
    let rules = config.rules();
    paths.iter().map(|path| rules.of(path).name.to_string()).collect()
}

#[test]
fn the_file_comes_before_the_preset_and_the_preset_before_the_flags() {
    let text = "[[rule]]\npath = '/x'\n[[rule]]\nname = 'lists'\npath = '/restaurant/'";
    let of = |args: &[&str]| {
        names(&with_file(text, args).unwrap().config, &["/x", "/restaurant/", "/restaurant/a", "/"])
    };
    let own = ["rule 1 (/x)", "rule 2 (lists)"];
    let lunch = ["preset lunch (menus)", "preset lunch (the rest)"];
    assert_eq!(of(&[]), [own, lunch].concat());
    assert_eq!(of(&["--upstream=demo"]), [own, lunch].concat());
    assert_eq!(of(&["--upstream=http://h/"]), [own, ["flags"; 2]].concat());
    assert_eq!(of(&["--preset=none"]), [own, ["flags"; 2]].concat());
    assert_eq!(of(&["--upstream=http://h/", "--preset=lunch"]), [own, lunch].concat());
}

#[test]
fn the_preset_is_for_todays_menus() {
    let args = ["--upstream=demo", "--default-ttl=90s", "--stale-if-error=2h"];
    let rules = load(&args).unwrap().config.rules();
    for path in ["/restaurant", "/restaurant/", "/restaurant/rudbeck", "/restaurant/rudbeck/"] {
        let rule = rules.of(path);
        assert_eq!(rule.expires_at.as_ref().unwrap().to_string(), "00:00 Europe/Stockholm");
        assert_eq!(rule.query, QueryRule::Ignored);
        // How long is what the flags say.
        assert_eq!(rule.ttl, Duration::from_secs(90));
        assert_eq!(rule.stale_if_error, Duration::from_hours(2));
    }
    for path in ["/", "/version", "/restaurants"] {
        assert_eq!(rules.of(path).query, QueryRule::Kept);
    }
    // The API merges slashes, and so menus have other paths too.
    for path in ["/restaurant/", "/", "//restaurant/"] {
        assert!(rules.of(path).expires_at.is_some());
        let fields = rules.of(path).request_fields.as_ref().unwrap();
        assert!(fields.contains(&http::header::ACCEPT));
        for name in ["cache-control", "pragma", "origin", "cookie", "x-forwarded-proto", "host"] {
            assert!(!fields.contains(&name.parse().unwrap()), "{name}");
        }
    }
}

#[test]
fn every_preset_can_be_read() {
    for preset in <Preset as clap::ValueEnum>::value_variants() {
        assert!(preset.rules().is_ok(), "{preset:?}");
        let shown = clap::ValueEnum::to_possible_value(preset).unwrap();
        assert_eq!(shown.get_name(), preset.name());
    }
}

#[test]
fn the_flags_are_the_rule_for_the_rest() {
    let of = |args: &[&str]| load(args).unwrap().config.cache.fallback_rule();
    assert_eq!(of(&[]), Rule::default());
    let expected = Rule {
        ttl: Duration::from_secs(1),
        negative_ttl: NegativeTtl::new(Duration::from_secs(2)),
        stale_while_revalidate: Duration::from_secs(3),
        stale_if_error: Duration::from_secs(4),
        client_directives: ClientDirectives::Honour,
        ..Rule::default()
    };
    let actual = of(&[
        "--default-ttl=1s",
        "--negative-ttl=2s",
        "--stale-while-revalidate=3s",
        "--stale-if-error=4s",
        "--client-directives=honour",
    ]);
    assert_eq!(actual, expected);
}

#[test]
fn to_the_letter_nothing_stale_and_no_error_is_served_unasked() {
    let printed = |args: &[&str]| load(args).unwrap().config.to_toml();
    let check = |args: &[&str], key: &str, expected: &str| {
        let printed = printed(args);
        assert!(printed.contains(&format!("{key} = \"{expected}\"")), "{printed}");
    };
    for (key, usual) in [("stale-while-revalidate", "1h"), ("error-ttl", "1s")] {
        check(&[], key, usual);
        check(&["--default-ttl=0s"], key, "0s");
        check(&["--default-ttl=0s", &format!("--{key}=5s")], key, "5s");
    }
}

#[test]
fn what_is_printed_has_the_rules_too() {
    let text = "[[rule]]\npath = '/x'\nnegative-ttl = { 404 = '1m' }\nquery = { ignore = ['a'] }\n\
                [[rule]]\npath = '/**'\nbypass = true";
    let printed = with_file(text, &["--upstream=demo"]).unwrap().config.to_toml();
    assert!(printed.contains("preset = \"lunch\""), "{printed}");
    let again = with_file(&printed, &[]).unwrap().config;
    assert_eq!(again.to_toml(), printed);
    assert_eq!(names(&again, &["/x", "/y"]), ["rule 1 (/x)", "rule 2 (/**)"]);
    let ttl = again.rules().of("/x").negative_ttl.of(http::StatusCode::NOT_FOUND);
    assert_eq!(ttl, Some(Duration::from_mins(1)));
}

#[test]
fn check_refuses_a_rule_that_never_matches_and_serving_does_not() {
    let file = file("[[rule]]\npath = '/x/**'\n[[rule]]\npath = '/x/y'\n[[rule]]\npath = '/x/'");
    let path = file.path().to_str().unwrap();
    let error = load(&["check", "--config", path]).unwrap_err();
    for number in ["rule 2 (/x/y)", "rule 3 (/x/)"] {
        let line = format!("{number} never matches: rule 1 (/x/**) matches all its paths first\n");
        assert!(error.contains(&line), "{error}");
    }
    assert_eq!(load(&["--config", path]).unwrap().config.rule.len(), 3);
}
