//! What the packages of Office Open XML (ECMA-376, part 2) share: the title and
//! which part refers to which.

use std::collections::HashMap;

use crate::Error;
use crate::archive::Archive;
use crate::xml::{Piece, push, walk};

/// The title in the properties of the document.
pub(crate) fn title(archive: &mut Archive<'_>, part: &str) -> Result<Option<String>, Error> {
    let format = archive.format();
    let Some(properties) = archive.part(part)? else {
        return Ok(None);
    };
    let (mut title, mut within) = (String::new(), false);
    walk(properties, format, |piece| {
        match piece {
            Piece::Start(name, _) => within = name == "title" && title.is_empty(),
            Piece::End(_) => within = false,
            Piece::Text(part) if within => push(&mut title, part)?,
            Piece::Text(_) => {}
        }
        Ok(())
    })?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!title.is_empty()).then_some(title))
}

/// A reference from a part to another one.
pub(crate) struct Relation {
    /// The last word of its type: `slide`, `worksheet`.
    pub(crate) kind: String,
    /// The name of the other part.
    pub(crate) target: String,
}

/// What a part refers to, by id.
pub(crate) fn relations(
    archive: &mut Archive<'_>,
    part: &str,
) -> Result<HashMap<String, Relation>, Error> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let format = archive.format();
    let mut relations = HashMap::new();
    let Some(list) = archive.part(&format!("{folder}/_rels/{name}.rels"))? else {
        return Ok(relations);
    };
    walk(list, format, |piece| {
        if let Piece::Start("Relationship", tag) = piece
            && let (Some(id), Some(kind), Some(target)) =
                (tag.get("Id"), tag.get("Type"), tag.get("Target"))
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            let target = resolve(folder, &target);
            relations.insert(id, Relation { kind, target });
        }
        Ok(())
    })?;
    Ok(relations)
}

/// The name of a part as seen from a folder.
pub(crate) fn resolve(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|step| !step.is_empty()).collect(),
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            step => path.push(step),
        }
    }
    path.join("/")
}
