//! The report in the repository is what its raw data come to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use xtask::capacity::render::render;

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/capacity")
}

/// The files right in a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(&path).unwrap())
    };
    files.filter(|path| path.is_file()).map(file).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// To the byte, on any machine.
#[test]
fn it_is_made_of_its_raw_data() {
    let made = tempfile::tempdir().unwrap();
    copy(&committed(), made.path());
    let before = files(made.path());
    for name in before.keys().filter(|name| *name != "run.json" && *name != "calibration.json") {
        fs::remove_file(made.path().join(name)).unwrap();
    }
    render(made.path(), None).unwrap();
    let after = files(made.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, bytes) in &before {
        assert!(
            after[name] == *bytes,
            "{name} is not what the raw data come to: make it anew with cargo xtask capacity --from reports/capacity"
        );
    }
}

/// Real runs with a bottleneck that was put there are among them.
#[test]
fn it_finds_what_was_put_there_and_does_not_contradict_itself() {
    let made = tempfile::tempdir().unwrap();
    copy(&committed(), made.path());
    let rendered = render(made.path(), None).unwrap();
    let failed: Vec<_> = rendered.findings.failures().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let planted = &rendered.findings.planted;
    let found = planted.iter().filter(|planted| planted.is_found()).map(|planted| planted.name);
    let all = [
        "generator-throttled",
        "log-debug",
        "upstream-limited",
        "one-connection",
        "new-connections",
        "quota",
    ];
    assert_eq!(found.collect::<Vec<_>>(), all, "{planted:#?}");
}
