//! The command `lunch` against a relay over the demo upstream.
//!
//! They are here and not with the command because tests of a package know the
//! path of its own programs only, and the relay takes far longer to build.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use crate::support::{Demo, Origin, Relay, Then};

const ERAS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The command, built when the first test needs it, beside the relay.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let relay = Path::new(env!("CARGO_BIN_EXE_relay"));
        let profile = relay.parent().unwrap();
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--package=lunch", "--bin=lunch"]);
        build.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
        assert!(status.success(), "lunch cannot be built");
        relay.with_file_name("lunch")
    })
}

/// Runs `lunch` as in a pipe, 80 columns wide.
fn lunch(args: &[&str]) -> Output {
    Command::new(program())
        .args(args)
        .env_remove("LUNCH_RELAY")
        .env_remove("LUNCH_REGION")
        .env("COLUMNS", "80")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What `lunch` prints where it finds something.
#[track_caller]
fn found(args: &[&str]) -> String {
    let output = lunch(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and the message where it does not.
#[track_caller]
fn not_found(args: &[&str]) -> (i32, String) {
    let output = lunch(args);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{args:?}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn relay_over(base: &str, flags: &[&str]) -> (Relay, String) {
    let relay = Relay::start(&[&["--upstream", base, "--preset=lunch"], flags].concat());
    let url = format!("http://{}", relay.public);
    (relay, url)
}

/// The listing without its first line, which has the date.
fn undated(listing: &str) -> &str {
    let (title, rest) = listing.split_once('\n').unwrap();
    assert!(title.starts_with("Lunch today, "), "{title}");
    rest
}

#[test]
fn every_era_is_listed() {
    for era in ERAS {
        let demo = Demo::start(era);
        let (_relay, relay) = relay_over(&demo.base, &[]);
        let ask = |args: &[&str]| found(&[&["--relay", &relay], args].concat());

        insta::assert_snapshot!(format!("day-{era}"), undated(&ask(&[])));
        insta::assert_snapshot!(format!("rudbeck-{era}"), ask(&["rudbeck"]));
        insta::assert_snapshot!(format!("fisk-{era}"), ask(&["--find", "fisk"]));
        assert_eq!(ask(&["RUDBECK"]), ask(&["rudbeck"]));
        for name in ["jöns jacob", "Jöns Jacob ", "JONS", "jöns"] {
            assert_eq!(ask(&[name]), ask(&["jons"]), "{name}");
        }
        let uppsala = ask(&["--region", "upps"]);
        assert!(uppsala.contains("Rudbeck") && !uppsala.contains("Jöns"), "{uppsala}");

        let (code, message) = not_found(&["--relay", &relay, "bikupn"]);
        assert_eq!(code, 1);
        assert_eq!(
            message,
            "lunch: no restaurant 'bikupn': did you mean bikupan (Restaurang Bikupan)?\n"
        );

        let direct = found(&["--direct", &demo.base]);
        assert_eq!(undated(&direct), undated(&ask(&[])));
    }
}

#[test]
fn programs_get_json() {
    let demo = Demo::start("a");
    let (_relay, relay) = relay_over(&demo.base, &[]);
    let json = |args: &[&str]| -> serde_json::Value {
        let output = found(&[&["--relay", &relay, "--json"], args].concat());
        serde_json::from_str(&output).unwrap()
    };

    let all = json(&[]);
    assert_eq!(all["restaurants"].as_array().unwrap().len(), 13);
    let one = &json(&["jons"])["restaurants"][0];
    assert_eq!((&one["id"], &one["name"]), (&"jons".into(), &"Jöns Jacob".into()));
    assert_eq!(one["menu"]["status"], "open");
    assert_eq!(one["menu"]["dishes"].as_array().unwrap().len(), 2);
    assert_eq!(json(&["hubben"])["restaurants"][0]["menu"]["status"], "closed");
    assert_eq!(json(&["haga"])["restaurants"][0]["menu"]["status"], "unpublished");

    let dish = &json(&["--find", "makrill", "--find", "räksmörgås"][2..])["dishes"][0];
    assert_eq!(dish["text"], "Räksmörgås på dansk råg, ägg och dill");
    assert_eq!(dish["raw"], "Räksmörgås på dansk råg, ägg och dill139:-");
    assert_eq!((&dish["price"], &dish["matches"]), (&139.into(), &serde_json::json!([[0, 13]])));
    assert_eq!(dish["restaurant"]["id"], "dufva");
}

#[test]
fn what_is_not_there_is_said_so() {
    let demo = Demo::start("f");
    let (_relay, relay) = relay_over(&demo.base, &[]);
    let check = |args: &[&str], expected: (i32, &str)| {
        let (code, message) = not_found(&[&["--relay", &relay], args].concat());
        assert_eq!((code, message.as_str()), expected);
    };

    check(&["xyzzy"], (1, "lunch: no restaurant 'xyzzy'; `lunch` lists them all\n"));
    check(&["--find", "xyzzy"], (1, "lunch: no dish today matches 'xyzzy'\n"));
    check(
        &["--find", "blomkol"],
        (1, "lunch: no dish today matches 'blomkol': did you mean blomkålssteak?\n"),
    );
    check(
        &["--region", "Lund"],
        (1, "lunch: no region 'Lund'; there are Uppsala, Solna, Frösundavik, Radiohuset\n"),
    );
    check(&["--find", " "], (2, "lunch: --find needs a word to look for\n"));
    let (code, message) = not_found(&["--relay", &relay, "café"]);
    assert_eq!(code, 1);
    assert!(
        message.starts_with("lunch: 'café' may be any of these:\n  biomedicum  ("),
        "{message}"
    );
    let (code, _) = not_found(&["--relay", &relay, "-i"]);
    assert_eq!(code, 2);
    let (code, _) = not_found(&["--color", "sometimes"]);
    assert_eq!(code, 2);
}

#[test]
fn nobody_there_is_explained() {
    let (code, message) = not_found(&["--relay", "http://127.0.0.1:9"]);
    assert_eq!(code, 3);
    assert!(message.contains("nothing listens there"), "{message}");
    assert!(message.contains("--relay") && message.contains("--direct"), "{message}");

    let (_relay, relay) = relay_over("http://127.0.0.1:9/api/", &[]);
    for args in [&[][..], &["bikupan"], &["--find", "fisk"], &["--json"]] {
        let (code, message) = not_found(&[&["--relay", &relay], args].concat());
        assert_eq!(code, 3);
        assert!(message.contains("Try again"), "{message}");
    }

    let page = Origin::start(|_, stream| {
        use std::io::Write;
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>";
        stream.get_mut().write_all(answer.as_bytes())?;
        Ok(Then::KeepOpen)
    });
    let (code, message) = not_found(&["--relay", &page.url()]);
    assert_eq!(code, 3);
    assert!(message.contains("a page of HTML"), "{message}");

    for (location, expected) in [
        ("/restaurant/", "it redirects for ever"),
        ("http://elsewhere.invalid/restaurant/", "308 Permanent Redirect"),
    ] {
        let origin = Origin::answering(format!(
            "HTTP/1.1 308 Permanent Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        ));
        let (code, message) = not_found(&["--direct", &origin.url()]);
        assert_eq!(code, 3);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn stored_menus_of_today_are_shown_with_their_age() {
    let demo = Demo::start("a");
    let (_relay, relay) = relay_over(&demo.base, &["--default-ttl=1s"]);
    let relay = ["--relay", relay.as_str()];
    assert!(!found(&[&relay[..], &["bikupan"]].concat()).contains("old)"));
    drop(demo);
    thread::sleep(Duration::from_secs(2));

    let menu = found(&[&relay[..], &["bikupan"]].concat());
    assert!(menu.contains("as of ") && menu.contains(" s old)"), "{menu}");
    let (code, message) = not_found(&[&relay[..], &["rudbeck"]].concat());
    assert_eq!(code, 3, "{message}");
    let day = found(&relay);
    assert!(day.contains("Restaurang Bikupan"), "{day}");
    assert!(day.contains("Not available: "), "{day}");
}

#[test]
fn a_menu_is_found_where_the_list_is_not() {
    let origin = Origin::start(|head, stream| {
        use std::io::Write;
        let (status, body) = if head.starts_with("GET /restaurant/food-co ") {
            ("200 OK", r#"{"restaurant":{"title":"Food & Co","menu":[{"dish":"Kolja"}]}}"#)
        } else {
            ("502 Bad Gateway", r#"{"detail":"the upstream is down"}"#)
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.get_mut().write_all(answer.as_bytes())?;
        Ok(Then::KeepOpen)
    });
    let text = found(&["--relay", &origin.url(), "Food-Co"]);
    assert!(text.starts_with("Food & Co") && text.contains("Kolja"), "{text}");
    let (code, message) = not_found(&["--relay", &origin.url(), "jons"]);
    assert_eq!(code, 3);
    assert!(message.contains("the upstream is down (502)\nTry again"), "{message}");
}

#[test]
fn stale_menus_say_so_and_yesterdays_are_not_shown() {
    for (age, shown) in [("5", true), ("90000", false)] {
        let origin = Origin::start(move |head, stream| {
            use std::io::Write;
            let body = if head.starts_with("GET /restaurant/x ") {
                r#"{"restaurant":{"title":"Krog","menu":[{"dish":"Kolja"}]}}"#
            } else {
                r#"{"restaurants":[{"identifier":"x","name":"Krog"}]}"#
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nAge: {age}\r\nContent-Length: {}\r\n\
                 Cache-Status: lunch-relay; hit; ttl=-3; detail=\"stale-if-error, RFC 5861 4\"\r\n\
                 \r\n{body}",
                body.len()
            );
            stream.get_mut().write_all(answer.as_bytes())?;
            Ok(Then::KeepOpen)
        });
        let url = origin.url();
        if shown {
            let text = found(&["--relay", &url, "x"]);
            assert!(text.contains("(5 s old)") && text.contains("Kolja"), "{text}");
        } else {
            let (code, message) = not_found(&["--relay", &url, "x"]);
            assert_eq!(code, 3);
            assert!(message.contains("only yesterday's is stored"), "{message}");
        }
    }
}
