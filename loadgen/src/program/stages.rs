//! Ways from rate to rate, as they are typed.

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

use crate::{
    number::{self, NumberError},
    schedule::{Profile, ProfileError, Rate, Stage},
};

/// Rates and how long the way to each takes: `1k:30s,5k:30s`. One that takes
/// `0s` is a jump.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    stages: Vec<Stage>,
}

/// Two rates, in either order: `100..20k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The first.
    pub from: Rate,
    /// The last.
    pub to: Rate,
}

/// A text that is no way.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StagesError {
    /// A stage has not both parts.
    #[error("`{0}` is no stage: write it as RATE:DURATION, such as 1k:30s")]
    Stage(String),
    /// A range has not both ends.
    #[error("`{0}` is no range: write it as RATE..RATE, such as 100..20k")]
    Range(String),
    /// One of their parts is no rate or no duration.
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl Stages {
    /// The stages, of which there is at least one.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// All of them in turn, the first one from `from`.
    pub fn profile(&self, from: Rate) -> Result<Profile, ProfileError> {
        Profile::stages(from, self.stages.iter().copied())
    }
}

impl Range {
    /// The way through it, equal differences in equal times.
    pub fn profile(self, over: Duration) -> Result<Profile, ProfileError> {
        Profile::linear(self.from, self.to, over)
    }
}

impl FromStr for Stages {
    type Err = StagesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let stage = |part: &str| {
            let (to, over) =
                part.split_once(':').ok_or_else(|| StagesError::Stage(part.trim().to_owned()))?;
            Ok(Stage { to: number::rate(to)?, over: number::duration(over)? })
        };
        let stages = text.split(',').map(stage).collect::<Result<_, Self::Err>>()?;
        Ok(Self { stages })
    }
}

impl FromStr for Range {
    type Err = StagesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) =
            text.split_once("..").ok_or_else(|| StagesError::Range(text.trim().to_owned()))?;
        Ok(Self { from: number::rate(from)?, to: number::rate(to)? })
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Stage { to, over }) in self.stages.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}:{over:?}", to.per_second())?;
        }
        Ok(())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from.per_second(), self.to.per_second())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check<T>(text: &str, expected: Result<&str, &str>)
    where
        T: FromStr<Err = StagesError> + Display + Debug + PartialEq,
    {
        let parsed = text.parse::<T>();
        let printed = parsed.as_ref().map(T::to_string).map_err(ToString::to_string);
        assert_eq!(printed.as_deref().map_err(String::as_str), expected, "{text}");
        if let Ok(printed) = printed {
            assert_eq!(printed.parse(), parsed, "{printed} is another");
        }
    }

    #[test]
    fn stages() {
        check::<Stages>("1k:30s,5k:30s", Ok("1000:30s,5000:30s"));
        check::<Stages>(" 0:1.5m , 2k/s : 0s ", Ok("0:90s,2000:0ns"));
        let stage = "is no stage: write it as RATE:DURATION, such as 1k:30s";
        check::<Stages>("", Err(&format!("`` {stage}")));
        check::<Stages>("1k:1s,", Err(&format!("`` {stage}")));
        check::<Stages>("1k", Err(&format!("`1k` {stage}")));
        let duration = "is not a duration such as 1.5s: its units are ns, us, ms, s, m and h";
        check::<Stages>("1k:30", Err(&format!("`30` {duration}")));
        let number = "is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M";
        check::<Stages>("30s:1k", Err(&format!("`30s` {number}")));
    }

    #[test]
    fn ranges() {
        check::<Range>("0..10k", Ok("0..10000"));
        check::<Range>("10k .. 0.5", Ok("10000..0.5"));
        let range = "is no range: write it as RATE..RATE, such as 100..20k";
        check::<Range>("", Err(&format!("`` {range}")));
        check::<Range>("100", Err(&format!("`100` {range}")));
        let number = "is not a number from 0 on, such as 1500, 0.5, 1.5k or 2M";
        check::<Range>("1..", Err(&format!("`` {number}")));
        check::<Range>("1..2..3", Err(&format!("`2..3` {number}")));
    }

    #[test]
    fn they_are_profiles() {
        let rate = |per_second| Rate::new(per_second).unwrap();
        let second = Duration::from_secs(1);
        let stages: Stages = "100:1s,300:0s,300:1s".parse().unwrap();
        let profile = stages.profile(Rate::ZERO).unwrap();
        assert_eq!((profile.length(), profile.count()), (2 * second, 350));
        let ramp = "100..300".parse::<Range>().unwrap().profile(second).unwrap();
        assert_eq!(ramp, Profile::linear(rate(100.0), rate(300.0), second).unwrap());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(
            stages in prop::collection::vec((0.0..1e8, any::<u64>()), 1..9)
        ) {
            let stages = Stages {
                stages: stages
                    .into_iter()
                    .map(|(to, nanos)| Stage {
                        to: Rate::new(to).unwrap(),
                        over: Duration::from_nanos(nanos),
                    })
                    .collect(),
            };
            prop_assert_eq!(stages.to_string().parse(), Ok(stages));
        }
    }
}
