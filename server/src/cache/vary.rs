//! Selecting a stored response with `Vary` (RFC 9111 §4.1).
//!
//! Two requests match where one can be made into the other by what has no
//! meaning: whitespace, how members are spread over lines, and, for the fields
//! in `preferences`, the order and case of members.

mod preferences;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use self::preferences::{Preferences, content_language, prefers};

/// The request fields that a response was selected by.
///
/// Two are equal where they select the same requests by those fields: the
/// names are the same, and so are the values but for what has no meaning.
#[derive(Clone, Debug, Default)]
pub struct Selecting {
    /// Each name once, in their order.
    fields: Vec<Field>,
    /// The one language of the stored response, in lowercase, where
    /// `Accept-Language` is among the names.
    language: Option<String>,
}

/// A request field that a response was selected by.
#[derive(Clone, Debug)]
struct Field {
    name: HeaderName,
    /// The lines as they were: most requests have the very same.
    lines: Vec<HeaderValue>,
    normal: Normal,
}

/// The value of a field without what has no meaning (RFC 9111 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Normal {
    /// It "can only match another request if it is also absent there".
    Absent,
    /// The lines as one, no whitespace around commas.
    Text(Vec<u8>),
    /// A list whose order and case have no meaning.
    Preferences(Preferences),
}

impl Selecting {
    /// The values that selected.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut HeaderValue> {
        self.fields.iter_mut().flat_map(|field| &mut field.lines)
    }

    /// The fields that `response`'s `Vary` names, from `request`; `None` where
    /// `*` says that no other request can match.
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Option<Selecting> {
        let mut names: Vec<HeaderName> = Vec::new();
        for line in response.get_all(header::VARY) {
            // What cannot be read cannot be compared.
            for member in line.to_str().ok()?.split(',').map(str::trim) {
                match member {
                    "" => {}
                    "*" => return None,
                    name => names.push(name.parse().ok()?),
                }
            }
        }
        Some(Selecting::by(names, response, request))
    }

    fn by(mut names: Vec<HeaderName>, response: &HeaderMap, request: &HeaderMap) -> Selecting {
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();

        let language =
            names.contains(&header::ACCEPT_LANGUAGE).then(|| content_language(response)).flatten();
        let fields = names.into_iter().map(|name| Field::of(name, request)).collect();
        Selecting { fields, language }
    }

    /// Whether a request has the same values in all these fields, or prefers
    /// the language of the stored response.
    pub fn selects(&self, request: &HeaderMap) -> bool {
        self.fields.iter().all(|field| field.matches(request, self.language.as_deref()))
    }

    /// Keeps the fields that requests can differ by.
    pub fn retain(&mut self, is_kept: impl Fn(&HeaderName) -> bool) {
        self.fields.retain(|field| is_kept(&field.name));
    }

    /// The names of the fields, each once.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.fields.iter().map(|field| &field.name)
    }

    /// The fields with their lines as they were, none where a field was absent.
    pub fn lines(&self) -> impl Iterator<Item = (&HeaderName, &[HeaderValue])> {
        self.fields.iter().map(|field| (&field.name, &field.lines[..]))
    }

    /// The same again, made of its [`Selecting::lines`] and the fields of the
    /// response that they select.
    pub fn of_lines(lines: Vec<(HeaderName, Vec<HeaderValue>)>, response: &HeaderMap) -> Selecting {
        let mut request = HeaderMap::new();
        let mut names = Vec::with_capacity(lines.len());
        for (name, lines) in lines {
            for line in lines {
                request.append(name.clone(), line);
            }
            names.push(name);
        }
        Selecting::by(names, response, &request)
    }

    /// The memory it takes, about.
    pub fn weight(&self) -> usize {
        let fields = self.fields.iter().map(Field::weight);
        fields.sum::<usize>() + self.language.as_ref().map_or(0, String::len)
    }
}

impl PartialEq for Selecting {
    /// The language is the response's, not of what selects it.
    fn eq(&self, other: &Selecting) -> bool {
        self.fields.iter().map(Field::key).eq(other.fields.iter().map(Field::key))
    }
}

impl Eq for Selecting {}

impl Field {
    fn of(name: HeaderName, request: &HeaderMap) -> Field {
        let lines = request.get_all(&name).iter().cloned().collect();
        let normal = Normal::of(&name, request);
        Field { name, lines, normal }
    }

    /// What makes it the same as another.
    fn key(&self) -> (&HeaderName, &Normal) {
        (&self.name, &self.normal)
    }

    fn matches(&self, request: &HeaderMap, language: Option<&str>) -> bool {
        if request.get_all(&self.name).iter().eq(&self.lines) {
            return true;
        }
        let normal = Normal::of(&self.name, request);
        if normal == self.normal {
            return true;
        }
        // Beyond the fields themselves: the upstream chose this language for
        // another list, and this list has the same first choice.
        match (&normal, language) {
            (Normal::Preferences(preferences), Some(language))
                if self.name == header::ACCEPT_LANGUAGE =>
            {
                prefers(preferences, language)
            }
            _ => false,
        }
    }

