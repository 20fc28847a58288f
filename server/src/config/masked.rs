//! A configuration to be shown: what is secret in it is masked.

use serde_json::Value;

use super::Config;

/// What stands for a secret.
const MASK: &str = "(masked)";
/// What a setting or a parameter is called that is a secret.
const SECRET: [&str; 4] = ["token", "password", "secret", "credential"];

impl Config {
    /// What is in force, by the names of the flags, secrets masked.
    pub fn masked(&self) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        mask(&mut shown);
        shown
    }
}

/// Masks what is secret by its name, and the passwords of URLs.
fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if is_secret(name) => MASK.clone_into(text),
                    value => mask(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::String(text) => *text = mask_url(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// A URL without its password, in whichever of the two places it is; what is no
/// URL stays as it is.
fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    // The last `@`: a password may have some of its own, written carelessly.
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:{MASK}@{host}"),
            None => format!("{MASK}@{host}"),
        },
        None => rest.to_owned(),
    };
    let query = query.map(|query| {
        let each = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
            _ => pair.to_owned(),
        });
        format!("?{}", each.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{rest}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passwords_of_urls_are_masked() {
        let check = |text, expected: &str| assert_eq!(mask_url(text), expected, "{text}");
        check("redis://valkey:6379", "redis://valkey:6379");
        check("redis://:s@valkey/2", "redis://:(masked)@valkey/2");
        check("rediss://me:s:t@u@valkey", "rediss://me:(masked)@valkey");
        check("redis://s@valkey", "redis://(masked)@valkey");
        check(
            "redis-sentinel://a:1?node=b&sentinelPassword=s&x=1",
            "redis-sentinel://a:1?node=b&sentinelPassword=(masked)&x=1",
        );
        check("/path", "/path");
        check("http://h/api/", "http://h/api/");
    }

    #[test]
    fn what_is_called_a_secret_is_masked_wherever_it_is() {
        let mut value = json!({
            "admin-token": "s", "listen": "127.0.0.1:1", "n": 1,
            "rule": [{ "path": "/a", "x": { "Some-Secret": "s", "url": "redis://:s@h" } }],
        });
        mask(&mut value);
        let expected = json!({
            "admin-token": MASK, "listen": "127.0.0.1:1", "n": 1,
            "rule": [{ "path": "/a", "x": { "Some-Secret": MASK, "url": "redis://:(masked)@h" } }],
        });
        assert_eq!(value, expected);
    }
}
