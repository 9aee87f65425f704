//! The text of EPUB 2 and 3: its pages of XHTML in the order of the spine.

use std::collections::HashMap;

use crate::archive::Archive;
use crate::package::{self, resolve};
use crate::xml::{Piece, push, walk};
use crate::{Document, Error, Kind, html};

const CONTAINER: &str = "META-INF/container.xml";

pub(crate) fn read(mut archive: Archive<'_>) -> Result<Document, Error> {
    let format = archive.format();
    let root = root(&mut archive)?;
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let locked = locked(&mut archive)?;
    let mut text = String::new();
    for name in spine(&mut archive, &root)? {
        let name = resolve(folder, &name);
        if locked.contains(&name) {
            return Err(Error::Password(format));
        }
        let Some(page) = archive.whole(&name)? else {
            continue;
        };
        let (page, _) = html::read(&String::from_utf8_lossy(&page));
        push(&mut text, page.trim())?;
        push(&mut text, "\n")?;
    }
    text.truncate(text.trim_end().len());
    let title = package::title(&mut archive, &root)?;
    Ok(Document::plain(Kind::Epub, title, text))
}

/// The name of the part that lists the others.
fn root(archive: &mut Archive<'_>) -> Result<String, Error> {
    let format = archive.format();
    let mut root = None;
    if let Some(part) = archive.part(CONTAINER)? {
        walk(part, format, |piece| {
            if let Piece::Start("rootfile", tag) = piece
                && root.is_none()
            {
                root = tag.get("full-path");
            }
            Ok(())
        })?;
    }
    root.ok_or_else(|| Error::Broken {
        format,
        reason: format!("{CONTAINER} names no list of its parts"),
    })
}

/// The pages, by their names as seen from the root.
fn spine(archive: &mut Archive<'_>, root: &str) -> Result<Vec<String>, Error> {
    let format = archive.format();
    let Some(part) = archive.part(root)? else {
        return Err(Error::Broken {
            format,
            reason: format!("it has no {root}"),
        });
    };
    let mut items = HashMap::new();
    let mut order = Vec::new();
    walk(part, format, |piece| {
        match piece {
            Piece::Start("item", tag) => {
                if let (Some(id), Some(name)) = (tag.get("id"), tag.get("href")) {
                    items.insert(id, unescaped(&name));
                }
            }
            Piece::Start("itemref", tag) => order.extend(tag.get("idref")),
            _ => {}
        }
        Ok(())
    })?;
    // Once each: a spine that repeats a page was made to fill the memory.
    Ok(order.iter().filter_map(|id| items.remove(id)).collect())
}

/// The parts that are encrypted. Fonts often are, and are not text.
fn locked(archive: &mut Archive<'_>) -> Result<Vec<String>, Error> {
    let format = archive.format();
    let mut locked = Vec::new();
    if let Some(part) = archive.part("META-INF/encryption.xml")? {
        walk(part, format, |piece| {
            if let Piece::Start("CipherReference", tag) = piece {
                locked.extend(tag.get("URI"));
            }
            Ok(())
        })?;
    }
    Ok(locked)
}

/// A name in a URL, in which spaces are `%20` (RFC 3986, 2.1).
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = match (first, after.get(..2)) {
            (b'%', Some(code)) => std::str::from_utf8(code).ok(),
            _ => None,
        };
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
