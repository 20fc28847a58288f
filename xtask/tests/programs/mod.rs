//! The programs that tests measure.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use xtask::processes::Programs;

/// Those beside this test's own, as the sources are now: with all of the
/// workspace they have been built already, and alone they may not have been.
pub(crate) fn programs() -> Programs {
    static BUILT: Mutex<()> = Mutex::new(());
    let holder = PathBuf::from(env!("CARGO_BIN_EXE_xtask"));
    let folder = holder.parent().unwrap();
    let [relay, loadgen] = ["relay", "loadgen"].map(|name| folder.join(name));
    let _one_at_a_time = BUILT.lock();
    if !is_fresh(&relay) || !is_fresh(&loadgen) {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "server", "--package", "loadgen"]);
        build.arg("--target-dir").arg(folder.parent().unwrap());
        assert!(build.status().unwrap().success());
    }
    Programs { relay, loadgen, holder }
}

/// By what the compiler says that it is made of.
fn is_fresh(program: &Path) -> bool {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let code = sources.split_whitespace().map(Path::new);
    let mut code = code.filter(|path| path.extension().is_some_and(|it| it == "rs")).peekable();
    code.peek().is_some_and(|path| path.starts_with(workspace))
        && code.all(|path| changed(path).is_some() && changed(path) <= changed(program))
}
