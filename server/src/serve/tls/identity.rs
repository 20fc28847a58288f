//! A certificate and its key, as files have them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    InconsistentKeys,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// A certificate that ends sooner is worth a word.
const SOON: Duration = Duration::from_hours(14 * 24);

/// What is wrong with a certificate, or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No certificate.
    #[error(
        "there is no certificate: the file has to have a section BEGIN CERTIFICATE, the server's own first"
    )]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// No key.
    #[error("there is no key: the file has to have a section BEGIN PRIVATE KEY, unencrypted")]
    NoKey,
    /// A key that cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(String),
    /// Another certificate's key.
    #[error(
        "the key is not the certificate's: the server's own certificate has to be the first of its file"
    )]
    Mismatch,
}

/// A certificate with its chain and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Identity {
    /// That of two PEM files (RFC 7468): the chain, the server's own certificate
    /// first, and the key.
    pub fn of_pem(chain: &[u8], key: &[u8]) -> Result<Identity, Fault> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Fault::Certificate(error.to_string()))?;
        let own = chain.first().ok_or(Fault::NoCertificate)?;
        let (_, parsed) = X509Certificate::from_der(own)
            .map_err(|error| Fault::Certificate(error.to_string()))?;
        let at = |seconds: i64| match u64::try_from(seconds) {
            Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after)),
            Err(_) => Some(UNIX_EPOCH),
        };
        let validity = parsed.validity();
        let (Some(not_before), Some(not_after)) =
            (at(validity.not_before.timestamp()), at(validity.not_after.timestamp()))
        else {
            return Err(Fault::Certificate("its dates are out of range".to_owned()));
        };

        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => Fault::NoKey,
            error => Fault::Key(error.to_string()),
        })?;
        let key =
            ring::sign::any_supported_type(&key).map_err(|error| Fault::Key(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // Not every key tells its public half.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => return Err(Fault::Mismatch),
            Err(error) => return Err(Fault::Certificate(error.to_string())),
        }
        Ok(Identity { certified: Arc::new(certified), not_before, not_after })
    }

    /// What rustls signs with.
    pub(super) fn certified(&self) -> &CertifiedKey {
        &self.certified
    }

    /// Whether it is the same certificate, byte for byte, with the same chain.
    pub fn is_same(&self, other: &Identity) -> bool {
        self.certified.cert == other.certified.cert
    }

    /// When it expires, as a date and time (RFC 3339).
    pub fn expires(&self) -> String {
        date(self.not_after)
    }

    /// How long it is still valid, in seconds; negative where it has expired.
    pub fn seconds_left(&self, now: SystemTime) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match self.not_after.duration_since(now) {
            Ok(left) => seconds(left),
            Err(since) => -seconds(since.duration()),
        }
    }

    /// What the operator should know of its dates, if anything.
    pub fn doubt(&self, now: SystemTime) -> Option<String> {
        if self.not_after < now {
            let date = date(self.not_after);
            Some(format!("the certificate expired on {date}: clients will refuse it, renew it"))
        } else if now < self.not_before {
            let date = date(self.not_before);
            Some(format!("the certificate is not valid before {date}: clients will refuse it"))
        } else if self.not_after < now + SOON {
            Some(format!("the certificate expires on {}: renew it", date(self.not_after)))
        } else {
            None
        }
    }
}

fn date(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time)
        .map_or_else(|_| "a date far away".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate for this year, and its key.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn day(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn its_dates_are_doubted_where_clients_would() {
        let (chain, key) = pair();
        let identity = Identity::of_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let check = |now: &str, expected: Option<&str>| {
            let doubt = identity.doubt(day(now));
            let begins = |doubt: &String| doubt.starts_with(expected.unwrap_or_default());
            assert!(doubt.is_some() == expected.is_some(), "{now}: {doubt:?}");
            assert!(doubt.iter().all(begins), "{now}: {doubt:?}");
        };
        check("2025-12-31T23:59:59Z", Some("the certificate is not valid before 2026-01-01T00:00"));
        check("2026-01-01T00:00:00Z", None);
        check("2026-12-17T23:59:59Z", None);
        check("2026-12-18T00:00:01Z", Some("the certificate expires on 2027-01-01T00:00:00Z"));
        check("2027-01-01T00:00:01Z", Some("the certificate expired on 2027-01-01T00:00:00Z"));
        assert_eq!(identity.seconds_left(day("2026-12-31T23:59:00Z")), 60);
        assert_eq!(identity.seconds_left(day("2027-01-01T00:01:00Z")), -60);
    }

    #[test]
    fn what_is_wrong_has_a_name() {
        let ((chain, key), (other, _)) = (pair(), pair());
        let fault = |chain: &str, key: &str| {
            Identity::of_pem(chain.as_bytes(), key.as_bytes()).unwrap_err()
        };
        assert_eq!(fault("", &key), Fault::NoCertificate);
        assert_eq!(fault(&key, &key), Fault::NoCertificate);
        assert_eq!(fault(&chain, &chain), Fault::NoKey);
        assert_eq!(fault(&other, &key), Fault::Mismatch);
        // The chain is in the wrong order.
        assert_eq!(fault(&format!("{other}{chain}"), &key), Fault::Mismatch);
        let cut_off = &chain[..chain.len() / 2];
        assert!(matches!(fault(cut_off, &key), Fault::Certificate(_)));
        let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(fault(none, &key), Fault::Certificate(_)));
        let none = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(matches!(fault(&chain, none), Fault::Key(_)));
    }

    #[test]
    fn another_certificate_is_told_from_the_same() {
        let ((chain, key), (other, other_key)) = (pair(), pair());
        let identity =
            |chain: &str, key: &str| Identity::of_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let one = identity(&chain, &key);
        assert!(one.is_same(&identity(&chain, &key)));
        assert!(!one.is_same(&identity(&other, &other_key)));
        assert!(!one.is_same(&identity(&format!("{chain}{other}"), &key)));
    }
}
