//! The command `lunch`.

mod args;
mod client;
mod freshness;
mod pick;
mod spinner;
mod terminal;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::{
    entry::{self, Entry, Serving},
    json, listing,
    name::{Meant, meant},
    place::Place,
    search::{self, Query, search},
};
use args::Args;
use client::{Client, Failure};
use spinner::Spinner;

/// Runs the command with the arguments and in the environment of this process.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let output = match args.on_its_own() {
        Some(output) => Ok(output),
        None => run(&args),
    };
    match output {
        Ok(output) => match written(&output) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("lunch: {error}");
                ExitCode::FAILURE
            }
        },
        Err(end) => {
            eprintln!("lunch: {}", end.message);
            ExitCode::from(end.code)
        }
    }
}

/// Why there is nothing to print.
#[derive(Debug)]
struct End {
    code: u8,
    message: String,
}

impl End {
    /// What was asked for is not there.
    fn not_found(message: String) -> End {
        End { code: 1, message }
    }

    /// The command cannot be meant so.
    fn usage(message: &str) -> End {
        End { code: 2, message: message.to_owned() }
    }

    /// The relay or the API cannot be had.
    fn unreachable(message: String) -> End {
        End { code: 3, message }
    }
}

fn run(args: &Args) -> Result<String, End> {
    let now = now();
    let client = Client::new(args.source()).map_err(|message| End::usage(&message))?;
    let query = args
        .find
        .as_deref()
        .map(|text| Query::new(text).ok_or_else(|| End::usage("--find needs a word to look for")));
    let query = query.transpose()?;
    if args.interactive && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(End::usage("--interactive needs a terminal; name the restaurant instead"));
    }

    let spinner = Spinner::start("Looking for lunch");
    let places = client.places().or_else(|failure| {
        // A menu may be stored where the list is not.
        let alone = args.restaurant().and_then(|name| client.alone(&name));
        alone.map(|place| vec![place]).ok_or_else(|| unreachable(&client, &failure))
    })?;
    drop(spinner);
    if places.is_empty() {
        return Err(End::not_found("no restaurants are listed today".to_owned()));
    }
    let name = if args.interactive {
        Some(pick::restaurant(&in_region(&places, args.region.as_deref())?)?)
    } else {
        args.restaurant()
    };
    let one = name.as_deref().map(|name| named(&places, name)).transpose()?;
    let wanted = match one {
        Some(place) => vec![place.clone()],
        None => in_region(&places, args.region.as_deref())?,
    };
    let spinner = Spinner::start("Reading menus");
    let entries = client.entries(wanted, now);
    drop(spinner);
    if let Some(reason) = all_missing(&entries) {
        return Err(unreachable(&client, &reason));
    }

    match (query, entries.as_slice()) {
        (Some(query), _) => dishes(args, &entries, &query, now),
        (None, _) if args.json => Ok(json::restaurants(&entries)),
        (None, [entry]) if name.is_some() => {
            Ok(listing::restaurant(entry, &terminal::page(args.color, now)))
        }
        (None, entries) => Ok(listing::day(entries, &terminal::page(args.color, now))),
    }
}

fn dishes(args: &Args, entries: &[Entry], query: &Query, now: DateTime) -> Result<String, End> {
    let text = args.find.as_deref().unwrap_or_default();
    let found = search(entries, query);
    if found.is_empty() {
        let near = search::suggestions(entries, query);
        let mut message = format!("no dish today matches '{}'", crate::clean(text));
        if !near.is_empty() {
            message = format!("{message}: did you mean {}?", near.join(" or "));
        }
        let missing = entries.iter().filter(|entry| entry.today().is_none()).count();
        if 0 < missing {
            message = format!("{message}\n{missing} of {} menus could not be had", entries.len());
        }
        return Err(End::not_found(message));
    }
    if args.json {
        return Ok(json::found(text, &found));
    }
    Ok(listing::found(text, &found, &terminal::page(args.color, now)))
}

/// The restaurant that is meant, or what to say instead.
fn named<'a>(places: &'a [Place], name: &str) -> Result<&'a Place, End> {
    let asked = crate::clean(name);
    let listed = |places: &[&Place]| -> String {
        let each = places.iter().map(|place| {
            let region = place.region.as_deref().map(|region| format!(", {region}"));
            format!("\n  {}  ({}{})", place.id, place.name, region.unwrap_or_default())
        });
        each.collect()
    };
    match meant(places, name) {
        Meant::One(place) => Ok(place),
        Meant::Several(several) => {
            Err(End::not_found(format!("'{asked}' may be any of these:{}", listed(&several))))
        }
        Meant::None(near) => Err(End::not_found(match near.as_slice() {
            [] => format!("no restaurant '{asked}'; `lunch` lists them all"),
            [one] => {
                format!("no restaurant '{asked}': did you mean {} ({})?", one.id, one.name)
            }
            near => format!("no restaurant '{asked}': did you mean one of these?{}", listed(near)),
        })),
    }
}

fn in_region(places: &[Place], region: Option<&str>) -> Result<Vec<Place>, End> {
    let Some(region) = region.filter(|region| !region.is_empty()) else {
        return Ok(places.to_vec());
    };
    let of: Vec<_> =
        places.iter().filter(|place| entry::is_region(place, region)).cloned().collect();
    if of.is_empty() {
        let there = entry::regions(places).join(", ");
        let region = crate::clean(region);
        return Err(End::not_found(format!("no region '{region}'; there are {there}")));
    }
    Ok(of)
}

/// Why no menu could be had, if none could.
fn all_missing(entries: &[Entry]) -> Option<Failure> {
    let reasons = entries.iter().map(|entry| match &entry.serving {
        Serving::Missing(reason) => Some(reason),
        Serving::Known(..) => None,
    });
    let reasons: Option<Vec<_>> = reasons.collect();
    reasons?.first().map(|reason| Failure::Refused((*reason).clone()))
}

fn unreachable(client: &Client, failure: &Failure) -> End {
    End::unreachable(client.explain(failure))
}

/// The time where the restaurants are, which says what today is.
fn now() -> DateTime {
    let zone = TimeZone::get("Europe/Stockholm").unwrap_or(TimeZone::UTC);
    zone.to_datetime(Timestamp::now())
}

/// Prints; whoever reads may stop before the end.
fn written(output: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(output.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The command line, as the completions, the man page and tests need it.
fn command() -> clap::Command {
    Args::command()
}
