//! A configuration read anew: what of it counts at once, and what has changed.

use serde_json::{Map, Value};

use super::Config;
use crate::{cache::CacheConfig, upstream::UpstreamConfig};

/// When a change counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once.
    Now,
    /// Its rules at once, the names that it reserves from the next start on.
    Partly,
    /// From the next start on.
    Restart,
}

/// A setting that has another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The flag's name, `rule N` for a rule, `certificate` for what is in its file.
    pub setting: String,
    /// The value before, secrets masked; `None` where there was none.
    pub before: Option<Value>,
    /// The value after.
    pub after: Option<Value>,
    /// When it counts.
    pub effect: Effect,
}

impl Config {
    /// This configuration with all of a new one that can change while a relay
    /// runs. What is not named here cannot.
    #[must_use]
    pub fn renewed(&self, new: &Config) -> Config {
        // A listener speaks TLS or it does not.
        let is_tls_kept = self.tls.is_on() == new.tls.is_on();
        Config {
            preset: new.preset,
            rule: new.rule.clone(),
            log: new.log.clone(),
            tls: if is_tls_kept { new.tls.clone() } else { self.tls.clone() },
            cache: CacheConfig {
                default_ttl: new.cache.default_ttl,
                negative_ttl: new.cache.negative_ttl,
                stale_while_revalidate: new.cache.stale_while_revalidate,
                stale_if_error: new.cache.stale_if_error,
                error_ttl: new.cache.error_ttl,
                client_directives: new.cache.client_directives,
                ..self.cache.clone()
            },
            upstream: UpstreamConfig {
                upstream_rate: new.upstream.upstream_rate,
                upstream_burst: new.upstream.upstream_burst,
                upstream_concurrency: new.upstream.upstream_concurrency,
                ..self.upstream.clone()
            },
            ..self.clone()
        }
    }

    /// What is different in a new configuration, in the order of the names.
    pub fn changes(&self, new: &Config) -> Vec<Change> {
        let renewed = self.renewed(new);
        let names = |changed: Change| Change { effect: Effect::Partly, ..changed };
        let at_once = differences(self, &renewed, Effect::Now).into_iter();
        let at_once = at_once.map(|change| {
            if change.setting == "preset" && self.names() != renewed.names() {
                names(change)
            } else {
                change
            }
        });
        at_once.chain(differences(&renewed, new, Effect::Restart)).collect()
    }
}

fn differences(before: &Config, after: &Config, effect: Effect) -> Vec<Change> {
    let (old, new) =
        (settings(serde_json::to_value(before)), settings(serde_json::to_value(after)));
    let (old_shown, new_shown) = (settings(Ok(before.masked())), settings(Ok(after.masked())));
    let added = new.keys().filter(|name| !old.contains_key(*name));
    old.keys()
        .chain(added)
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| Change {
            setting: name.clone(),
            before: old_shown.get(name).cloned(),
            after: new_shown.get(name).cloned(),
            effect,
        })
        .collect()
}

/// The settings by their names, each rule by itself.
fn settings(config: serde_json::Result<Value>) -> Map<String, Value> {
    let Ok(Value::Object(all)) = config else { return Map::new() };
    let mut named = Map::new();
    for (name, value) in all {
        match value {
            Value::Array(rules) if name == "rule" => {
                let rules = rules.into_iter().zip(1..);
                named.extend(rules.map(|(rule, number)| (format!("rule {number}"), rule)));
            }
            value => {
                named.insert(name, value);
            }
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cli;

    fn config(flags: &[&str]) -> Config {
        let args = std::iter::once("relay").chain(flags.iter().copied());
        Cli::load(args.map(Into::into)).unwrap().config
    }

    /// What changes, as `setting: before -> after (effect)`.
    #[track_caller]
    fn check(before: &[&str], after: &[&str], expected: &[&str]) {
        let shown =
            |value: Option<Value>| value.map_or("none".to_owned(), |value| value.to_string());
        let changes = config(before).changes(&config(after)).into_iter().map(|change| {
            let Change { setting, before, after, effect } = change;
            format!("{setting}: {} -> {} ({effect:?})", shown(before), shown(after))
        });
        assert_eq!(changes.collect::<Vec<_>>(), expected, "{before:?} {after:?}");
    }

    #[test]
    fn what_can_change_at_run_time_is_told_from_what_cannot() {
        check(&[], &[], &[]);
        check(
            &["--upstream=http://h/"],
            &[
                "--upstream=http://h/",
                "--default-ttl=5m",
                "--upstream-rate=unlimited",
                "--log=warn",
            ],
            &[
                r#"default-ttl: "10m" -> "5m" (Now)"#,
                r#"log: "info" -> "warn" (Now)"#,
                r#"upstream-rate: "10/s" -> "unlimited" (Now)"#,
            ],
        );
        check(
            &["--cache-size=1MiB", "--listen=127.0.0.1:1"],
            &["--cache-size=2MiB", "--listen=127.0.0.1:2", "--negative-ttl=1s"],
            &[
                r#"negative-ttl: "10s" -> "1s" (Now)"#,
                r#"cache-size: "1MiB" -> "2MiB" (Restart)"#,
                r#"listen: "127.0.0.1:1" -> "127.0.0.1:2" (Restart)"#,
            ],
        );
    }

    #[test]
    fn a_preset_brings_its_rules_at_once_and_its_names_later() {
        check(
            &["--upstream=http://h/"],
            &["--upstream=http://h/", "--preset=lunch"],
            &[r#"preset: "none" -> "lunch" (Partly)"#],
        );
    }

    #[test]
    fn a_secret_is_not_shown_even_where_it_changes() {
        let changes =
            config(&["--shared=redis://:a@h"]).changes(&config(&["--shared=redis://:b@h"]));
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].before, changes[0].after);
        assert!(!format!("{changes:?}").contains(":b@"), "{changes:?}");
    }
}
