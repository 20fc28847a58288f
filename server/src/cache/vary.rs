//! Selecting a stored response with `Vary` (RFC 9111 §4.1).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The request fields that a response was selected by, as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selecting(Vec<(HeaderName, Vec<HeaderValue>)>);

impl Selecting {
    /// The fields that `response`'s `Vary` names, from `request`; `None` where
    /// `*` says that no other request can match.
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Option<Selecting> {
        let mut selecting = Vec::new();
        for line in response.get_all(header::VARY) {
            // What cannot be read cannot be compared.
            for member in line.to_str().ok()?.split(',').map(str::trim) {
                match member {
                    "" => {}
                    "*" => return None,
                    name => {
                        let name: HeaderName = name.parse().ok()?;
                        let values = request.get_all(&name).iter().cloned().collect();
                        selecting.push((name, values));
                    }
                }
            }
        }
        Some(Selecting(selecting))
    }

    /// Whether a request has the same values in all these fields.
    pub fn selects(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, values)| request.get_all(name).iter().eq(values))
    }

    /// The memory it takes, about.
    pub fn weight(&self) -> usize {
        let lines = self.0.iter().flat_map(|(name, values)| {
            values.iter().map(|value| name.as_str().len() + value.len() + 64)
        });
        self.0.len() * 64 + lines.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> HeaderMap {
        text.lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[track_caller]
    fn check(vary: &str, stored: &str, presented: &str, expected: Option<bool>) {
        let selecting = Selecting::of(&fields(vary), &fields(stored));
        let actual = selecting.map(|selecting| selecting.selects(&fields(presented)));
        assert_eq!(actual, expected, "{vary} / {stored} / {presented}");
    }

    #[test]
    fn selects() {
        check("", "a: 1", "a: 2", Some(true));
        check("vary: A", "a: 1", "a: 1\nb: 2", Some(true));
        check("vary: a", "a: 1", "a: 2", Some(false));
        check("vary: a", "", "a: 1", Some(false));
        check("vary: a", "a: 1", "", Some(false));
        check("vary: a", "", "", Some(true));
        check("vary: a, ,b", "a: 1\nb: 2", "a: 1\nb: 3", Some(false));
        check("vary: *", "", "", None);
        check("vary: a, *", "", "", None);
        check("vary: not a name", "", "", None);
    }
}
