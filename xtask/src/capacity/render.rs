//! The report's files, of the raw ones beside them.

use std::{fs, path::Path};

use anyhow::Context;

use super::{
    findings::{Findings, comparison::Comparison},
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
    Ok(Rendered { loaded, findings, comparison, report })
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
