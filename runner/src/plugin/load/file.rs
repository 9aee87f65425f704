//! A plugin's bytes, whatever stands at its path.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::plugin::refusal::Refusal;

/// The bytes of a regular file that has at most `max` of them.
///
/// # Errors
/// When it is not a regular file, is larger, or cannot be read.
pub(super) fn read(path: &Path, max: u64) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let regular = |metadata: Metadata| match special(metadata.file_type()) {
        Some(what) => Err(Refusal::Special(what)),
        None if metadata.len() > max => Err(Refusal::TooLarge { max }),
        None => Ok(metadata.len()),
    };
    // Looked at before it is opened: to open a device may do something. And
    // opened without waiting: it may be another file by then.
    regular(std::fs::metadata(path).map_err(unreadable)?)?;
    let file = open_without_waiting(path).map_err(unreadable)?;
    let size = regular(file.metadata().map_err(unreadable)?)?;
    let mut bytes = Vec::with_capacity(size as usize);
    // It may grow while it is read.
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    match bytes.len() as u64 > max {
        true => Err(Refusal::TooLarge { max }),
        false => Ok(bytes),
    }
}

fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)
}

/// What a file is that is no regular one.
fn special(file: FileType) -> Option<&'static str> {
    Some(match file {
        file if file.is_file() => return None,
        file if file.is_dir() => "a directory",
        file if file.is_fifo() => "a FIFO",
        file if file.is_socket() => "a socket",
        _ => "a device",
    })
}
