use std::time::Duration;

use super::*;

/// The one rule of a text, for the flags' defaults.
fn rule(text: &str) -> Rule {
    let tables = of_text(&format!("[[rule]]\n{text}")).unwrap();
    tables[0].rule(RuleName::Flags, &Rule::default())
}

#[test]
fn what_a_rule_does_not_say_is_the_flags() {
    let flags = Rule { ttl: Duration::from_secs(7), ..Rule::default() };
    let tables = of_text("[[rule]]\npath = '/**'").unwrap();
    assert_eq!(tables[0].rule(RuleName::Flags, &flags), flags);
}

#[test]
fn what_a_rule_says_counts() {
    let rule = rule(
        r#"
        path = "/a/*"
        ttl = "1h"
        override = true
        negative-ttl = "3s"
        stale-while-revalidate = "4s"
        stale-if-error = "5s"
        expires-at = "00:00 Europe/Stockholm"
        query = { ignore = ["utm_*"], sort = true }
        client-directives = "honour"
        request-fields = ["Accept", "x-y"]
        guard = "/menu"
        keep-better-for = "6s"
        "#,
    );
    let members =
        QueryRule::Members { ignore: vec!["utm_*".parse().unwrap()], order: Order::ByName };
    let expected = Rule {
        place: 0,
        name: RuleName::Flags,
        path: "/a/*".parse().unwrap(),
        ttl: Duration::from_hours(1),
        negative_ttl: NegativeTtl::new(Duration::from_secs(3)),
        authority: Authority::Rule,
        stale_while_revalidate: Duration::from_secs(4),
        stale_if_error: Duration::from_secs(5),
        expires_at: Some("00:00 Europe/Stockholm".parse().unwrap()),
        query: members,
        client_directives: ClientDirectives::Honour,
        caching: Caching::Store,
        request_fields: Some(vec![http::header::ACCEPT, HeaderName::from_static("x-y")]),
        guard: Some(Arc::new(Guard {
            non_empty: "/menu".parse().unwrap(),
            keep_better_for: Duration::from_secs(6),
        })),
    };
    assert_eq!(rule, expected);
}

#[test]
fn the_other_ways_to_say_it() {
    let with = |text: &str| rule(&format!("path = '/a'\n{text}"));
    assert_eq!(with("bypass = true").caching, Caching::Bypass);
    assert_eq!(with("bypass = false\nttl = '1s'").ttl, Duration::from_secs(1));
    assert_eq!(with("override = false").authority, Authority::Response);
    assert_eq!(with("query = 'ignore'").query, QueryRule::Ignored);
    assert_eq!(with("query = 'keep'").query, QueryRule::Kept);
    assert_eq!(with("request-fields = []").request_fields, Some(Vec::new()));

    let guard = with("guard = '/menu'").guard.unwrap();
    assert_eq!(guard.keep_better_for, Duration::from_hours(1));

    let negative = with("negative-ttl = { 404 = '1m', 503 = '5s' }").negative_ttl;
    let of = |status: u16| negative.of(StatusCode::from_u16(status).unwrap());
    assert_eq!(of(404), Some(Duration::from_mins(1)));
    assert_eq!(of(410), Some(Duration::from_secs(10)));
    assert_eq!(of(503), Some(Duration::from_secs(5)));
}

#[test]
fn every_key_is_one_that_a_rule_may_have_and_is_written_as_its_example() {
    for (key, like) in KEYS {
        let table: Table = like.split(", or").next().unwrap().parse().unwrap_or_else(|_| {
            // Of several words the first is enough.
            like.split(", ").next().unwrap().parse().unwrap()
        });
        assert!(table.contains_key(key), "{like}");
        assert!(table.try_into::<Says>().is_ok(), "{like}");
    }
    // What a rule may have is what has an example.
    let error = "x = 1".parse::<Table>().unwrap().try_into::<Says>().unwrap_err();
    let fields = error.message().matches('`').count() / 2 - 1;
    assert_eq!(fields, KEYS.len(), "{error}");
}

