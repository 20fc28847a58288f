//! What of a query tells one resource from another.

use std::{fmt, str::FromStr};

/// What becomes of a target's query.
///
/// Members are what stands between `&`; they are kept or left out, byte for
/// byte: nothing is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QueryRule {
    /// It stays as it is.
    #[default]
    Kept,
    /// It is left out, and the `?` too.
    Ignored,
    /// Some members are left out, or all are put in order.
    Members {
        /// The members that are left out.
        ignore: Vec<Names>,
        /// The order of the rest.
        order: Order,
    },
}

/// The order of a query's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the client sent them.
    Kept,
    /// By name; members of one name stay in their order.
    ByName,
}

/// Names of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// One name.
    One(String),
    /// All that begin so; written with a `*` at the end.
    BeginningWith(String),
}

impl QueryRule {
    /// The query in its one form, empty where nothing is left of it.
    pub fn apply(&self, query: &str) -> String {
        let (ignore, order) = match self {
            QueryRule::Kept => return query.to_owned(),
            QueryRule::Ignored => return String::new(),
            QueryRule::Members { ignore, order } => (ignore, order),
        };
        let ignored = |member: &str| ignore.iter().any(|names| names.include(name(member)));
        let mut members: Vec<&str> = query.split('&').filter(|member| !ignored(member)).collect();
        if *order == Order::ByName {
            members.sort_by_key(|member| name(member));
        }
        members.join("&")
    }
}

impl Names {
    fn include(&self, name: &str) -> bool {
        match self {
            Names::One(one) => one == name,
            Names::BeginningWith(prefix) => name.starts_with(prefix),
        }
    }
}

fn name(member: &str) -> &str {
    member.split_once('=').map_or(member, |(name, _)| name)
}

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Names, String> {
        let (stem, all) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        if stem.contains(['*', '&', '=', '#', ' ']) {
            return Err(format!(
                "'{text}' is no name of a member: write it like 'page' or 'utm_*'"
            ));
        }
        match (stem, all) {
            ("", true) => Err("'*' is the whole query: write query = \"ignore\"".to_owned()),
            ("", false) => Err("a name is empty: write it like 'page' or 'utm_*'".to_owned()),
            (prefix, true) => Ok(Names::BeginningWith(prefix.to_owned())),
            (one, false) => Ok(Names::One(one.to_owned())),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Names::One(one) => f.write_str(one),
            Names::BeginningWith(prefix) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(ignore: &[&str], order: Order) -> QueryRule {
        QueryRule::Members {
            ignore: ignore.iter().map(|name| name.parse().unwrap()).collect(),
            order,
        }
    }

    #[track_caller]
    fn check(rule: &QueryRule, query: &str, expected: &str) {
        assert_eq!(rule.apply(query), expected, "{rule:?} {query}");
    }

    #[test]
    fn members_are_left_out_byte_for_byte() {
        check(&QueryRule::Kept, "b=1&&a", "b=1&&a");
        check(&QueryRule::Ignored, "b=1&&a", "");
        let rule = members(&["utm_*", "id"], Order::Kept);
        check(&rule, "b=%20&utm_source=x&a", "b=%20&a");
        check(&rule, "id&id=1&id=2", "");
        check(&rule, "ids=1&Id=2", "ids=1&Id=2");
        check(&rule, "utm_", "");
        check(&rule, "%75tm_x=1", "%75tm_x=1");
        check(&rule, "a&&b&", "a&&b&");
        check(&rule, "a;id=1", "a;id=1");
        check(&rule, "x=id", "x=id");
        check(&rule, "", "");
    }

    #[test]
    fn members_of_one_name_stay_in_their_order() {
        let rule = members(&["x"], Order::ByName);
        check(&rule, "b=1&a=2&b=0&x&a=1", "a=2&a=1&b=1&b=0");
        check(&rule, "a=1&a-b=1&a", "a=1&a&a-b=1");
        check(&rule, "b&&a", "&a&b");
    }

    #[test]
    fn names() {
        let refused = |text: &str| text.parse::<Names>().unwrap_err();
        assert!(refused("*").contains("query = \"ignore\""));
        assert!(refused("").contains("utm_*"));
        assert!(refused("a*b").contains("utm_*"));
        assert!(refused("a=b").contains("utm_*"));
        for text in ["a", "utm_*"] {
            assert_eq!(text.parse::<Names>().unwrap().to_string(), text);
        }
    }
}
