//! Who may import whom, and which library is known where.

use std::collections::{BTreeMap, BTreeSet};

use super::allowed::{self, FILE};
use super::tree::{SOURCE, Tree};
use super::{circles, none};

/// A file below `runner` as people name it: without the `src` that it is in.
fn place(file: &str) -> String {
    match file.strip_prefix("src/") {
        Some(inside) => inside.to_owned(),
        None => file.replacen("/src/", "/", 1),
    }
}

/// The room of a file: a crate, or in `src` the folder at the top or the file that stands
/// there alone.
fn room(file: &str) -> String {
    let place = place(file);
    let top = place.split('/').next().unwrap_or(&place);
    top.strip_suffix(".rs").unwrap_or(top).to_owned()
}

/// A folder and its head are one thing: what is inside may name what the head defines.
fn is_headed_by(file: &str, head: &str) -> bool {
    let mut ends = ["/mod.rs", "/lib.rs", ".rs"].into_iter();
    let folder = ends.find_map(|end| head.strip_suffix(end));
    folder.is_some_and(|folder| file.starts_with(&format!("{folder}/")))
}

#[test]
fn each_room_imports_the_rooms_that_are_allowed_to_it() {
    let allowed = allowed::read().arrows;
    let mut wrong = Vec::new();
    let mut drawn = BTreeMap::<_, BTreeSet<_>>::new();
    for import in Tree::read().imports() {
        let (from, to) = (room(&import.from), room(&import.to));
        if from == to {
            continue;
        }
        // The first place of each arrow is enough.
        let is_new = drawn.entry(from.clone()).or_default().insert(to.clone());
        if is_new && !allowed.get(&from).is_some_and(|rooms| rooms.contains(&to)) {
            wrong.push(format!(
                "{SOURCE}/{}:{}: {from} imports {to} ({}): move what is needed to where both may \
                 know it, or allow the arrow in {FILE}",
                import.from, import.line, import.to
            ));
        }
    }
    for (from, rooms) in &allowed {
        for to in rooms {
            if !drawn.get(from).is_some_and(|drawn| drawn.contains(to)) {
                wrong.push(format!(
                    "{FILE}: {from} no longer imports {to}: delete it there"
                ));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_allowed_arrows_have_no_circle() {
    let allowed = allowed::read().arrows;
    let mut arrows = BTreeSet::new();
    for (from, rooms) in &allowed {
        arrows.extend(rooms.iter().map(|to| (from.clone(), to.clone())));
    }
    let wrong = circles::find(&arrows).into_iter().map(|circle| {
        let rooms: Vec<_> = circle.into_iter().collect();
        format!("{FILE}: {} import each other", rooms.join(", "))
    });
    none(&wrong.collect::<Vec<_>>());
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let owed = allowed::read().owed.circles;
    let mut imports = Tree::read().imports();
    imports.retain(|import| !is_headed_by(&import.from, &import.to));
    let arrows = imports
        .iter()
        .map(|import| (import.from.clone(), import.to.clone()));
    let mut wrong = Vec::new();
    let found = circles::find(&arrows.collect());
    for circle in &found {
        if owed.iter().any(|owed| circle.is_subset(owed)) {
            continue;
        }
        let files: Vec<_> = circle.iter().map(String::as_str).collect();
        wrong.push(format!(
            "{} import each other: move what several need into a file below them all",
            files.join(", ")
        ));
        let inside = |file: &String| circle.contains(file);
        let mut told = BTreeSet::new();
        for import in imports
            .iter()
            .filter(|one| inside(&one.from) && inside(&one.to))
        {
            if !told.insert((&import.from, &import.to)) {
                continue;
            }
            wrong.push(format!(
                "  {SOURCE}/{}:{}: {}",
                import.from, import.line, import.to
            ));
        }
    }
    for owed in &owed {
        if !found.iter().any(|circle| circle.is_subset(owed)) {
            let files: Vec<_> = owed.iter().map(String::as_str).collect();
            wrong.push(format!(
                "{FILE}: {} are no circle now: delete it there",
                files.join(", ")
            ));
        }
    }
    none(&wrong);
}

#[test]
fn each_library_is_named_behind_its_boundary_only() {
    let mut allowed = allowed::read();
    for (library, places) in allowed.owed.libraries {
        allowed.libraries.entry(library).or_default().extend(places);
    }
    let allowed = allowed.libraries;
    let mut wrong = Vec::new();
    let mut unused: BTreeSet<_> = allowed
        .iter()
        .flat_map(|(library, places)| places.iter().map(move |place| (library, place)))
        .collect();
    for (library, file, line) in Tree::read().libraries() {
        let Some(places) = allowed.get(&library) else {
            continue;
        };
        let named = place(&file);
        let is_in = |place: &&String| {
            named
                .strip_prefix(place.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        match places.iter().find(is_in) {
            Some(place) => {
                unused.remove(&(allowed.get_key_value(&library).unwrap().0, place));
            }
            None => wrong.push(format!(
                "{SOURCE}/{file}:{line}: names {library}, which only {} may know: let one of them \
                 do it, or allow it in {FILE}",
                places.iter().cloned().collect::<Vec<_>>().join(", ")
            )),
        }
    }
    for (library, place) in unused {
        wrong.push(format!(
            "{FILE}: {place} no longer names {library}: delete it there"
        ));
    }
    none(&wrong);
}