#[track_caller]
fn check_refused(text: &str, expected: &[&str]) {
    let error = of_text(&format!("[[rule]]\npath = '/ok'\n[[rule]]\n{text}")).unwrap_err();
    for part in expected {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_bad_rule_says_where_and_what_to_write() {
    let check = check_refused;
    check("", &["rule 2: it has no path: write one like path = \"/restaurant/**\""]);
    check("path = '/x'\ntll = '1s'", &["rule 2, path \"/x\"", "'tll'", "did you mean 'ttl'?"]);
    check("path = '/x'\nzzz = 1", &["unknown key 'zzz'", "a rule may have path, name, ttl"]);
    check("path = '/x'\nexpires_at = 1", &["did you mean 'expires-at'?"]);
    check("path = 'x'", &["rule 2, path \"x\": 'path': begin it with '/'"]);
    check("path = 1", &["rule 2, path 1: 'path'", "write it like path = "]);
    let check = |text: &str, expected: &[&str]| {
        check_refused(&format!("path = '/x'\n{text}"), &["rule 2, path \"/x\": "]);
        check_refused(&format!("path = '/x'\n{text}"), expected);
    };
    check("ttl = 10", &["'ttl'", "write it like ttl = \"10m\""]);
    check("ttl = '10'", &["'ttl'", "write it like 10m"]);
    check("override = 'yes'", &["'override'", "override = true"]);
    check("negative-ttl = 1", &["'negative-ttl'", "{ 404 = \"1m\""]);
    check("negative-ttl = { 999 = '1s' }", &["'999' is no final status"]);
    check("negative-ttl = { 100 = '1s' }", &["'100' is no final status"]);
    check("negative-ttl = { 200 = '1s' }", &["200 is what 'ttl' is for"]);
    check("negative-ttl = { 304 = '1s' }", &["304 is not stored by itself"]);
    check("negative-ttl = { 404 = 1 }", &["the duration of 404"]);
    check("stale-if-error = 'long'", &["'stale-if-error'", "write it like 10m"]);
    check("expires-at = '24:00 UTC'", &["'expires-at'", "'24:00'"]);
    check("query = 'ignored'", &["'query'", "'ignored'", "\"ignore\""]);
    check("query = {}", &["'query'", "nothing is ignored"]);
    check("query = { ingore = ['a'] }", &["'query'", "`ingore`"]);
    check("query = { ignore = ['*'] }", &["query = \"ignore\""]);
    check("client-directives = 'honor'", &["'client-directives'", "`honour`"]);
    check("request-fields = 'accept'", &["'request-fields'", "[\"accept\""]);
    check("request-fields = ['a b']", &["'a b' is no name of a field"]);
    check("guard = 'menu'", &["'guard'", "begins with '/'", "write it like guard = "]);
    check("name = 1", &["'name'", "name = \"menus\""]);
}

#[test]
fn a_contradiction_is_refused() {
    let check = |text: &str, expected: &[&str]| {
        check_refused(&format!("path = '/x'\n{text}"), expected);
    };
    check("bypass = true\nttl = '1s'", &["'bypass' and 'ttl' contradict each other"]);
    check("bypass = true\nquery = 'ignore'", &["'bypass' and 'query'"]);
    check("override = true", &["'override'", "ttl = \"10m\""]);
    check("keep-better-for = '1h'", &["'keep-better-for'", "guard = \"/menu\""]);
    check("override = true\nnegative-ttl = '1s'", &["'override'"]);
}

#[test]
fn a_rule_that_is_no_list_is_refused() {
    for text in ["[rule]\npath = '/x'", "rule = 1", "rule = [1]"] {
        assert!(of_text(text).unwrap_err().contains("[[rule]]"), "{text}");
    }
}
