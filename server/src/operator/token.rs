//! The operator's token, and the forms in which a request brings it.

use std::{fmt, str::FromStr};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A shorter token could be guessed.
const SHORTEST: usize = 16;
/// A longer one does not fit into fields everywhere.
const LONGEST: usize = 512;
/// The name of the cookie.
const COOKIE: &str = "relay-operator";
/// What the cookie is made of besides the token.
const COOKIE_LABEL: &[u8] = b"lunch-relay operator's cookie\0";

/// What lets the operator in.
///
/// It is written out in full only where a configuration is.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token has {SHORTEST} to {LONGEST} visible ASCII characters: make one with `openssl rand -hex 16`"
)]
pub struct NoToken;

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers to make a token of: set --admin-token")]
pub struct NoRandomness;

impl Token {
    /// A token that nobody can guess, of 128 random bits.
    pub fn random() -> Result<Token, NoRandomness> {
        let mut bits = [0; 16];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut bits).map_err(|_| NoRandomness)?;
        Ok(Token(URL_SAFE_NO_PAD.encode(bits)))
    }

    /// Whether a request brings this token.
    ///
    /// Digests are compared, in a time that does not depend on where they
    /// differ.
    pub fn is(&self, presented: &Presented) -> bool {
        let (own, theirs) = match presented {
            Presented::Token(token) => (digest(&[self.0.as_bytes()]), digest(&[token.as_bytes()])),
            Presented::Cookie(cookie) => {
                let own = digest(&[self.cookie_value().as_bytes()]);
                (own, digest(&[cookie.as_bytes()]))
            }
        };
        own.ct_eq(&theirs).into()
    }

    /// The token as part of a URL's query.
    pub fn encoded(&self) -> String {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let each = |byte: u8| {
            if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        self.0.bytes().map(each).collect()
    }

    /// The cookie that stands for it, until the browser is closed: no script
    /// reads it, and no other site's page has it sent.
    pub fn cookie(&self) -> HeaderValue {
        field(&format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_value()))
    }

    /// What the cookie says is not the token, which may be in use elsewhere.
    fn cookie_value(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&[COOKIE_LABEL, self.0.as_bytes()]))
    }
}

/// The cookie that ends a login.
pub fn no_cookie() -> HeaderValue {
    field(&format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))
}

fn field(text: &str) -> HeaderValue {
    // Name, value and attributes are all of visible ASCII characters.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

impl FromStr for Token {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Token, NoToken> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_token = is_visible && (SHORTEST..=LONGEST).contains(&text.len());
        is_token.then(|| Token(text.to_owned())).ok_or(NoToken)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl serde::Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What a request brings to be let in.
#[derive(Clone, PartialEq, Eq)]
pub enum Presented {
    /// A token: bearer (RFC 6750 §2.1), or the password of Basic (RFC 7617).
    Token(String),
    /// The cookie that stands for one.
    Cookie(String),
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Presented::Token(_) => "Token",
            Presented::Cookie(_) => "Cookie",
        })
    }
}

impl Presented {
    /// What these fields bring, `None` where they bring nothing: `Authorization`
    /// before a cookie.
    pub fn of(headers: &HeaderMap) -> Option<Presented> {
        let authorization = headers.get(header::AUTHORIZATION).and_then(|line| line.to_str().ok());
        authorization.and_then(authorized).or_else(|| cookie(headers))
    }
}

fn authorized(line: &str) -> Option<Presented> {
    let (scheme, credentials) = line.split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Presented::Token(credentials.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    Some(Presented::Token(password.to_owned()))
}

fn cookie(headers: &HeaderMap) -> Option<Presented> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let value = pairs.map(str::trim).find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='));
    value.map(|value| Presented::Cookie(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef";

    fn token() -> Token {
        TEXT.parse().unwrap()
    }

    fn is_let_in(name: header::HeaderName, value: &str) -> Option<bool> {
        let headers = HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())]);
        Presented::of(&headers).map(|presented| token().is(&presented))
    }

    #[test]
    fn a_request_brings_it_in_three_forms() {
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for (value, expected) in [
            (format!("Bearer {TEXT}"), Some(true)),
            (format!("bearer  {TEXT}"), Some(true)),
            (format!("Bearer {TEXT}0"), Some(false)),
            ("Bearer 0123456789abcdeF".to_owned(), Some(false)),
            ("Bearer ".to_owned(), Some(false)),
            (basic(&format!("operator:{TEXT}")), Some(true)),
            (basic(&format!(":{TEXT}")), Some(true)),
            (basic(&format!("{TEXT}:")), Some(false)),
            (basic(TEXT), None),
            ("Basic %".to_owned(), None),
            (format!("Digest {TEXT}"), None),
            (TEXT.to_owned(), None),
        ] {
            assert_eq!(is_let_in(header::AUTHORIZATION, &value), expected, "{value}");
        }
        let cookie = token().cookie();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        for (value, expected) in [
            (pair.to_owned(), Some(true)),
            (format!("a=b; {pair}; c=d"), Some(true)),
            (format!("{COOKIE}={TEXT}"), Some(false)),
            (format!("{COOKIE}="), Some(false)),
            (format!("x{pair}"), None),
            ("a=b".to_owned(), None),
        ] {
            assert_eq!(is_let_in(header::COOKIE, &value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_said_of_it_does_not_show_it() {
        let cookie = token().cookie();
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(TEXT));
        assert_eq!(format!("{:?}", token()), "Token");
        assert_eq!(format!("{:?}", Presented::Token(TEXT.to_owned())), "Token");
        assert_eq!("a/b&c=d 0123456789".parse::<Token>(), Err(NoToken));
        let odd: Token = "a/b&c=d#0123456789".parse().unwrap();
        assert_eq!(odd.encoded(), "a%2Fb%26c%3Dd%230123456789");
    }

    #[test]
    fn what_can_be_guessed_is_no_token() {
        for text in ["", "short", "fifteen-letters", "with a blank in it", "åååååååååååååååå"]
        {
            assert_eq!(text.parse::<Token>(), Err(NoToken), "{text}");
        }
        assert_eq!("x".repeat(LONGEST + 1).parse::<Token>(), Err(NoToken));
        assert!("x".repeat(LONGEST).parse::<Token>().is_ok());
        let made = Token::random().unwrap();
        assert_ne!(made, Token::random().unwrap());
        assert!(made.0.parse::<Token>().is_ok());
    }
}
