//! The report's files, of the raw ones beside them.

use std::{fs, io, path::Path};

use anyhow::Context;
use serde::Serialize;

use super::{
    analysis::isotonic::Crossing,
    findings::{Findings, comparison::Comparison, objective::USUAL},
    loaded::Loaded,
    page::{Block, Report, html, markdown},
    report::report,
};

/// A report, and what it was made of.
#[derive(Debug)]
pub struct Rendered {
    /// The raw files.
    pub loaded: Loaded,
    /// What they come to.
    pub findings: Findings,
    /// What differs from the other run, if there is one.
    pub comparison: Option<Comparison>,
    /// The document.
    pub report: Report,
}

/// Makes the report of what is in `folder`, and leaves it there. It is the same
/// to the byte however often it is made. What is in `other` is put beside it.
pub fn render(folder: &Path, other: Option<&Path>) -> anyhow::Result<Rendered> {
    let loaded = Loaded::read(folder)?;
    let findings = Findings::of(&loaded);
    let compare = |other: &Path| -> anyhow::Result<Comparison> {
        let before = Loaded::read(other)?;
        let found = Findings::of(&before);
        Ok(Comparison::of((&before, &found), (&loaded, &findings)))
    };
    let comparison = other.map(compare).transpose()?;
    let report = report(&loaded, &findings, comparison.as_ref());
    write(folder, &report)?;
    write_capacity(folder, &findings)?;
    Ok(Rendered { loaded, findings, comparison, report })
}

/// The rate that one relay serves on such a machine, for `relay --capacity-file`.
#[derive(Debug, PartialEq, Serialize)]
struct Served {
    requests_per_second: f64,
    objective: String,
}

impl Served {
    /// In whole requests; of a rate that was already too high nothing is said.
    fn of(crossing: Crossing) -> Option<Served> {
        match crossing {
            Crossing::Below(_) => None,
            Crossing::At(rate) | Crossing::Above(rate) => {
                Some(Served { requests_per_second: rate.floor(), objective: USUAL.to_string() })
            }
        }
    }
}

/// Leaves what one relay can serve for relays to read. Where that cannot be said,
/// there is no such file: an old one would say what is not known any more.
fn write_capacity(folder: &Path, findings: &Findings) -> anyhow::Result<()> {
    let path = folder.join("capacity.json");
    let served = findings.capacity().ok().and_then(|capacity| Served::of(capacity.crossing));
    if let Some(served) = served {
        let text = serde_json::to_string_pretty(&served)? + "\n";
        return fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(folder: &Path, report: &Report) -> anyhow::Result<()> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("README.md", &markdown(report))?;
    write("report.html", &html(report))?;
    for block in report.sections.iter().flat_map(|section| &section.blocks) {
        if let Block::Figure { figure, .. } = block {
            write(&figure.file_name(), &figure.standalone())?;
            write(&figure.table_file_name(), &figure.table().to_csv())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_are_told_the_rate_that_met_the_objective() {
        let served = |crossing| Served::of(crossing).map(|served| served.requests_per_second);
        assert_eq!(served(Crossing::At(1234.9)), Some(1234.0));
        assert_eq!(served(Crossing::Above(2000.0)), Some(2000.0));
        assert_eq!(served(Crossing::Below(100.0)), None);
        let text = serde_json::to_string(&Served::of(Crossing::At(7.0))).unwrap();
        assert_eq!(text, "{\"requests_per_second\":7.0,\"objective\":\"p99 ≤ 20 ms\"}");
    }
}
