//! The report's files, of the raw ones beside them.

use std::{fs, path::Path};

use anyhow::Context;

use super::{
    findings::Findings,
    loaded::Loaded,
    page::{Block, Report, html, markdown},
    report::report,
};

/// Makes the report of what is in `folder`, and leaves it there. It is the same
/// to the byte however often it is made.
pub fn render(folder: &Path) -> anyhow::Result<Report> {
    let loaded = Loaded::read(folder)?;
    let report = report(&loaded, &Findings::of(&loaded));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("README.md", &markdown(&report))?;
    write("report.html", &html(&report))?;
    for block in report.sections.iter().flat_map(|section| &section.blocks) {
        if let Block::Figure { figure, .. } = block {
            write(&figure.file_name(), &figure.standalone())?;
            write(&figure.table_file_name(), &figure.table().to_csv())?;
        }
    }
    Ok(report)
}
