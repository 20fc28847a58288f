//! Which program the arguments ask for.

use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use anyhow::bail;
use clap::{ArgGroup, Args, ValueEnum};
use loadgen::{
    condition::Slo,
    number,
    program::{
        Order, Program, Range, Search, SearchOptions, Stages, Step, Steps, StepsOptions, Sweep,
    },
    schedule::{Arrivals, Load, Profile, Rate, Spike},
};

/// How often a search tries a rate: with one trial chance decides, with two
/// there is no majority.
const TRIALS: NonZeroU32 = NonZeroU32::new(3).unwrap();

#[derive(Debug, Args)]
#[command(next_help_heading = "Load", group = ArgGroup::new("load").required(true).args(
    ["rate", "ramp", "stages", "spike", "steps", "search", "closed"]
))]
pub(super) struct ProgramArguments {
    /// Requests per second; may be a fraction
    #[arg(long, short, value_name = "R", value_parser = number::rate)]
    rate: Option<Rate>,

    /// From one rate to another over --duration, as 0..10k
    #[arg(long, value_name = "A..B")]
    ramp: Option<Range>,

    /// How a ramp gets there: by equal differences or by equal ratios
    #[arg(
        long,
        value_enum,
        default_value = "linear",
        value_name = "SHAPE",
        conflicts_with_all = ["rate", "stages", "spike", "steps", "search", "closed"]
    )]
    shape: Shape,

    /// Linear ways to rates, as 1k:30s,5k:30s; one of 0s is a jump
    #[arg(long, value_name = "RATE:TIME,…")]
    stages: Option<Stages>,

    /// The rate at which --stages begin
    #[arg(long, value_name = "R", default_value = "0", value_parser = number::rate,
        conflicts_with_all = ["rate", "ramp", "spike", "steps", "search", "closed"])]
    from: Rate,

    /// A rate with a sudden peak in the middle of --duration, as 500..5k
    #[arg(long, value_name = "BASE..PEAK")]
    spike: Option<Range>,

    /// How long --ramp takes [default: --duration], or --spike's peak lasts [default: a tenth of it]
    #[arg(long, value_name = "D", value_parser = number::duration,
        conflicts_with_all = ["rate", "stages", "steps", "search", "closed"])]
    over: Option<Duration>,

    /// Rates that are held in turn, as 500..20k:x1.25, 100..500:+100 or 100,200
    #[arg(long, value_name = "SWEEP")]
    steps: Option<Sweep>,

    /// Search the highest rate at which this is so, as 'p99<20ms,errors<0.1%'
    #[arg(long, value_name = "SLO", requires = "between")]
    search: Option<Slo>,

    /// Where to search, as 100..50k
    #[arg(long, value_name = "A..B",
        conflicts_with_all = ["rate", "ramp", "stages", "spike", "steps", "closed"])]
    between: Option<Range>,

    /// How narrow the result of a search is to be, relatively
    #[arg(long, value_name = "SHARE", default_value = "0.05",
        conflicts_with_all = ["rate", "ramp", "stages", "spike", "steps", "closed"])]
    precision: f64,

    /// This many users, each of whom asks again when it has its answer
    #[arg(long, value_name = "N")]
    closed: Option<NonZeroU32>,

    /// For how long, such as 30s or 5m
    #[arg(long, short, value_name = "D", default_value = "10s", value_parser = number::duration,
        conflicts_with_all = ["stages", "steps", "search"])]
    duration: Duration,

    /// For how long each step is judged
    #[arg(long, value_name = "D", default_value = "10s", value_parser = number::duration,
        conflicts_with_all = ["rate", "ramp", "stages", "spike", "closed"])]
    hold: Duration,

    /// For how long a rate, or users, load the target before they are judged
    #[arg(long, value_name = "D", default_value = "0s", value_parser = number::duration,
        conflicts_with_all = ["ramp", "stages", "spike"])]
    settle: Duration,

    /// How often all steps are run [default: 1], and a rate is tried in a search [default: 3]
    #[arg(long, value_name = "N",
        conflicts_with_all = ["rate", "ramp", "stages", "spike", "closed"])]
    repeat: Option<NonZeroU32>,

    /// Which of the steps comes first
    #[arg(long, value_enum, default_value = "up", value_name = "ORDER",
        conflicts_with_all = ["rate", "ramp", "stages", "spike", "search", "closed"])]
    order: StepOrder,

    /// How requests are spaced: evenly, or by chance as independent users come
    #[arg(
        long,
        value_enum,
        default_value = "constant",
        value_name = "HOW",
        conflicts_with = "closed"
    )]
    arrivals: Spacing,

    /// What chance is drawn from [default: the time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    Linear,
    Geometric,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StepOrder {
    Up,
    Down,
    Updown,
    Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Spacing {
    Constant,
    Poisson,
}

impl ProgramArguments {
    /// What chance is drawn from.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| {
            #[expect(clippy::disallowed_methods, reason = "any number would do")]
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            now.as_secs() ^ u64::from(now.subsec_nanos())
        })
    }

    /// Whether a seed makes a difference.
    pub(super) fn is_random(&self) -> bool {
        self.arrivals == Spacing::Poisson
            || (self.steps.is_some() && self.order == StepOrder::Random)
    }

    /// How many users a closed model has.
    pub(super) fn users(&self) -> Option<usize> {
        self.closed.and_then(|users| usize::try_from(users.get()).ok())
    }

    /// What a search looks for.
    pub(super) fn goal(&self) -> Option<Slo> {
        self.search.clone()
    }

    /// The steps that are to be run, with chance from `seed`.
    pub(super) fn program(&self, seed: u64) -> anyhow::Result<Program> {
        let Self { hold, settle, .. } = *self;
        let arrivals = match self.arrivals {
            Spacing::Constant => Arrivals::Constant,
            Spacing::Poisson => Arrivals::Poisson { seed },
        };
        if let Some(sweep) = &self.steps {
            let order = match self.order {
                StepOrder::Up => Order::Up,
                StepOrder::Down => Order::Down,
                StepOrder::Updown => Order::UpDown,
                StepOrder::Random => Order::Random { seed },
            };
            let (sweep, repeat) = (sweep.clone(), self.repeat.unwrap_or(NonZeroU32::MIN));
            let options = StepsOptions { sweep, hold, settle, repeat, order, arrivals };
            return Ok(Program::Steps(Steps::new(options)?));
        }
        if let Some(Range { from, to }) = self.between.filter(|_| self.search.is_some()) {
            return Ok(Program::Search(Search::new(SearchOptions {
                lowest: from,
                highest: to,
                precision: self.precision,
                trials: self.repeat.unwrap_or(TRIALS),
                hold,
                settle,
                arrivals,
            })?));
        }
        let (rate, load) = match self.closed {
            Some(users) => (None, Load::Closed { users, duration: self.length() }),
            None => (self.rate, Load::Open { profile: self.profile()?, arrivals }),
        };
        if load.length() <= settle {
            bail!(
                "--settle {settle:?} leaves nothing to be judged: shorten it, or load for longer"
            );
        }
        Ok(Program::once(Step { rate, trial: 0, load, settle }))
    }

    fn length(&self) -> Duration {
        self.duration.saturating_add(self.settle)
    }

    fn profile(&self) -> anyhow::Result<Profile> {
        let duration = self.duration;
        if let Some(stages) = &self.stages {
            return Ok(stages.profile(self.from)?);
        }
        if let Some(Range { from: base, to: peak }) = self.spike {
            let lasting = self.over.unwrap_or(duration / 10).min(duration);
            let around = duration.saturating_sub(lasting) / 2;
            let spike = Spike { base, peak, before: around, lasting, after: around };
            return Ok(Profile::spike(spike)?);
        }
        if let Some(Range { from, to }) = self.ramp {
            let over = self.over.unwrap_or(duration);
            return Ok(match self.shape {
                Shape::Linear => Profile::linear(from, to, over)?,
                Shape::Geometric => Profile::geometric(from, to, over)?,
            });
        }
        Ok(Profile::constant(self.rate.unwrap_or(Rate::ZERO), self.length())?)
    }
}
