//! What a result needs with it to be repeated: the program, its arguments, and
//! the machine with the limits that it ran under.
//!
//! Nothing here names the machine or tells a secret, so results can be shown.

mod command;
mod machine;
mod parse;
mod url;

use std::{
    fs::File,
    io::{self, Read},
    time::SystemTime,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use machine::{Machine, Ports};
pub(crate) use url::without_secrets as url_without_secrets;

/// What is needed to repeat a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of `loadgen`.
    pub version: String,
    /// The commit it was built from; `-dirty` if files differed from it,
    /// `unknown` if it was built without its history.
    pub commit: String,
    /// SHA-256 of the program's file, in hexadecimal digits.
    pub binary_sha256: Option<String>,
    /// The command line, with `***` in the place of what may be secret: bodies,
    /// the values of most fields, and a URL's user and secret parameters.
    pub command: Vec<String>,
    /// What random arrivals were drawn from.
    pub seed: Option<u64>,
    /// When the run began, in UTC (RFC 3339).
    pub started: String,
    /// Where it ran.
    pub machine: Machine,
}

impl Provenance {
    /// That of this process, whose command line is `args` and which draws its
    /// arrivals from `seed`.
    pub fn collect(started: SystemTime, args: &[String], seed: Option<u64>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("LOADGEN_COMMIT").to_owned(),
            binary_sha256: sha256_of_this_program().ok(),
            command: command::shown(args),
            seed,
            started: humantime::format_rfc3339_millis(started).to_string(),
            machine: Machine::look(),
        }
    }

    /// A line `key: value` for each fact that is known, for comments.
    pub fn comment_lines(&self) -> Vec<String> {
        // A tree of strings and numbers has no way to fail.
        let mut facts = serde_json::to_value(self).unwrap_or_default();
        let machine = facts.get_mut("machine").map(Value::take).unwrap_or_default();
        [facts, machine].iter().filter_map(Value::as_object).flatten().filter_map(line).collect()
    }

    /// All of it as JSON without any whitespace, for formats in which that
    /// separates fields.
    pub fn one_word(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        // Compact JSON has whitespace in strings alone, where it can be escaped.
        let escape = |c: char| {
            if c.is_whitespace() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
        };
        json.chars().map(escape).collect()
    }
}

/// A line for each fact that is known of `all`, for comments; those of several
/// generators begin with its number.
pub fn comment_lines(all: &[Provenance]) -> Vec<String> {
    match all {
        [one] => one.comment_lines(),
        all => {
            let numbered = |(number, one): (usize, &Provenance)| {
                let lines = one.comment_lines().into_iter();
                lines.map(move |line| format!("{number}/{line}"))
            };
            all.iter().enumerate().flat_map(numbered).collect()
        }
    }
}

/// All of them as JSON without any whitespace: an array where there are several.
pub fn one_word(all: &[Provenance]) -> String {
    match all {
        [one] => one.one_word(),
        all => {
            let words: Vec<_> = all.iter().map(Provenance::one_word).collect();
            format!("[{}]", words.join(","))
        }
    }
}

fn line((key, value): (&String, &Value)) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{key}: {text}")),
        other => Some(format!("{key}: {other}")),
    }
}

fn sha256_of_this_program() -> io::Result<String> {
    // The link leads to what was started, even if another file has its name now.
    let mut file = File::open("/proc/self/exe")?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok(hash.finalize().iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn provenance() -> Provenance {
        let started = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        let args = ["loadgen", "run", "--header", "Cookie: a b", "a\u{a0}b c\nd"];
        Provenance::collect(started, &args.map(str::to_owned), Some(u64::MAX))
    }

    #[test]
    fn this_process_has_one() {
        let provenance = provenance();
        assert_eq!(provenance.started, "2023-11-14T22:13:20.250Z");
        assert_eq!(provenance.binary_sha256.unwrap().len(), 64);
        assert!(!provenance.commit.is_empty());
        let machine = provenance.machine;
        assert!(0 < machine.cpus_available.unwrap());
        assert!(machine.cpus_available <= machine.cpus_online);
        assert!(0 < machine.memory_bytes.unwrap());
        assert!(machine.kernel.is_some() && machine.load_average.is_some());
        assert!(0 < machine.open_files.unwrap_or(u64::MAX));
    }

    #[test]
    fn it_is_what_its_schema_says() {
        let provenance = provenance();
        let json = serde_json::to_value(&provenance).unwrap();
        let schema = schemars::schema_for!(Provenance);
        jsonschema::validator_for(schema.as_value()).unwrap().validate(&json).unwrap();
        assert_eq!(serde_json::from_value::<Provenance>(json).unwrap(), provenance);
    }

    #[test]
    fn one_word_is_one_and_says_the_same() {
        let provenance = provenance();
        let word = provenance.one_word();
        assert!(!word.contains(char::is_whitespace), "{word}");
        assert_eq!(serde_json::from_str::<Provenance>(&word).unwrap(), provenance);
    }

    #[test]
    fn comments_are_lines() {
        let lines = provenance().comment_lines();
        assert!(lines.iter().all(|line| line.contains(": ") && !line.contains('\n')), "{lines:?}");
        assert!(lines.contains(&"started: 2023-11-14T22:13:20.250Z".to_owned()));
        assert!(lines.iter().any(|line| line.starts_with("kernel: ")));
        let ports = lines.iter().find(|line| line.starts_with("local_ports: "));
        assert!(ports.is_none_or(|ports| ports.contains(r#"{"first":"#)), "{ports:?}");
        let command = lines.iter().find(|line| line.starts_with("command: ")).unwrap();
        assert_eq!(
            command,
            "command: [\"loadgen\",\"run\",\"--header\",\"Cookie: ***\",\"a\u{a0}b c\\nd\"]"
        );
    }
}
