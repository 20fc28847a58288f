//! What an error of Valkey's means.

/// What an error means for those who come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody is there to answer, or nobody who lets us in: the next would
    /// find the same.
    Away,
    /// This one thing is not done; whoever said so is well.
    Refused,
    /// Something that is none of ours has the key.
    Foreign,
}

/// Words at which an error's text tells that the server is not to be used now.
const AWAY: [&str; 7] =
    ["LOADING", "NOAUTH", "WRONGPASS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY"];

/// What an error means: whether the server said it, and its text.
///
/// A script's errors have the word of their kind at the beginning in some
/// versions, and within in others.
pub fn meaning(is_an_answer: bool, text: &str) -> Trouble {
    let has = |word: &str| text.split([' ', ':']).any(|found| found == word);
    if !is_an_answer || AWAY.into_iter().any(has) {
        Trouble::Away
    } else if has("WRONGTYPE") {
        Trouble::Foreign
    } else {
        Trouble::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_mean() {
        #[track_caller]
        fn check(is_an_answer: bool, text: &str, expected: Trouble) {
            assert_eq!(meaning(is_an_answer, text), expected, "{text}");
        }

        check(false, "Connection refused (os error 111)", Trouble::Away);
        check(false, "Request timed out.", Trouble::Away);
        check(true, "LOADING Redis is loading the dataset in memory", Trouble::Away);
        check(true, "NOAUTH Authentication required.", Trouble::Away);
        check(true, "WRONGPASS invalid username-password pair or user is disabled.", Trouble::Away);
        check(true, "NOPERM this user has no permissions to run 'eval'", Trouble::Refused);
        check(true, "BUSY Redis is busy running a script.", Trouble::Away);
        check(true, "OOM command not allowed when used memory > 'maxmemory'.", Trouble::Refused);
        check(true, "READONLY You can't write against a read only replica.", Trouble::Refused);
        check(true, "MISCONF Redis is configured to save RDB snapshots", Trouble::Refused);
        let kind = "WRONGTYPE Operation against a key holding the wrong kind of value";
        check(true, kind, Trouble::Foreign);
        check(true, &format!("ERR Error running script: @user_script:1: {kind}"), Trouble::Foreign);
    }
}
