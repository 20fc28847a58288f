//! Which relay this is: its version, and the commit it was built from where the
//! build was told.
//!
//! Both come from the build's environment, as `BUILD_VERSION` and
//! `BUILD_REVISION`: an image is built without the history.

use std::sync::LazyLock;

/// The version: the package's, unless the build was told another.
pub const VERSION: &str = match option_env!("BUILD_VERSION") {
    Some(version) if !version.is_empty() => version,
    _ => env!("CARGO_PKG_VERSION"),
};

/// The commit, or `unknown`.
pub const REVISION: &str = match option_env!("BUILD_REVISION") {
    Some(revision) if !revision.is_empty() => revision,
    _ => UNKNOWN,
};

const UNKNOWN: &str = "unknown";

/// What `relay --version` says behind the name.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| written(VERSION, REVISION));
    &TEXT
}

fn written(version: &str, revision: &str) -> String {
    if revision == UNKNOWN { version.to_owned() } else { format!("{version} ({revision})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_said_where_it_is_known() {
        assert_eq!(written("1.2.3", "0692c9d"), "1.2.3 (0692c9d)");
        assert_eq!(written("1.2.3", UNKNOWN), "1.2.3");
    }
}
