//! Documents to test with, made on the spot.
//!
//! The card, the account and the people are the ones that everyone tests with;
//! they belong to nobody.

use encoding_rs::WINDOWS_1252;
use lopdf::{Document, Object, Stream, dictionary};

/// The pages of [`customer_file`].
pub const CUSTOMER_FILE: [&[&str]; 3] = [
    &[
        "Customer file 2041",
        "",
        "Name: Ada Example",
        "Date of birth: 12 March 1980",
        "E-mail: ada.example@mail.example",
        "Phone: +49 170 1234567",
        "Customer since 2019, branch office Köln.",
    ],
    &[
        "Payment",
        "",
        "Card: 4111 1111 1111 1111, valid until 12/27",
        "IBAN: DE89 3704 0044 0532 0130 00",
        "The customer pays by card and is refunded to the account.",
    ],
    &[
        "Notes of the quarter",
        "",
        "Revenue of $12.4 million and net income of $1.9 million are unaudited",
        "financial results. The auditor reported a material weakness in the",
        "approval of journal entries.",
    ],
];

/// A customer's file of three pages, with personal, payment and financial data.
pub fn customer_file() -> Vec<u8> {
    pdf("Customer file 2041", &CUSTOMER_FILE)
}

/// A PDF with a page per list of lines.
///
/// # Panics
/// When a line has characters that are not in Windows-1252.
pub fn pdf(title: &str, pages: &[&[&str]]) -> Vec<u8> {
    let pages: Vec<Vec<u8>> = pages
        .iter()
        .map(|lines| {
            let mut content = b"BT /F1 12 Tf 16 TL 72 770 Td".to_vec();
            for line in *lines {
                content.extend(b" (");
                content.extend(escaped(line));
                content.extend(b") Tj T*");
            }
            content.extend(b" ET");
            content
        })
        .collect();
    bytes(drawn(title, pages))
}

/// A PDF with a page per content stream, in which `/F1` is Helvetica. Change
/// what is needed and write it with [`bytes`].
pub fn drawn(title: &str, contents: Vec<Vec<u8>>) -> Document {
    let mut pdf = Document::with_version("1.7");
    let pages = pdf.new_object_id();
    let font = pdf.add_object(dictionary! {
        "Type" => "Font",
        "Subtype" => "Type1",
        "BaseFont" => "Helvetica",
        "Encoding" => "WinAnsiEncoding",
    });
    let resources = pdf.add_object(dictionary! { "Font" => dictionary! { "F1" => font } });
    let kids: Vec<Object> = contents
        .into_iter()
        .map(|content| {
            let content = pdf.add_object(Stream::new(dictionary! {}, content));
            pdf.add_object(dictionary! {
                "Type" => "Page",
                "Parent" => pages,
                "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
                "Resources" => resources,
                "Contents" => content,
            })
            .into()
        })
        .collect();
    pdf.objects.insert(
        pages,
        Object::Dictionary(dictionary! {
            "Type" => "Pages",
            "Count" => kids.len() as i64,
            "Kids" => kids,
        }),
    );
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
    let info = pdf.add_object(dictionary! { "Title" => Object::string_literal(title) });
    pdf.trailer.set("Root", catalog);
    pdf.trailer.set("Info", info);
    pdf
}

/// The file.
///
/// # Panics
/// Never: it is written to memory.
pub fn bytes(mut pdf: Document) -> Vec<u8> {
    let mut file = Vec::new();
    pdf.compress();
    pdf.save_to(&mut file)
        .expect("a file is written to memory without faults");
    file
}

/// A line as a literal string in Windows-1252 (ISO 32000-1, 7.3.4.2).
fn escaped(line: &str) -> Vec<u8> {
    let (encoded, _, unmappable) = WINDOWS_1252.encode(line);
    assert!(!unmappable, "{line:?} has characters that Helvetica lacks");
    let mut escaped = Vec::with_capacity(encoded.len());
    for &byte in encoded.iter() {
        if matches!(byte, b'(' | b')' | b'\\') {
            escaped.push(b'\\');
        }
        escaped.push(byte);
    }
    escaped
}
