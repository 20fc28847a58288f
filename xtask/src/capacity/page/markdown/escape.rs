//! Text that Markdown takes for what it is.

use crate::capacity::figures::clean;

/// Text that is a block of its own.
pub(super) fn text(text: &str) -> String {
    start(inside(text).trim())
}

/// Text inside a block. A vertical bar would end a table's cell, a dollar
/// would begin a formula on GitHub, and `<` and `&` are HTML's.
pub(super) fn inside(text: &str) -> String {
    let mut escaped = String::new();
    for character in clean(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' | '!' | '>' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text at the start of a line, where a few more characters mean something:
/// a list, a number in one, or the line under a heading.
pub(super) fn start(escaped: &str) -> String {
    let digits = escaped.len() - escaped.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match escaped[digits..].chars().next() {
        Some('-' | '+' | '=') if digits == 0 => format!("\\{escaped}"),
        Some('.' | ')') if 0 < digits => {
            format!("{}\\{}", &escaped[..digits], &escaped[digits..])
        }
        _ => escaped.to_owned(),
    }
}

/// What is beside a piece of a sentence.
///
/// Markdown's marks are recognised by their neighbours: two pieces that touch,
/// or a mark between a letter and a bracket, are taken for something else.
/// There, the piece is written with HTML's elements, which GitHub shows alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) before: Option<char>,
    pub(super) after: Option<char>,
}

impl Place {
    /// Whether marks are seen as such here.
    fn is_apart(self) -> bool {
        let before = self.before.is_none_or(|c| c == ' ' || c == '(');
        before && self.after.is_none_or(|c| " .,;:)".contains(c))
    }

    pub(super) fn emphasis(self, words: &str) -> String {
        self.marked("*", "em", words)
    }

    pub(super) fn strong(self, words: &str) -> String {
        self.marked("**", "strong", words)
    }

    fn marked(self, mark: &str, element: &str, words: &str) -> String {
        let ends = [words.chars().next(), words.chars().next_back()];
        let in_letters = ends.iter().all(|end| end.is_some_and(char::is_alphanumeric));
        let words = inside(words);
        if self.is_apart() && in_letters {
            format!("{mark}{words}{mark}")
        } else {
            format!("<{element}>{words}</{element}>")
        }
    }

    /// Code, between more backticks than it has in a row.
    pub(super) fn code(self, words: &str) -> String {
        let words = clean(words);
        let clear = |end: Option<char>| end.is_some_and(|end| end != '`' && end != ' ');
        let ends_clear = clear(words.chars().next()) && clear(words.chars().next_back());
        if self.is_apart() && ends_clear {
            let ticks = "`".repeat(longest_run(&words) + 1);
            format!("{ticks}{words}{ticks}")
        } else {
            format!("<code>{}</code>", inside(&words))
        }
    }
}

/// Lines of code between fences longer than any in them.
pub(super) fn code_block(language: &str, code: &str) -> String {
    let fence = "`".repeat(longest_run(code).max(2) + 1);
    let lines: Vec<String> = code.lines().map(clean).collect();
    format!("{fence}{language}\n{}\n{fence}", lines.join("\n"))
}

fn longest_run(code: &str) -> usize {
    code.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}
