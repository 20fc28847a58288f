//! Writes reports of made-up numbers, to look at every kind of figure and
//! block, and at a whole report of a run that never was, in the folder
//! `capacity`: `cargo run -p xtask --example gallery -- DIRECTORY`.

mod figures;
mod report;
#[path = "../../tests/synthetic/mod.rs"]
mod synthetic;

use std::{env, fs, path::PathBuf};

use anyhow::Context;
use xtask::capacity::{
    page::{html, markdown},
    render::render,
};

fn main() -> anyhow::Result<()> {
    let directory = env::args_os().nth(1).context("say into which directory to write")?;
    let directory = PathBuf::from(directory);
    fs::create_dir_all(&directory)?;
    for figure in figures::all() {
        fs::write(directory.join(figure.file_name()), figure.standalone())?;
    }
    let report = report::report();
    fs::write(directory.join("index.html"), html(&report))?;
    fs::write(directory.join("README.md"), markdown(&report))?;
    let capacity = directory.join("capacity");
    fs::create_dir_all(&capacity)?;
    synthetic::write(&capacity, &synthetic::Bench::sound());
    render(&capacity, None)?;
    Ok(())
}
