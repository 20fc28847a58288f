use std::panic::{AssertUnwindSafe, catch_unwind};

use tempfile::TempDir;

use super::*;
use crate::cache::{policy::tests::plain, policy::tests::prepared, record::tests::record};

fn file() -> (TempDir, SnapshotFile) {
    let folder = tempfile::tempdir().unwrap();
    let file = SnapshotFile::at(&folder.path().join("a.snapshot"));
    (folder, file)
}

fn response() -> (CacheKey, Arc<Prepared>) {
    (CacheKey::of(&record().target), prepared("", None, &plain()))
}

fn write(file: &SnapshotFile, times: usize) -> Result<Tally, NotWritten> {
    file.write("http://h/", 1 << 20, std::iter::repeat_n(response(), times))
}

fn records(file: &SnapshotFile) -> Option<u64> {
    file.read("http://h/", 1 << 20, drop).unwrap().map(|tally| tally.records)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_snapshot_takes_the_place_of_the_last_one() {
    let (folder, file) = file();
    assert_eq!(records(&file), None);
    for times in [1, 3, 2] {
        assert_eq!(write(&file, times).unwrap().records, times as u64);
        assert_eq!(records(&file), Some(times as u64));
    }
    assert_eq!(names(&folder), ["a.snapshot"]);
    assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn what_a_killed_run_left_is_used_again() {
    let (folder, file) = file();
    fs::write(&file.temporary, vec![b'x'; 100_000]).unwrap();
    fs::set_permissions(&file.temporary, Permissions::from_mode(0o644)).unwrap();
    write(&file, 1).unwrap();
    assert_eq!(records(&file), Some(1));
    assert_eq!(names(&folder), ["a.snapshot"]);
    assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_write_that_breaks_off_leaves_the_last_snapshot() {
    let (folder, file) = file();
    write(&file, 2).unwrap();
    let broken = std::iter::once(response()).chain(std::iter::from_fn(|| panic!("on purpose")));
    let write = || file.write("http://h/", 1 << 20, broken);
    assert!(catch_unwind(AssertUnwindSafe(write)).is_err());
    assert_eq!(records(&file), Some(2));
    assert_eq!(names(&folder), ["a.snapshot"]);
}

#[test]
fn a_disk_that_refuses_leaves_the_last_snapshot() {
    let (_folder, file) = file();
    write(&file, 2).unwrap();
    fs::create_dir(&file.temporary).unwrap();
    assert!(matches!(write(&file, 1), Err(NotWritten::Io(_))));
    assert_eq!(records(&file), Some(2));
}

#[test]
fn two_relays_do_not_write_at_once() {
    let (_folder, file) = file();
    let other = Temporary::open(&file.temporary).unwrap();
    assert!(matches!(write(&file, 1), Err(NotWritten::Busy)));
    // The other's is not touched, not even to find out whether it could be.
    file.check().unwrap();
    assert!(fs::exists(&file.temporary).unwrap());
    drop(other);
    write(&file, 1).unwrap();
}

#[test]
fn a_link_in_the_place_of_the_temporary_file_is_not_followed() {
    let (folder, file) = file();
    let other = folder.path().join("other");
    fs::write(&other, "mine").unwrap();
    std::os::unix::fs::symlink(&other, &file.temporary).unwrap();
    let error = write(&file, 1).unwrap_err();
    assert!(error.to_string().contains("another file"), "{error}");
    assert_eq!(fs::read_to_string(other).unwrap(), "mine");
}

#[test]
fn what_is_none_of_ours_is_never_replaced() {
    let (_folder, file) = file();
    for (text, is_ours) in [("mine", false), ("lunch-relay snaps", true), ("", true)] {
        fs::write(&file.path, text).unwrap();
        assert_eq!(write(&file, 1).is_ok(), is_ours, "{text}");
        if !is_ours {
            assert_eq!(fs::read_to_string(&file.path).unwrap(), text);
        }
    }
}

#[test]
fn an_empty_file_is_no_snapshot_yet() {
    let (_folder, file) = file();
    fs::write(&file.path, "").unwrap();
    assert_eq!(records(&file), None);
}

#[track_caller]
fn check(path: &Path, expected: Option<&str>) {
    let outcome = SnapshotFile::at(path).check();
    match expected {
        None => assert_eq!(outcome, Ok(())),
        Some(part) => {
            let error = outcome.unwrap_err();
            assert!(error.starts_with("--snapshot ") && error.contains(part), "{error}");
        }
    }
}

#[test]
fn what_could_not_be_written_is_found_at_the_start() {
    let (folder, file) = file();
    check(&file.path, None);
    assert_eq!(names(&folder), Vec::<String>::new());
    check(folder.path(), Some("name a file in it"));
    check(&folder.path().join("none/a.snapshot"), Some("a directory that exists"));
    check(Path::new("/dev/null"), Some("not a regular file"));
    fs::write(&file.path, "mine").unwrap();
    check(&file.path.join("b"), Some("cannot write"));
    check(&file.path, None);
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "mine");
}
