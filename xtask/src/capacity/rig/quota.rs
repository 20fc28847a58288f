//! A quota of processor time, by a control group of the kernel's.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;

use super::Child;

/// Over which time the quota is: short, so that a process that has used its
/// part does not stand still for long.
const PERIOD: Duration = Duration::from_millis(10);

/// Where version 1 of the kernel's interface has the controller, and where
/// version 2 has all of them.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

/// A control group with a quota, which is removed with this.
#[derive(Debug)]
pub struct Quota {
    folder: PathBuf,
}

impl Quota {
    /// Gives all of `children` together this share of one processor.
    pub fn of(share: f64, children: &[Child]) -> anyhow::Result<Self> {
        let root = ROOTS.into_iter().map(Path::new).find(|root| has_quotas(root));
        let root = root.context("there is no control group of processors")?;
        let name = format!("lunch-relay-{}", std::process::id());
        let folder = root.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the control group {}", folder.display()))?;
        let quota = Self { folder };
        for (file, text) in settings(root, share) {
            quota.write(file, &text)?;
        }
        for child in children {
            quota.write("cgroup.procs", &child.id().to_string())?;
        }
        Ok(quota)
    }

    /// Where the kernel says how long it has held its processes back.
    pub fn account(&self) -> PathBuf {
        self.folder.join("cpu.stat")
    }

    /// Whether there can be one.
    pub fn is_possible() -> bool {
        Self::of(1.0, &[]).is_ok()
    }

    fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A group that still has a process in it stays, and does no harm.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn has_quotas(root: &Path) -> bool {
    root.join("cpu.cfs_quota_us").exists() || lists_cpu(root)
}

/// Whether version 2 hands the controller of processors on.
fn lists_cpu(root: &Path) -> bool {
    let controllers = fs::read_to_string(root.join("cgroup.subtree_control"));
    controllers.is_ok_and(|all| all.split_whitespace().any(|controller| controller == "cpu"))
}

/// Which file gets which text.
fn settings(root: &Path, share: f64) -> Vec<(&'static str, String)> {
    let period = PERIOD.as_micros();
    let quota = format!("{:.0}", PERIOD.as_secs_f64() * 1e6 * share);
    if lists_cpu(root) {
        vec![("cpu.max", format!("{quota} {period}"))]
    } else {
        vec![("cpu.cfs_period_us", period.to_string()), ("cpu.cfs_quota_us", quota)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_each_period() {
        let folder = tempfile::tempdir().unwrap();
        let of = |share| settings(folder.path(), share);
        assert_eq!(
            of(0.25),
            [("cpu.cfs_period_us", "10000".to_owned()), ("cpu.cfs_quota_us", "2500".to_owned())]
        );
        assert!(!has_quotas(folder.path()));
        fs::write(folder.path().join("cgroup.subtree_control"), "memory cpu\n").unwrap();
        assert_eq!(of(1.5), [("cpu.max", "15000 10000".to_owned())]);
        assert!(has_quotas(folder.path()));
    }
}
