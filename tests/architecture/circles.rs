//! Circles among arrows.

use std::collections::{BTreeMap, BTreeSet};

type Nodes = BTreeSet<String>;

/// The largest sets in which each leads to each other, of two and more.
pub(crate) fn find(arrows: &BTreeSet<(String, String)>) -> Vec<Nodes> {
    let mut ahead = BTreeMap::<&str, Vec<&str>>::new();
    for (from, to) in arrows {
        ahead.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = ahead
        .keys()
        .map(|from| (*from, reach(&ahead, from)))
        .collect();
    let mut circles = BTreeSet::new();
    for (from, all) in &reached {
        let back = |to: &&&str| reached.get(**to).is_some_and(|there| there.contains(from));
        let circle: Nodes = all.iter().filter(back).map(|to| (*to).to_owned()).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// Everything that can be reached, itself only if a way leads back.
fn reach<'a>(ahead: &BTreeMap<&'a str, Vec<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = ahead.get(from).cloned().unwrap_or_default();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(ahead.get(next).into_iter().flatten());
        }
    }
    reached
}

#[test]
fn a_circle_is_found_and_a_diamond_is_none() {
    let arrows = |all: &[(&str, &str)]| {
        let all = all
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        all.collect::<BTreeSet<_>>()
    };
    let diamond = arrows(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]);
    assert!(find(&diamond).is_empty());
    let circle = arrows(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")]);
    assert_eq!(find(&circle), [Nodes::from(["b".into(), "c".into()])]);
}
