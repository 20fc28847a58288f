//! What an earlier measurement left in a folder.

use std::{
    fs, io,
    path::{Component, Path},
};

use anyhow::Context;
use serde::Deserialize;

/// Of an earlier `run.json`, whatever its form: where its files are.
#[derive(Deserialize)]
struct Earlier {
    trials: Vec<EarlierTrial>,
}

#[derive(Deserialize)]
struct EarlierTrial {
    folder: String,
}

/// Removes `run.json` and the folders that it names, so that nothing of an
/// earlier measurement is taken for this one's. All else stays.
pub(super) fn forget(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("run.json");
    let Ok(bytes) = fs::read(&file) else { return Ok(()) };
    let earlier: Earlier = serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is no measurement: choose another folder with --out", file.display())
    })?;
    let names = earlier.trials.iter().map(|trial| trial.folder.as_str());
    for name in names.filter(|name| is_plain(name)).chain(["log"]) {
        gone(fs::remove_dir_all(folder.join(name)))
            .with_context(|| format!("cannot remove {}", folder.join(name).display()))?;
    }
    fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))
}

/// A name of a folder, and not a way to another place.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_earlier_measurement_names_is_removed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("run");
        for name in ["run/e1-0", "run/mine", "run/log", "elsewhere"] {
            fs::create_dir_all(outer.path().join(name)).unwrap();
        }
        forget(&folder).unwrap();
        assert!(folder.join("log").exists());
        let json = r#"{"schema_version": 1, "trials": [
            {"folder": "e1-0"}, {"folder": "../elsewhere"}, {"folder": "e1-1"}, {"folder": ""}]}"#;
        fs::write(folder.join("run.json"), json).unwrap();
        forget(&folder).unwrap();
        let left = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["mine"]);
        assert!(outer.path().join("elsewhere").exists());
    }

    #[test]
    fn what_is_no_measurement_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("run.json"), "[]").unwrap();
        let error = forget(folder.path()).unwrap_err().to_string();
        assert!(error.contains("choose another folder"), "{error}");
        assert!(folder.path().join("run.json").exists());
    }
}
