//! `[[rule]]` tables, of the operator's file and of the presets.

use std::{fmt::Display, str::FromStr, sync::Arc, time::Duration};

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use toml::{Table, Value};

use super::{Span, file::nearest};
use crate::cache::{
    guard::{Guard, Pointer},
    rules::{
        Authority, Caching, ClientDirectives, Names, NegativeTtl, Order, Pattern, QueryRule, Rule,
        RuleName, TimeOfDay,
    },
};

/// What a rule may say, and how it is written.
const KEYS: [(&str, &str); 14] = [
    ("path", r#"path = "/restaurant/**""#),
    ("name", r#"name = "menus""#),
    ("ttl", r#"ttl = "10m""#),
    ("override", "override = true"),
    ("negative-ttl", r#"negative-ttl = "10s", or { 404 = "1m", 503 = "5s" }"#),
    ("stale-while-revalidate", r#"stale-while-revalidate = "1h""#),
    ("stale-if-error", r#"stale-if-error = "24h""#),
    ("expires-at", r#"expires-at = "00:00 Europe/Stockholm""#),
    ("query", r#"query = "keep", "ignore", or { ignore = ["utm_*"], sort = true }"#),
    ("client-directives", r#"client-directives = "ignore", or "honour""#),
    ("bypass", "bypass = true"),
    ("request-fields", r#"request-fields = ["accept", "accept-language"]"#),
    ("guard", r#"guard = "/restaurant/menu", a JSON pointer"#),
    ("keep-better-for", r#"keep-better-for = "6h""#),
];

/// How long a better response is kept where a rule with a guard does not say.
const KEEP_BETTER_FOR: Duration = Duration::from_hours(1);

/// One `[[rule]]`, as it was written and as it was read.
#[derive(Clone, Debug)]
pub struct RuleTable {
    written: Table,
    path: Pattern,
    says: Says,
}

/// What a rule says itself; the rest is the flags'.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Says {
    #[serde(deserialize_with = "text")]
    path: Option<Pattern>,
    name: Option<String>,
    #[serde(deserialize_with = "text")]
    ttl: Option<Span>,
    r#override: bool,
    #[serde(deserialize_with = "negative_ttl")]
    negative_ttl: Option<Negative>,
    #[serde(deserialize_with = "text")]
    stale_while_revalidate: Option<Span>,
    #[serde(deserialize_with = "text")]
    stale_if_error: Option<Span>,
    #[serde(deserialize_with = "text")]
    expires_at: Option<TimeOfDay>,
    #[serde(deserialize_with = "query")]
    query: QueryRule,
    client_directives: Option<ClientDirectives>,
    bypass: bool,
    #[serde(deserialize_with = "request_fields")]
    request_fields: Option<Vec<HeaderName>>,
    #[serde(deserialize_with = "text")]
    guard: Option<Pointer>,
    #[serde(deserialize_with = "text")]
    keep_better_for: Option<Span>,
}

#[derive(Clone, Debug)]
enum Negative {
    All(Span),
    Some(Vec<(StatusCode, Span)>),
}

/// The rules of a text that has nothing else.
pub(super) fn of_text(text: &str) -> Result<Vec<RuleTable>, String> {
    let mut table: Table = text.parse().map_err(|error| format!("{error}"))?;
    table.remove("rule").map_or(Ok(Vec::new()), of_value)
}

/// The rules of the file's key `rule`.
pub(super) fn of_value(value: Value) -> Result<Vec<RuleTable>, String> {
    let Value::Array(rules) = value else {
        return Err("'rule' is a list of tables: begin each with [[rule]]".to_owned());
    };
    let read = |(at, rule)| match rule {
        Value::Table(table) => RuleTable::read(at + 1, table),
        _ => Err("'rule' is a list of tables: begin each with [[rule]]".to_owned()),
    };
    rules.into_iter().enumerate().map(read).collect()
}

impl RuleTable {
    fn read(number: usize, written: Table) -> Result<RuleTable, String> {
        let place = match written.get("path") {
            Some(path) => format!("rule {number}, path {path}"),
            None => format!("rule {number}"),
        };
        let at = |message: String| format!("{place}: {message}");
        let known = KEYS.map(|(key, _)| key.to_owned());
        for (key, value) in &written {
            let Some((_, like)) = KEYS.iter().find(|(known, _)| known == key) else {
                let advice = nearest(key, &known)
                    .unwrap_or_else(|| format!("a rule may have {}", known.join(", ")));
                return Err(at(format!("unknown key '{key}': {advice}")));
            };
            // Each key is read alone first, so that an error is known to be about it.
            let alone = Table::from_iter([(key.clone(), value.clone())]);
            if let Err(error) = alone.try_into::<Says>() {
                let message = error.message();
                let advice = if message.contains("write it like") {
                    String::new()
                } else {
                    format!("; write it like {like}")
                };
                return Err(at(format!("'{key}': {message}{advice}")));
            }
        }
        let says: Says = written.clone().try_into().map_err(|error| at(error.to_string()))?;
        let Some(path) = says.path.clone() else {
            return Err(at(format!("it has no path: write one like {}", KEYS[0].1)));
        };
        says.contradiction(&written).map_or(Ok(()), |message| Err(at(message)))?;
        Ok(RuleTable { written, path, says })
    }

    /// How messages call the rule: its name, or else its path.
    pub(super) fn label(&self) -> String {
        self.says.name.clone().unwrap_or_else(|| self.path.to_string())
    }

    /// The rule, what it does not say being the flags'.
    pub(super) fn rule(&self, name: RuleName, flags: &Rule) -> Rule {
        let says = &self.says;
        let or = |said: Option<Span>, flag| said.map_or(flag, Into::into);
        Rule {
            place: 0,
            name,
            path: self.path.clone(),
            ttl: or(says.ttl, flags.ttl),
            negative_ttl: match &says.negative_ttl {
                None => flags.negative_ttl.clone(),
                Some(Negative::All(ttl)) => NegativeTtl::new((*ttl).into()),
                Some(Negative::Some(ttls)) => {
                    ttls.iter().fold(flags.negative_ttl.clone(), |all, (status, ttl)| {
                        all.with(*status, (*ttl).into())
                    })
                }
            },
            authority: if says.r#override { Authority::Rule } else { Authority::Response },
            stale_while_revalidate: or(says.stale_while_revalidate, flags.stale_while_revalidate),
            stale_if_error: or(says.stale_if_error, flags.stale_if_error),
            expires_at: says.expires_at.clone(),
            query: says.query.clone(),
            client_directives: says.client_directives.unwrap_or(flags.client_directives),
            caching: if says.bypass { Caching::Bypass } else { Caching::Store },
            request_fields: says.request_fields.clone(),
            guard: says.guard.clone().map(|non_empty| {
                let keep_better_for = or(says.keep_better_for, KEEP_BETTER_FOR);
                Arc::new(Guard { non_empty, keep_better_for })
            }),
        }
    }
}

/// As it was written, so that what is printed can be read again.
impl Serialize for RuleTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl Says {
    /// What a rule says that it unsays elsewhere.
    fn contradiction(&self, written: &Table) -> Option<String> {
        if self.bypass
            && let Some(other) =
                written.keys().find(|key| !["path", "name", "bypass"].contains(&key.as_str()))
        {
            return Some(format!(
                "'bypass' and '{other}' contradict each other: what goes past the cache is not \
                 changed; leave one of them out"
            ));
        }
        if self.keep_better_for.is_some() && self.guard.is_none() {
            return Some(
                "'keep-better-for' is about what a guard calls worse: say which, like guard = \
                 \"/menu\""
                    .into(),
            );
        }
        if self.r#override && self.ttl.is_none() {
            return Some(
                "'override' has the rule's freshness count: say which, like ttl = \"10m\"".into(),
            );
        }
        None
    }
}

/// A value that is written as a string.
fn text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map(Some).map_err(Error::custom)
}

fn negative_ttl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Negative>, D::Error> {
    let table = match Value::deserialize(deserializer)? {
        Value::Table(table) => table,
        value => {
            let ttl = value.as_str().ok_or_else(|| Error::custom("no duration and no table"))?;
            return Ok(Some(Negative::All(ttl.parse().map_err(Error::custom)?)));
        }
    };
    let read = |(status, ttl): (String, Value)| {
        let code = negative_status(&status)?;
        let ttl = ttl.as_str().ok_or_else(|| format!("the duration of {status} is no string"))?;
        Ok::<_, String>((code, ttl.parse()?))
    };
    let ttls: Result<Vec<_>, String> = table.into_iter().map(read).collect();
    ttls.map(|ttls| Some(Negative::Some(ttls))).map_err(Error::custom)
}

/// A status that a rule may give a freshness of its own.
fn negative_status(text: &str) -> Result<StatusCode, String> {
    let status = text
        .parse()
        .ok()
        .filter(|status: &StatusCode| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| format!("'{text}' is no final status"))?;
    if !NegativeTtl::may_have(status) {
        return Err(format!("{text} is what 'ttl' is for"));
    }
    if matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED) {
        return Err(format!("{text} is not stored by itself"));
    }
    Ok(status)
}

fn query<'de, D: Deserializer<'de>>(deserializer: D) -> Result<QueryRule, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Members {
        ignore: Vec<String>,
        sort: bool,
    }

    let value = Value::deserialize(deserializer)?;
    let members: Members = match value.as_str() {
        Some("keep") => return Ok(QueryRule::Kept),
        Some("ignore") => return Ok(QueryRule::Ignored),
        Some(other) => return Err(Error::custom(format!("unknown word '{other}'"))),
        None => {
            value.try_into().map_err(|error: toml::de::Error| Error::custom(error.message()))?
        }
    };
    if members.ignore.is_empty() && !members.sort {
        return Err(Error::custom("nothing is ignored and nothing is sorted"));
    }
    let ignore: Result<Vec<Names>, String> =
        members.ignore.iter().map(|name| name.parse()).collect();
    let order = if members.sort { Order::ByName } else { Order::Kept };
    Ok(QueryRule::Members { ignore: ignore.map_err(Error::custom)?, order })
}

fn request_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<HeaderName>>, D::Error> {
    let names: Vec<String> = Vec::deserialize(deserializer)?;
    let read = |name: &String| {
        name.parse().map_err(|_| Error::custom(format!("'{name}' is no name of a field")))
    };
    names.iter().map(read).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests;
