use super::*;

fn rule(number: usize, path: &str) -> Rule {
    let name = RuleName::Numbered { number, label: path.to_owned() };
    Rule { name, path: path.parse().unwrap(), ..Rule::default() }
}

fn rules(paths: &[&str]) -> Rules {
    let rules = paths.iter().enumerate().map(|(at, path)| rule(at + 1, path)).collect();
    Rules::new(rules, Rule::default())
}

#[test]
fn the_first_rule_that_matches_has_the_say() {
    let rules = rules(&["/a/b", "/a/**", "/a/b/c"]);
    let check = |path: &str, expected: &str| {
        assert_eq!(rules.of(path).name.to_string(), expected, "{path}");
    };
    check("/a/b", "rule 1 (/a/b)");
    check("/a/b/c", "rule 2 (/a/**)");
    check("/a", "flags");
    assert_eq!(Rules::default().of("/a").name, RuleName::Flags);
}

#[track_caller]
fn check_canonical(rules: &Rules, target: &str, expected: &str) {
    let target = Target::new(target.parse().unwrap()).unwrap();
    assert_eq!(rules.canonical(target).as_str(), expected);
}

#[test]
fn a_target_has_one_form() {
    let check = check_canonical;
    let ignoring = Rule { query: QueryRule::Ignored, ..rule(1, "/a/**") };
    let members = QueryRule::Members { ignore: vec!["x".parse().unwrap()], order: Order::ByName };
    let sorting = Rule { query: members, ..rule(2, "/**") };
    let rules = Rules::new(vec![ignoring, sorting], Rule::default());
    check(&rules, "/a/b?c=1", "/a/b");
    check(&rules, "/a/b?", "/a/b");
    check(&rules, "/a/b", "/a/b");
    check(&rules, "/b?y=%20&x=1&b={|}", "/b?b={|}&y=%20");
    check(&rules, "/b?a&b", "/b?a&b");
    check(&rules, "/b?x", "/b");
    check(&rules, "/b?", "/b");
    check(&rules, "/b?a?x=1/../", "/b?a?x=1/../");
    check(&rules, "//b//%2F?x", "//b//%2F");
    check(&Rules::default(), "/b?x&a", "/b?x&a");
    check(&Rules::default(), "/b?", "/b?");
}

#[test]
fn lifetimes_by_status() {
    let ttl = Duration::from_secs(5);
    let negative_ttl = NegativeTtl::new(Duration::from_secs(1))
        .with(StatusCode::GONE, Duration::from_secs(2))
        .with(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(3));
    let rule = Rule { ttl, negative_ttl, ..Rule::default() };
    let check = |status: u16, expected: Option<u64>| {
        let actual = rule.default_lifetime(StatusCode::from_u16(status).unwrap());
        assert_eq!(actual, expected.map(Duration::from_secs), "{status}");
    };
    for status in [200, 203, 300, 301, 308] {
        check(status, Some(5));
    }
    check(404, Some(1));
    check(405, Some(1));
    check(410, Some(2));
    check(503, Some(3));
    check(500, None);
    check(302, None);
    check(204, None);
}

#[track_caller]
fn check_dead(paths: &[&str], expected: &[&str]) {
    let dead = rules(paths).never_match();
    let dead: Vec<String> = dead.iter().map(Unreachable::to_string).collect();
    assert_eq!(dead, expected, "{paths:?}");
}

#[test]
fn rules_that_never_match() {
    check_dead(&["/a", "/b", "/**"], &[]);
    check_dead(&["/a/*", "/a/**"], &[]);
    check_dead(
        &["/a/**", "/b", "/a/x"],
        &["rule 3 (/a/x) never matches: rule 1 (/a/**) matches all its paths first"],
    );
    // The first that does is named.
    check_dead(
        &["/a/*", "/**", "/a/b"],
        &["rule 3 (/a/b) never matches: rule 1 (/a/*) matches all its paths first"],
    );
    // Only those without which it would match are named.
    check_dead(
        &["/c", "/a", "/b", "/{a,b}"],
        &[
            "rule 4 (/{a,b}) never matches: rule 2 (/a) and rule 3 (/b) together match all its paths first",
        ],
    );
}

#[test]
fn a_preset_may_be_hidden() {
    let name = RuleName::Preset { preset: "lunch", label: "/a".to_owned() };
    let of_preset = Rule { name, ..rule(0, "/a") };
    let rules = Rules::new(vec![rule(1, "/**"), of_preset], Rule::default());
    assert_eq!(rules.never_match(), []);
}

#[test]
fn each_rule_has_a_place() {
    let rules = rules(&["/a", "/b"]);
    let places = ["/x", "/a", "/b"].map(|path| rules.of(path).place);
    assert_eq!(places, [0, 1, 2]);
    let names: Vec<String> = rules.names().map(ToString::to_string).collect();
    assert_eq!(names, ["flags", "rule 1 (/a)", "rule 2 (/b)"]);
}
