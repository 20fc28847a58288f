//! The file of a snapshot: replaced as a whole or not at all.
//!
//! It is written beside itself, as `FILE.tmp`, synced and renamed. The temporary
//! name is always the same, so that runs that were killed leave one file at
//! most; a lock keeps two relays from writing it together.

#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, BufReader, BufWriter, Read, Seek},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::format::{self, MAGIC, Tally, Unusable, Writer};
use crate::cache::{key::CacheKey, record::Record, stored::Prepared};

/// Bodies may be for the operator's eyes only.
const MODE: u32 = 0o600;
/// Records are read and written in pieces of this size.
const BUFFER: usize = 1 << 16;

/// Where a snapshot is.
#[derive(Clone, Debug)]
pub struct SnapshotFile {
    path: PathBuf,
    temporary: PathBuf,
}

/// Why a snapshot was not written; what was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The file is none of ours.
    #[error("the file is not a snapshot: remove it, or name another one with --snapshot")]
    Foreign,
    /// Another relay has the same file.
    #[error("another process is writing it: give each relay a file of its own")]
    Busy,
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl SnapshotFile {
    /// The file at this path, be it there or not.
    pub fn at(path: &Path) -> SnapshotFile {
        let mut temporary: OsString = path.into();
        temporary.push(".tmp");
        SnapshotFile { path: path.to_owned(), temporary: temporary.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds out at the start what would come up at the end: whether a snapshot
    /// can be read and written here. The error says what to do.
    pub fn check(&self) -> Result<(), String> {
        let refused = |why: &str| format!("--snapshot {}: {why}", self.path.display());
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() => {
                return Err(refused("this is a directory: name a file in it"));
            }
            Ok(found) if !found.is_file() => {
                return Err(refused(
                    "this is not a regular file: name one, which may be a new one",
                ));
            }
            Ok(_) => {
                let read = File::open(&self.path);
                read.map_err(|error| {
                    refused(&format!(
                        "cannot read it ({error}): let the relay read it, or name another file"
                    ))
                })?;
            }
            // Where there is more amiss than that, writing tells.
            Err(_) => {}
        }
        match Temporary::open(&self.temporary) {
            // Removed as it goes.
            Ok(_) | Err(NotWritten::Busy) => Ok(()),
            Err(error) => Err(refused(&format!(
                "cannot write {} ({error}): name a file in a directory that exists and that the relay may write to",
                self.temporary.display()
            ))),
        }
    }

    /// Reads the snapshot twice: all of it is verified before the first record
    /// is given to `each`. `None` where there is none, or an empty file.
    pub fn read(
        &self,
        source: &str,
        largest: usize,
        each: impl FnMut(Record),
    ) -> Result<Option<Tally>, Unusable> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.metadata()?.len() == 0 {
            return Ok(None);
        }
        format::read(BufReader::with_capacity(BUFFER, &file), source, largest, drop)?;
        file.rewind()?;
        format::read(BufReader::with_capacity(BUFFER, &file), source, largest, each).map(Some)
    }

    /// Writes a snapshot of at most so many bytes in the place of what is there,
    /// unless that is none of ours.
    pub fn write(
        &self,
        source: &str,
        most: u64,
        responses: impl Iterator<Item = (CacheKey, Arc<Prepared>)>,
    ) -> Result<Tally, NotWritten> {
        if self.is_foreign()? {
            return Err(NotWritten::Foreign);
        }
        let temporary = Temporary::open(&self.temporary)?;
        temporary.file.set_permissions(Permissions::from_mode(MODE))?;
        // What a killed run left.
        temporary.file.set_len(0)?;
        let out = BufWriter::with_capacity(BUFFER, &temporary.file);
        let mut writer = Writer::begin(out, source, most)?;
        for (key, prepared) in responses {
            writer.put(&key, &prepared.response)?;
        }
        let (_, tally) = writer.finish()?;
        temporary.file.sync_all()?;
        temporary.rename(&self.path)?;
        Ok(tally)
    }

    /// Whether the file begins otherwise than a snapshot, whole or cut off.
    fn is_foreign(&self) -> io::Result<bool> {
        let mut head = Vec::new();
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?.take(MAGIC.len() as u64).read_to_end(&mut head)?,
        };
        Ok(!MAGIC.starts_with(&head))
    }
}

/// A file on its way, locked; removed where it does not get there.
struct Temporary<'a> {
    file: File,
    path: &'a Path,
    place: Place,
}

/// Where a temporary file is.
#[derive(PartialEq, Eq)]
enum Place {
    Temporary,
    Renamed,
}

impl Temporary<'_> {
    fn open(path: &Path) -> Result<Temporary<'_>, NotWritten> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(MODE);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NotWritten::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Between opening and locking, another relay may have renamed it: then it is the
        // snapshot. A link leads to a file that is none of ours.
        let is_here = fs::symlink_metadata(path).and_then(|here| {
            let locked = file.metadata()?;
            Ok(here.is_file() && (here.dev(), here.ino()) == (locked.dev(), locked.ino()))
        });
        match is_here {
            Ok(true) => Ok(Temporary { file, path, place: Place::Temporary }),
            Ok(false) => Err(io::Error::other("it leads to another file").into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(NotWritten::Busy),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts it in its place, for good.
    fn rename(mut self, path: &Path) -> io::Result<()> {
        fs::rename(self.path, path)?;
        self.place = Place::Renamed;
        // Without, a crash of the machine may bring the file back that was there before,
        // which is no worse than a file system that cannot sync a directory.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.place == Place::Temporary {
            let _ = fs::remove_file(self.path);
        }
    }
}
