//! The pages.

mod cache;
mod explain;
mod frame;
mod overview;
mod purge;
mod show;
mod upstream;

pub(super) use self::{
    cache::{cache, entry},
    explain::explain,
    overview::overview,
    purge::{purge, review_purge},
    upstream::{hold, release, review_hold, review_release, upstream},
};
