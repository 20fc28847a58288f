//! Purging: what would go, and then that it goes.

use std::sync::Arc;

use http::StatusCode;
use poem::{Request, Response};
use serde::{Deserialize, Serialize};

use super::{
    cache::encoded,
    frame::{Confirm, Frame, Tab, form, html, query, see_other},
};
use crate::{
    cache::{
        key::CacheKey,
        purge::{How, Mode, Purge, Purged, What},
    },
    console::{Console, words},
    problem::Problem,
};

/// What is to be purged, as the forms say it.
#[derive(Clone, Debug, Deserialize)]
struct Asked {
    what: Kind,
    value: String,
    how: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Url,
    Prefix,
    Tag,
    Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    Hard,
    Soft,
}

impl Asked {
    fn purge(&self, console: &Console, mode: Mode) -> Purge {
        let path = || console.cache.path(self.value.trim()).to_owned();
        let what = match self.what {
            Kind::Url => What::Url(path()),
            Kind::Prefix => What::Prefix(path()),
            Kind::Tag => What::Tag(self.value.trim().to_owned()),
            Kind::Entry => What::Entry(self.value.clone()),
        };
        let how = match self.how {
            Way::Hard => How::Hard,
            Way::Soft => How::Soft,
        };
        Purge { what, how, mode }
    }

    /// What is meant, in words.
    fn meant(&self) -> String {
        match self.what {
            Kind::Url => format!("All that is stored for {}", self.value),
            Kind::Prefix => format!("All whose URL begins with {}", self.value),
            Kind::Tag => format!("All with the tag {}", self.value),
            Kind::Entry => {
                let key = CacheKey::of_id(&self.value);
                let uri = key.map(|key| key.as_str().to_owned()).unwrap_or_default();
                format!("All variants of {uri}")
            }
        }
    }

    /// The fields of the form that does it.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let what = match self.what {
            Kind::Url => "url",
            Kind::Prefix => "prefix",
            Kind::Tag => "tag",
            Kind::Entry => "entry",
        };
        let how = match self.how {
            Way::Hard => "hard",
            Way::Soft => "soft",
        };
        vec![("what", what.to_owned()), ("value", self.value.clone()), ("how", how.to_owned())]
    }
}

/// What would go.
pub(in crate::console) async fn review_purge(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Cache);
    match reviewed(&console, &request).await {
        Ok((asked, purged)) => html(StatusCode::OK, &confirm(frame, &asked, purged)),
        Err(problem) => frame.refused(&problem),
    }
}

async fn reviewed(console: &Console, request: &Request) -> Result<(Asked, Purged), Problem> {
    let asked: Asked = query(request)?;
    let purged = console.cache.carry_out(asked.purge(console, Mode::Dry)).await?;
    Ok((asked, purged))
}

fn confirm(frame: Frame, asked: &Asked, Purged { count, examples }: Purged) -> Confirm {
    let (title, button, tone) = match asked.how {
        Way::Hard => ("Purge?", "Purge", "danger"),
        Way::Soft => ("Make stale?", "Make stale", ""),
    };
    let responses = match count {
        0 => "nothing that is stored now".to_owned(),
        1 => "1 stored response".to_owned(),
        _ => format!("{} stored responses", words::count(count)),
    };
    let consequence = match asked.how {
        Way::Hard => "What goes is fetched anew when it is asked for.",
        Way::Soft => {
            "What is made stale answers while it is validated, or where the upstream fails; what \
             has been asked for before is fetched anew, one after the other."
        }
    };
    Confirm {
        frame,
        title: title.to_owned(),
        lines: vec![
            format!("{}: {responses}.", asked.meant()),
            consequence.to_owned(),
            "What is on its way is not stored when it comes.".to_owned(),
        ],
        more: (examples.len() as u64) < count,
        examples,
        action: "/cache/purge",
        fields: asked.fields(),
        button,
        tone,
        back: match asked.what {
            Kind::Entry => format!("/cache/entries/{}", encoded(&asked.value)),
            _ => "/cache".to_owned(),
        },
    }
}

/// Purges, and leads back to the list.
pub(in crate::console) async fn purge(console: Arc<Console>, request: Request) -> Response {
    let frame = Frame::of(&console, Tab::Cache);
    let asked: Asked = match form(request).await {
        Ok(asked) => asked,
        Err(problem) => return frame.refused(&problem),
    };
    match console.cache.carry_out(asked.purge(&console, Mode::Real)).await {
        Ok(purged) => see_other(&format!("/cache?purged={}", purged.count)),
        Err(problem) => frame.refused(&problem),
    }
}
