//! The text of e-mail (RFC 5322 and MIME): the headers that people read, the
//! text, and the names of what is attached. Mail in mail is read, too.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use crate::xml::{end_line, push};
use crate::{Document, Error, Kind, html};

/// Mail in mail in mail.
const DEPTH: usize = 4;

/// A message of more parts was made to take time: each may be looked for.
const PARTS: usize = 10_000;

/// Every message has two of these headers.
const HEADERS: [&[u8]; 8] = [
    b"from:",
    b"to:",
    b"subject:",
    b"date:",
    b"message-id:",
    b"received:",
    b"mime-version:",
    b"return-path:",
];

/// Whether a text begins as messages do: with headers, some of them known.
pub(crate) fn is_email(content: &[u8]) -> bool {
    let mut known = 0;
    for line in content.split(|&byte| byte == b'\n').take(100) {
        let line = line.trim_ascii_end();
        match line.iter().position(|&byte| byte == b':') {
            _ if line.is_empty() => break,
            _ if line[0] == b' ' || line[0] == b'\t' => {}
            Some(at) if line[..at].iter().all(u8::is_ascii_graphic) => {
                let name = line[..=at].to_ascii_lowercase();
                known += usize::from(HEADERS.contains(&name.as_slice()));
            }
            _ => return false,
        }
    }
    known >= 2
}

pub(crate) fn read(content: &[u8]) -> Result<Document, Error> {
    let broken = |reason: &str| Error::Broken {
        format: "e-mail",
        reason: reason.to_owned(),
    };
    let message = MessageParser::default().parse(content);
    let message = message.ok_or_else(|| broken("it has no headers"))?;
    if message.parts.len() > PARTS {
        return Err(broken(&format!("it has more than {PARTS} parts")));
    }
    let mut text = String::new();
    write(&message, DEPTH, &mut text)?;
    text.truncate(text.trim_end().len());
    let title = message.subject().map(|subject| subject.trim().to_owned());
    let title = title.filter(|title| !title.is_empty());
    Ok(Document::plain(Kind::Email, title, text))
}

fn write(message: &Message<'_>, depth: usize, text: &mut String) -> Result<(), Error> {
    for (name, address) in [
        ("From", message.from()),
        ("To", message.to()),
        ("Cc", message.cc()),
        ("Reply-To", message.reply_to()),
    ] {
        if let Some(address) = address {
            line(text, name, &people(address))?;
        }
    }
    if let Some(date) = message.date() {
        line(text, "Date", &date.to_rfc3339())?;
    }
    if let Some(subject) = message.subject() {
        line(text, "Subject", subject)?;
    }
    push(text, "\n")?;
    for &part in &message.text_body {
        match message.parts.get(part as usize).map(|part| &part.body) {
            Some(PartType::Text(body)) => push(text, &body.replace("\r\n", "\n"))?,
            Some(PartType::Html(body)) => push(text, &html::read(body).0)?,
            _ => {}
        }
        end_line(text);
    }
    for attachment in message.attachments() {
        let name = attachment.attachment_name().unwrap_or("without a name");
        line(text, "Attachment", name)?;
        if let PartType::Message(inner) = &attachment.body
            && depth > 1
        {
            write(inner, depth - 1, text)?;
        }
    }
    Ok(())
}

/// A header; what stands in its lines stays in one.
fn line(text: &mut String, name: &str, value: &str) -> Result<(), Error> {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    push(text, &format!("{name}: {value}\n"))
}

fn people(address: &Address<'_>) -> String {
    let mut people = Vec::new();
    for person in address.iter() {
        let mail = person.address.as_deref().unwrap_or_default();
        people.push(match person.name.as_deref() {
            Some(name) if !mail.is_empty() => format!("{name} <{mail}>"),
            Some(name) => name.to_owned(),
            None => mail.to_owned(),
        });
    }
    people.join(", ")
}
