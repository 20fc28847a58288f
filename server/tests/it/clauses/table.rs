//! The table of clauses, `docs/conformance.md`: made of the tests beside this
//! file, and checked.

use std::{env, fmt::Write, fs, path::Path};

/// A test, and the clause that it is of.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    rfc: u32,
    section: Vec<u32>,
    requirement: String,
    test: String,
}

/// What a requirement begins with; `defines` where the clause has no such word,
/// but others rely on it.
const LEVELS: [&str; 4] = ["MUST ", "SHOULD ", "MAY ", "defines "];

const HEAD: &str = "# Conformance

Each requirement of the HTTP standards that binds this cache, in our words, and the test that fails \
without it. The tests are in `server/tests/it/clauses`; this page is made of them by `UPDATE=1 cargo \
test -p server --test it -- clauses::table`, and CI checks that it is true.

*defines* stands where a clause has no word such as MUST, but others rely on it.
";

/// What is not implemented, written by hand.
const NOT_IMPLEMENTED: &str = include_str!("not_implemented.md");

#[test]
fn the_table_of_clauses_is_true() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clauses");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let mut rows = Vec::new();
    for entry in fs::read_dir(tests).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap();
        if let Some(rfc) = file.strip_prefix("rfc") {
            let rfc = rfc.split('_').next().unwrap().parse().unwrap();
            rows.extend(rows_of(rfc, &fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
    rows.sort();
    let true_page = rendered(&rows);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(page.parent().unwrap()).unwrap();
        fs::write(&page, &true_page).unwrap();
    }
    let found = fs::read_to_string(&page).unwrap_or_default();
    assert!(found == true_page, "docs/conformance.md is out of date: see its first lines");
}

/// The tests of a file, or what is wrong with one.
fn rows_of(rfc: u32, source: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut documentation: Vec<&str> = Vec::new();
    let mut is_test = false;
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            documentation.push(text);
        } else if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            if let Some((name, _)) = name.and_then(|name| name.split_once('(')).filter(|_| is_test)
            {
                rows.push(row(rfc, &documentation.join(" "), name)?);
            }
            documentation.clear();
            is_test = false;
        }
    }
    Ok(rows)
}

/// The row of a test, from its documentation: `RFC 9111 §4.2: MUST …`.
fn row(rfc: u32, documentation: &str, test: &str) -> Result<Row, String> {
    let clause = documentation.strip_prefix(&format!("RFC {rfc} §"));
    let (section, requirement) = clause
        .and_then(|clause| clause.split_once(": "))
        .ok_or_else(|| format!("{test} does not say its clause of RFC {rfc}"))?;
    if !LEVELS.iter().any(|level| requirement.starts_with(level)) {
        return Err(format!("{test} does not begin with the level of its requirement"));
    }
    if !test.starts_with(&format!("s{}_", section.replace('.', "_"))) {
        return Err(format!("{test} does not begin with its section, {section}"));
    }
    let numbers = section.split('.').map(str::parse).collect::<Result<_, _>>();
    let section = numbers.map_err(|_| format!("{test}: {section} is no section"))?;
    Ok(Row { rfc, section, requirement: requirement.to_owned(), test: test.to_owned() })
}

fn rendered(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    for of_one in rows.chunk_by(|one, other| one.rfc == other.rfc) {
        let rfc = of_one[0].rfc;
        writeln!(page, "\n## RFC {rfc}\n\n| clause | requirement | test |\n|---|---|---|").unwrap();
        for Row { section, requirement, test, .. } in of_one {
            let section: Vec<String> = section.iter().map(u32::to_string).collect();
            let section = section.join(".");
            let link = format!("https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}");
            writeln!(page, "| [§{section}]({link}) | {requirement} | `{test}` |").unwrap();
        }
    }
    page + "\n" + NOT_IMPLEMENTED
}

#[test]
fn a_test_without_its_clause_is_refused() {
    let check = |documentation: &str, name: &str, expected: Option<&str>| {
        let source = format!("{documentation}\n#[test]\nfn {name}() {{}}\n");
        let found = rows_of(9111, &source).err();
        assert_eq!(found.as_deref(), expected, "{source}");
    };
    check("/// RFC 9111 §4.2: MUST be\n/// so", "s4_2_x", None);
    check("", "s4_2_x", Some("s4_2_x does not say its clause of RFC 9111"));
    check(
        "/// RFC 9110 §4.2: MUST be",
        "s4_2_x",
        Some("s4_2_x does not say its clause of RFC 9111"),
    );
    check(
        "/// RFC 9111 §4.2: must",
        "s4_2_x",
        Some("s4_2_x does not begin with the level of its requirement"),
    );
    check("/// RFC 9111 §4.2: MAY be", "s4_x", Some("s4_x does not begin with its section, 4.2"));
    check("/// RFC 9111 §4.x: MAY be", "s4_x_y", Some("s4_x_y: 4.x is no section"));
    assert_eq!(rows_of(9111, "/// Helps.\nfn check() {}\n"), Ok(Vec::new()));
}
