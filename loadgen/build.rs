//! Tells the program which commit it is built from.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-env-changed=LOADGEN_COMMIT");
    for path in ["build.rs", "src"] {
        // A change of the sources can make a clean commit a dirty one.
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = env::var("LOADGEN_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = commit.or_else(from_git).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=LOADGEN_COMMIT={commit}");
}

fn from_git() -> Option<String> {
    let commit = git(&["describe", "--always", "--dirty", "--abbrev=12"])?;
    // HEAD names a branch, and the branch a commit. A branch may have no file of
    // its own, and a file that is not there would count as changed for ever.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        if let Some(path) = git(&["rev-parse", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    Some(commit)
}

/// What git says, if it is there and has something to say.
fn git(arguments: &[&str]) -> Option<String> {
    // Another git may be at work: a build takes no lock for a look.
    let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
