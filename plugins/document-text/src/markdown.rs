//! The text of Markdown, a line per line or block; the first top heading is the
//! title. Pieces of HTML are left out, code is in.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The text and the title.
pub(crate) fn read(source: &str) -> (String, Option<String>) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut text = String::with_capacity(source.len());
    let mut title = None;
    let mut heading = None;
    for event in Parser::new_ext(source, options) {
        match event {
            Event::Text(part)
            | Event::Code(part)
            | Event::InlineMath(part)
            | Event::DisplayMath(part) => text.push_str(&part),
            Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            }) if title.is_none() => heading = Some(text.len()),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                if let Some(start) = heading.take() {
                    title = Some(text[start..].trim().to_owned());
                }
                end_line(&mut text);
            }
            Event::End(TagEnd::TableCell) => text.push('\t'),
            Event::SoftBreak | Event::HardBreak | Event::Rule => end_line(&mut text),
            Event::End(end) if !is_inline(end) => end_line(&mut text),
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    (text, title.filter(|title| !title.is_empty()))
}

fn is_inline(end: TagEnd) -> bool {
    matches!(
        end,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}

fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', '\t']).len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}