    fn weight(&self) -> usize {
        let lines = self.lines.iter().map(|line| line.len() + 64);
        let normal = match &self.normal {
            Normal::Absent => 0,
            Normal::Text(text) => text.len(),
            Normal::Preferences(preferences) => {
                preferences.iter().map(|(name, _)| name.len() + 64).sum()
            }
        };
        128 + self.name.as_str().len() + lines.sum::<usize>() + normal
    }
}

impl Normal {
    fn of(name: &HeaderName, request: &HeaderMap) -> Normal {
        let lines = || request.get_all(name).iter().map(HeaderValue::as_bytes);
        if lines().next().is_none() {
            return Normal::Absent;
        }
        if matches!(*name, header::ACCEPT_ENCODING | header::ACCEPT_LANGUAGE)
            && let Some(preferences) = preferences::read(lines())
        {
            return Normal::Preferences(preferences);
        }
        Normal::Text(combine(lines()))
    }
}

/// The lines of a field as one, without the whitespace around its commas; what
/// is quoted stays as it is, and so does all after a quote that is never closed.
fn combine<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let lines: Vec<&[u8]> = lines.collect();
    let joined = lines.join(&b", "[..]);
    let mut text = Vec::with_capacity(joined.len());
    let mut quoted = false;
    let mut escaped = false;
    let mut after_comma = false;
    for byte in joined.trim_ascii() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' | b'\t' if after_comma => continue,
            b',' if !quoted => text.truncate(text.trim_ascii_end().len()),
            _ => {}
        }
        after_comma = !quoted && *byte == b',';
        text.push(*byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> HeaderMap {
        text.lines()
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                )
            })
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
        check("vary: a", "a: ", "", Some(false));
        check("vary: a", "", "a: ", Some(false));
        check("vary: a, ,b", "a: 1\nb: 2", "a: 1\nb: 3", Some(false));
        check("vary: a\nvary: b", "a: 1\nb: 2", "a: 1\nb: 3", Some(false));
        check("vary: a, A", "a: 1", "a: 1", Some(true));
        check("vary: *", "", "", None);
        check("vary: a, *", "", "", None);
        check("vary: a\nvary: *", "", "", None);
        check("vary: not a name", "", "", None);
        check("vary: r\u{e4}ks", "", "", None);
    }

    #[track_caller]
    fn check_value(stored: &str, presented: &str, expected: bool) {
        check("vary: a", stored, presented, Some(expected));
        check("vary: a", presented, stored, Some(expected));
    }

    #[test]
    fn a_field_that_is_not_known() {
        let check = check_value;
        check("a: 1,2", "a:  1, 2 ", true);
        check("a: 1 ,\t2", "a: 1\na: 2", true);
        check("a: 1, 2", "a: 2, 1", false);
        check("a: 1, 2", "a: 1 2", false);
        check("a: 1  2", "a: 1 2", false);
        check("a: x", "a: X", false);
        check("a: 1,,2", "a: 1,2", false);
        check("a: r\u{e4}ks,1", "a: r\u{e4}ks, 1", true);
        check("a: \"x , y\"", "a: \"x,y\"", false);
        check("a: \"x ,y\"", "a: \"x,y\"", false);
        check("a: \"x, y\"", "a: \"x,y\"", false);
        check("a: \"x\" , y", "a: \"x\",y", true);
        check("a: \"x\\\" , y\"", "a: \"x\\\",y\"", false);
        check("a: \"x", "a: \"x", true);
        // Combined, this is one quoted string with a comma and a space.
        check("a: \"x\na: y\"", "a: \"x, y\"", true);
        check("a: \"x\na: y\"", "a: \"x,y\"", false);
    }

    #[track_caller]
    fn check_equal(one: (&str, &str), other: (&str, &str), expected: bool) {
        let of = |(response, request)| Selecting::of(&fields(response), &fields(request)).unwrap();
        assert_eq!(of(one) == of(other), expected, "{one:?} {other:?}");
    }

    #[test]
    fn equal_where_a_new_response_takes_the_place() {
        let check = check_equal;
        check(("vary: a, b", "a: 1"), ("vary: B\nvary: A", "a: 1"), true);
        check(("vary: a", "a: 1,2"), ("vary: a", "a: 1, 2"), true);
        check(("vary: a", "a: 1"), ("vary: a", "a: 2"), false);
        check(("vary: a", ""), ("vary: a", "a: "), false);
        check(("vary: a", ""), ("vary: b", ""), false);
        check(("vary: a", ""), ("vary: a, b", ""), false);
        let request = "accept-language: de, en;q=0.5";
        let vary = "vary: accept-language";
        let german = "vary: accept-language\ncontent-language: de";
        check((vary, request), (german, "accept-language: EN;q=0.50,de"), true);
        check((german, request), (german, "accept-language: de"), false);
    }

    #[test]
    fn names_and_weight() {
        let request = fields("a: 12345");
        let selecting = Selecting::of(&fields("vary: b, A, b"), &request).unwrap();
        let names: Vec<_> = selecting.names().map(HeaderName::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        let empty = Selecting::of(&fields("vary: b, a"), &HeaderMap::new()).unwrap();
        assert!(empty.weight() + 10 <= selecting.weight());
        assert_eq!(Selecting::default().weight(), 0);
    }
}
