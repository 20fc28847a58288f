//! A table for people: pure.

use unicode_width::UnicodeWidthStr;

/// A table, and what has to be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What the columns are.
    pub head: Vec<String>,
    /// As many cells in each.
    pub rows: Vec<Vec<String>>,
    /// Sentences below it.
    pub notes: Vec<String>,
}

impl Table {
    /// For a terminal: the first column begins where it begins, numbers end where
    /// they end.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let line = |cells: &Vec<String>| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                let blank = " ".repeat(width.saturating_sub(cell.width()));
                if column == 0 { format!("{cell}{blank}") } else { format!("{blank}{cell}") }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.lines().map(line).collect();
        lines.push(String::new());
        lines.extend(self.notes.iter().cloned());
        lines.join("\n")
    }

    /// As the README has it.
    pub fn markdown(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells = cells.iter().map(|cell| match cell.as_str() {
                "" => " ".to_owned(),
                cell => format!(" {} ", cell.replace('|', "\\|")),
            });
            format!("|{}|", cells.collect::<Vec<_>>().join("|"))
        };
        let mut lines: Vec<String> = self.lines().map(line).collect();
        lines.insert(1, format!("|{}", "---|".repeat(self.head.len())));
        lines.push(String::new());
        lines.extend(self.notes.iter().cloned());
        lines.join("\n")
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }

    fn width(&self, column: usize) -> usize {
        self.lines().filter_map(|cells| cells.get(column)).map(|it| it.width()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let cells = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        Table {
            head: cells(&["server", "CPU µs", "relay / this"]),
            rows: vec![cells(&["lunch-relay", "8.9", ""]), cells(&["a|b", "10.2", "0.52"])],
            notes: cells(&["One.", "Two."]),
        }
    }

    #[test]
    fn on_a_terminal() {
        let text = "server       CPU µs  relay / this\n\
                    lunch-relay     8.9\n\
                    a|b            10.2          0.52\n\
                    \n\
                    One.\n\
                    Two.";
        assert_eq!(table().text(), text);
    }

    #[test]
    fn in_the_readme() {
        let text = "| server | CPU µs | relay / this |\n\
                    |---|---|---|\n\
                    | lunch-relay | 8.9 | |\n\
                    | a\\|b | 10.2 | 0.52 |\n\
                    \n\
                    One.\n\
                    Two.";
        assert_eq!(table().markdown(), text);
    }
}
