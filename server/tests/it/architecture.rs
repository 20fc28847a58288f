//! The rules that the modules keep, checked in their source.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Modules that decide: no I/O, no clock, no framework's errors.
const PURE: [&str; 68] = [
    "names.rs",
    "menus/form.rs",
    "target.rs",
    "list.rs",
    "hop.rs",
    "cache/key.rs",
    "cache/tags.rs",
    "cache/browse/query.rs",
    "cache/browse/entry.rs",
    "console/live/beat.rs",
    "console/pages/show.rs",
    "console/words.rs",
    "cache/policy/grounds.rs",
    "cache/store/endings.rs",
    "cache/store/tagged.rs",
    "exchange/ending.rs",
    "cache/directives.rs",
    "cache/policy.rs",
    "cache/clause.rs",
    "date.rs",
    "cache/directives/targeted.rs",
    "cache/policy/storing.rs",
    "cache/policy/terms.rs",
    "cache/validation.rs",
    "cache/rules.rs",
    "cache/rules/pattern.rs",
    "cache/rules/query.rs",
    "cache/rules/time_of_day.rs",
    "cache/freshness.rs",
    "cache/vary.rs",
    "cache/vary/preferences.rs",
    "cache/etag.rs",
    "cache/conditions.rs",
    "cache/range.rs",
    "cache/range/multipart.rs",
    "cache/record.rs",
    "cache/snapshot/format.rs",
    "cache/status.rs",
    "cache/uncacheable.rs",
    "serve/phase.rs",
    "exchange/fwd.rs",
    "exchange/trace.rs",
    "telemetry/access_log/style.rs",
    "serve/tls/identity.rs",
    "config/renewal.rs",
    "telemetry/ledger/account.rs",
    "upstream/governor.rs",
    "upstream/governor/advice.rs",
    "upstream/governor/breaker.rs",
    "upstream/governor/bucket.rs",
    "upstream/governor/budget.rs",
    "upstream/governor/gate.rs",
    "upstream/governor/learning.rs",
    "upstream/governor/ledger.rs",
    "upstream/governor/pace.rs",
    "upstream/governor/queue.rs",
    "upstream/governor/sharing.rs",
    "upstream/retry.rs",
    "cache/guard.rs",
    "cache/tier/step.rs",
    "cache/tier/value.rs",
    "shared/address.rs",
    "shared/claim.rs",
    "shared/health.rs",
    "shared/log.rs",
    "shared/pending.rs",
    "shared/said.rs",
    "shared/trouble.rs",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a module, without its tests.
fn code(path: &Path) -> String {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The files of a module and of those below it.
fn files(module: &str) -> Vec<PathBuf> {
    let mut found = vec![source().join(format!("{module}.rs"))];
    let mut folders = vec![source().join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn pure_modules_do_no_io_and_read_no_clock() {
    for module in PURE {
        let code = code(&source().join(module));
        for word in ["async ", ".await", "tokio", "poem::", "std::fs", "std::net::Tcp", "Clock"] {
            assert!(!code.contains(word), "{module} has {word:?}");
        }
    }
}

#[test]
fn cache_upstream_and_shared_tier_do_not_know_each_other() {
    let modules = ["cache", "upstream", "shared"];
    for module in modules {
        for file in files(module) {
            for other in modules.into_iter().filter(|other| *other != module) {
                let path = format!("crate::{other}");
                assert!(!code(&file).contains(&path), "{} has {path}", file.display());
            }
        }
    }
}

#[test]
fn server_depends_on_no_workspace_crate_but_lunch() {
    let manifest = fs::read_to_string(source().join("../Cargo.toml")).unwrap();
    for other in ["loadgen", "xtask"] {
        assert!(!manifest.contains(other), "server depends on {other}");
    }
}

#[test]
fn the_binary_is_thin() {
    for (file, most) in [("main.rs", 110), ("lib.rs", 60)] {
        let lines = fs::read_to_string(source().join(file)).unwrap().lines().count();
        assert!(lines <= most, "{file} has {lines} lines");
    }
}
