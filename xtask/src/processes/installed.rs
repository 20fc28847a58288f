//! Programs of the system.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where daemons are, which is on the path of the superuser alone.
const FOR_DAEMONS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Where `program` is, if it is installed.
pub fn installed(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(FOR_DAEMONS.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| Path::is_file(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found() {
        let shell = installed("sh").unwrap();
        assert!(shell.is_absolute() && shell.ends_with("sh"));
        assert_eq!(installed("no such program"), None);
    }
}
