//! HTML's character references.

/// The references that menus and names in our languages were seen with or may
/// have. `&and;` is a logical sign in HTML; in the data it was an ampersand.
#[rustfmt::skip]
const NAMED: [(&str, char); 67] = [
    ("AElig", 'Æ'), ("Aacute", 'Á'), ("Acirc", 'Â'), ("Agrave", 'À'), ("Aring", 'Å'),
    ("Auml", 'Ä'), ("Ccedil", 'Ç'), ("Eacute", 'É'), ("Ecirc", 'Ê'), ("Egrave", 'È'),
    ("Euml", 'Ë'), ("Ntilde", 'Ñ'), ("OElig", 'Œ'), ("Oacute", 'Ó'), ("Oslash", 'Ø'),
    ("Ouml", 'Ö'), ("Uuml", 'Ü'), ("aacute", 'á'), ("acirc", 'â'), ("acute", '´'),
    ("aelig", 'æ'), ("agrave", 'à'), ("amp", '&'), ("and", '&'), ("apos", '\''),
    ("aring", 'å'), ("auml", 'ä'), ("bdquo", '„'), ("bull", '•'), ("ccedil", 'ç'),
    ("deg", '°'), ("eacute", 'é'), ("ecirc", 'ê'), ("egrave", 'è'), ("euml", 'ë'),
    ("euro", '€'), ("frac12", '½'), ("frac14", '¼'), ("gt", '>'), ("hellip", '…'),
    ("iacute", 'í'), ("icirc", 'î'), ("iuml", 'ï'), ("laquo", '«'), ("ldquo", '“'),
    ("lsquo", '‘'), ("lt", '<'), ("mdash", '—'), ("middot", '·'), ("nbsp", '\u{a0}'),
    ("ndash", '–'), ("ntilde", 'ñ'), ("oacute", 'ó'), ("ocirc", 'ô'), ("oelig", 'œ'),
    ("oslash", 'ø'), ("ouml", 'ö'), ("quot", '"'), ("raquo", '»'), ("rdquo", '”'),
    ("rsquo", '’'), ("shy", '\u{ad}'), ("szlig", 'ß'), ("times", '×'), ("uacute", 'ú'),
    ("ugrave", 'ù'), ("uuml", 'ü'),
];
/// No name above is longer, nor any number.
const LONGEST: usize = 8;
/// Text that was escaped more often than this stays so.
const ROUNDS: usize = 3;

/// Text with its references resolved, also those that were escaped again.
pub(super) fn resolve(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        if !text.contains('&') {
            break;
        }
        let resolved = once(&text);
        if resolved == text {
            break;
        }
        text = resolved;
    }
    text
}

fn once(text: &str) -> String {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        resolved.push_str(before);
        if let Some((c, length)) = reference(after) {
            resolved.push(c);
            rest = after.get(length..).unwrap_or_default();
        } else {
            resolved.push('&');
            rest = after;
        }
    }
    resolved.push_str(rest);
    resolved
}

/// The character that the text begins with the name of, and how long the name
/// is with its end.
fn reference(after: &str) -> Option<(char, usize)> {
    let end = after.bytes().take(LONGEST + 1).position(|byte| matches!(byte, b';' | b':'))?;
    let (name, end_mark) = (after.get(..end)?, after.get(end..=end)?);
    let c = match name.strip_prefix('#') {
        // A colon ends names that somebody mistyped, never a number.
        Some(number) if end_mark == ";" => numbered(number)?,
        Some(_) => return None,
        None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)?,
    };
    Some((c, end + 1))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(resolve(text), expected);
    }

    #[test]
    fn references_are_resolved() {
        check("Fr&ouml;sundavik", "Frösundavik");
        check("Fr&ouml:sundavik", "Frösundavik");
        check("Food &and; Co", "Food & Co");
        check("a &lt;b&gt; &quot;c&quot; &#39;d&#x27; &#246;&#xF6;", "a <b> \"c\" 'd' öö");
        check("1&nbsp;&frac12;", "1\u{a0}½");
        check("&amp;amp; &amp;ouml;", "& ö");
    }

    #[test]
    fn other_ampersands_stay() {
        for text in [
            "Fish & chips",
            "a &b; c",
            "R&D: mat",
            "AT&T;",
            "&",
            "&;",
            "&#;",
            "&#x;",
            "&#xD800;",
            "&#246:",
            "&ouml",
            "&Nbsp;",
            "salt &peppar;",
            "&å;",
            "&eeeeeeeeeå;",
            "&#99999999;",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn each_name_is_there_once_and_short_enough() {
        assert!(NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMED.iter().all(|(name, _)| name.len() <= LONGEST));
    }
}
