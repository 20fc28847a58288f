//! The numbers behind a figure, or a table of its own.

use serde::Serialize;

/// Rows of text under a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What each column holds.
    pub columns: Vec<Column>,
    /// One cell for each column.
    pub rows: Vec<Vec<String>>,
}

/// A column's head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// What it says, with the unit.
    pub name: String,
    /// To which side its cells are set.
    pub align: Align,
}

/// To which side the cells of a column are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Words.
    Left,
    /// Numbers, so that their digits line up.
    Right,
}

impl Column {
    /// A column of words.
    pub fn words(name: impl Into<String>) -> Self {
        Self { name: name.into(), align: Align::Left }
    }

    /// A column of numbers.
    pub fn numbers(name: impl Into<String>) -> Self {
        Self { name: name.into(), align: Align::Right }
    }
}

impl Table {
    /// The table as comma-separated values (RFC 4180), for other programs.
    pub fn to_csv(&self) -> String {
        let header: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let mut csv = line(&header);
        for row in &self.rows {
            csv.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        csv
    }
}

fn line(cells: &[&str]) -> String {
    let quoted: Vec<String> = cells.iter().map(|cell| quote(cell)).collect();
    quoted.join(",") + "\n"
}

fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_are_quoted() {
        let table = Table {
            columns: vec![Column::words("why"), Column::numbers("rate (req/s)")],
            rows: vec![vec!["late, \"very\"".to_owned(), "10".to_owned()]],
        };
        assert_eq!(table.to_csv(), "why,rate (req/s)\n\"late, \"\"very\"\"\",10\n");
    }
}
