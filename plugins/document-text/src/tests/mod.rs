use lopdf::{EncryptionState, EncryptionVersion, Permissions, Stream, dictionary};

use crate::samples::{bytes, customer_file, drawn, pdf};
use crate::{Document, Error, Kind};

mod encodings;
mod mail;
mod office;
mod pdf_text;

fn read(content: impl Into<Vec<u8>>, declared: &str) -> Result<Document, Error> {
    let content = content.into();
    Kind::of(&content, declared)?.read(content, declared, |_, _| {})
}

fn text(content: impl Into<Vec<u8>>, declared: &str) -> String {
    read(content, declared).expect("it can be read").text
}

/// The text of one page that is drawn so.
fn page(content: &str) -> String {
    let file = bytes(drawn("", vec![content.as_bytes().to_vec()]));
    text(file, "application/pdf")
}

#[test]
fn a_pdf_is_read_page_by_page() {
    let file = customer_file();
    let mut seen = Vec::new();
    let document = Kind::Pdf
        .read(file, "application/pdf", |page, count| {
            seen.push((page, count));
        })
        .expect("it can be read");
    assert_eq!(seen, [(1, 3), (2, 3), (3, 3)]);
    assert_eq!(document.title.as_deref(), Some("Customer file 2041"));
    assert_eq!(document.encoding, None);
    let pages: Vec<&str> = document
        .pages
        .iter()
        .zip(document.pages.iter().skip(1).chain([&document.text.len()]))
        .map(|(&start, &end)| document.text[start..end].trim_end())
        .collect();
    assert_eq!(pages.len(), 3);
    assert_eq!(
        pages[1],
        "Payment\nCard: 4111 1111 1111 1111, valid until 12/27\nIBAN: DE89 3704 0044 0532 0130 00\n\
         The customer pays by card and is refunded to the account."
    );
    assert!(pages[0].ends_with("branch office Köln."), "{}", pages[0]);
    assert!(pages[2].ends_with("journal entries."), "{}", pages[2]);
}

#[test]
fn spaces_of_a_pdf_are_read_off_its_distances() {
    for (drawing, read) in [
        // Kerning within a word, a space without a glyph.
        ("[(K) 60 (erning) -280 (space)] TJ", "Kerning space"),
        // Two operators, one word.
        ("(half) Tj (way) Tj", "halfway"),
        ("(left) Tj 200 0 Td (right) Tj", "left\tright"),
        ("(first) Tj 0 -14 Td (second) Tj", "first\nsecond"),
        ("(E = mc) Tj 4 Ts (2) Tj 0 Ts", "E = mc2"),
        // A step back on the same line.
        (
            "200 0 Td (later) Tj -200 0 Td (earlier) Tj",
            "later\nearlier",
        ),
        // Bold by drawing twice.
        ("(bold) Tj 0.3 0 Td (bold) Tj", "bold"),
        // Filled and stroked, invisible, spaced out.
        ("2 Tr (outlined) Tj", "outlined"),
        ("3 Tr (recognised) Tj", "recognised"),
        ("0.5 Tc (airy) Tj", "airy"),
    ] {
        assert_eq!(page(&format!("BT /F1 12 Tf 72 700 Td {drawing} ET")), read);
    }
    let scaled =
        page("q 0.1 0 0 0.1 0 0 cm BT /F1 120 Tf 720 7000 Td (two) Tj 0 -140 Td (lines) Tj ET Q");
    assert_eq!(scaled, "two\nlines");
    let rotated = page("BT /F1 12 Tf 0 1 -1 0 100 100 Tm (going up) Tj 0 -14 Td (again) Tj ET");
    assert_eq!(rotated, "going up\nagain");
}

#[test]
fn a_map_to_unicode_comes_before_the_encoding() {
    let mut file = drawn("", vec![b"BT /F1 12 Tf (AB) Tj ET".to_vec()]);
    let map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
        /CMapName /Own def /CMapType 2 def\n\
        1 begincodespacerange <00> <ff> endcodespacerange\n\
        2 beginbfchar <41> <0416> <42> <D83DDE00> endbfchar\n\
        endcmap end end";
    let map = file.add_object(Stream::new(dictionary! {}, map.into()));
    for object in file.objects.values_mut() {
        if let Ok(font) = object.as_dict_mut()
            && font.has_type(b"Font")
        {
            font.set("ToUnicode", map);
        }
    }
    assert_eq!(text(bytes(file), "application/pdf"), "Ж😀");
}

#[test]
fn a_page_without_text_is_a_page() {
    let file = pdf("Scan", &[&[], &["second"], &[]]);
    let document = read(file, "application/pdf").expect("it can be read");
    assert_eq!(document.text, "second");
    assert_eq!(document.pages, [0, 0, 6]);
    assert_eq!(document.words(), 1);
}

#[test]
fn a_protected_pdf_is_refused_and_one_without_password_is_read() {
    let protect = |user_password| {
        let mut file = drawn("", vec![b"BT /F1 12 Tf (secret) Tj ET".to_vec()]);
        let id = lopdf::Object::string_literal("0123456789abcdef");
        file.trailer.set("ID", vec![id.clone(), id]);
        let version = EncryptionVersion::V2 {
            document: &file,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).expect("RC4 with 128 bits is known");
        file.encrypt(&state).expect("it is not encrypted yet");
        let mut content = Vec::new();
        file.save_to(&mut content).expect("it is written to memory");
        content
    };
    let failure = read(protect("user"), "application/pdf");
    assert_eq!(failure, Err(Error::Password("PDF")));
    assert_eq!(
        Error::Password("PDF").to_string(),
        "the PDF is protected by a password"
    );
    assert_eq!(text(protect(""), "application/pdf"), "secret");
}

#[test]
fn a_damaged_pdf_is_refused_whatever_is_left_of_it() {
    let file = customer_file();
    for length in [9, 100, file.len() / 2] {
        // What is left may still have pages; it must not be a panic.
        let result = read(&file[..length], "application/pdf");
        if length <= 100 {
            assert_eq!(result, Err(Error::Damaged), "{length} bytes");
        }
    }
    assert_eq!(
        Error::Damaged.to_string(),
        "the PDF is damaged: it has no page that can be read"
    );
    // Without its table of objects all of it is found again.
    let at = file.windows(9).rposition(|bytes| bytes == b"startxref");
    let whole = read(&file[..at.expect("it has one")], "application/pdf").expect("it is found");
    assert_eq!(whole.pages.len(), 3);
    // Bytes that are wrong anywhere are no reason to stop either.
    for at in (0..file.len()).step_by(37) {
        let mut file = file.clone();
        file[at] ^= 0x55;
        let _ = read(file, "application/pdf");
    }
}

#[test]
fn html_is_read_as_it_is_seen() {
    let page = "<!DOCTYPE html>
        <html><head><title> A &amp;\n B </title><style>p { color: red }</style>
        <script>if (1 < 2) document.write('<p>hidden</p>')</script></head>
        <body><!-- no --><h1>Heading</h1>
        <p>One<b>word</b> and  <i>two</i><br>lines
        <svg><title>Drawing</title><text>hidden</text></svg>
        <template><p>hidden<template></template>hidden</template>
        <ul><li>1<li>2</ul><table><tr><td>a</td><td>b</td></tr><tr><td>c</table>
        <pre>  as\n  is</pre><img alt='A picture' src=x>&lt;end&gt; caf&eacute;";
    let document = read(page, "text/html").expect("it can be read");
    assert_eq!(document.title.as_deref(), Some("A & B"));
    assert_eq!(
        document.text,
        "Heading\nOneword and two\nlines\n1\n2\na\tb\nc\n  as\n  is\nA picture<end> café"
    );
}

#[test]
fn html_as_deep_as_it_is_long_is_read() {
    let page = format!("<html>{}deep", "<div>".repeat(300_000));
    assert_eq!(text(page, "text/html"), "deep");
}

#[test]
fn markdown_loses_its_marks() {
    let source = "---\nauthor: Ada\n---\n# The *title*\n\nA [link](https://x.example) and `code`\nsecond line\n\n\
        - one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nls -l\n```\n<div>html</div>\n";
    let document = read(source, "text/markdown").expect("it can be read");
    assert_eq!(document.title.as_deref(), Some("The title"));
    assert_eq!(
        document.text,
        "author: Ada\nThe title\nA link and code\nsecond line\none\ntwo\na\tb\n1\t2\nls -l"
    );
}

#[test]
fn text_is_decoded_by_mark_validity_declaration_and_guess() {
    let utf16: Vec<u8> = [0xfeff, 0x47, 0xfc, 0x6e]
        .iter()
        .flat_map(|unit: &u16| unit.to_le_bytes())
        .collect();
    let russian = encoding_rs::WINDOWS_1251
        .encode("Договор об оказании услуг")
        .0
        .into_owned();
    let cases: [(&[u8], &str, &str, &str); 7] = [
        (&utf16, "text/plain", "Gün", "UTF-16LE"),
        (b"\xef\xbb\xbfG\xc3\xbcn", "text/plain", "Gün", "UTF-8"),
        (b"G\xc3\xbcn", "text/plain; charset=latin1", "Gün", "UTF-8"),
        (
            b"G\xfcn",
            "text/plain; charset=\"iso-8859-9\"",
            "Gün",
            "windows-1254",
        ),
        (
            b"Gr\xfc\xdfe aus K\xf6ln",
            "text/plain",
            "Grüße aus Köln",
            "windows-1252",
        ),
        (
            &russian,
            "text/plain",
            "Договор об оказании услуг",
            "windows-1251",
        ),
        (
            b"<html><meta charset=windows-1251>\xc4\xe0",
            "text/html",
            "Да",
            "windows-1251",
        ),
    ];
    for (content, declared, text, encoding) in cases {
        let document = read(content, declared).expect("it can be read");
        assert_eq!(
            (document.text.as_str(), document.encoding),
            (text, Some(encoding))
        );
    }
}

#[test]
fn an_encoding_is_guessed_wherever_its_first_letter_is() {
    let ascii = "Vertrag ".repeat(100_000);
    let russian = encoding_rs::WINDOWS_1251
        .encode("об оказании услуг связи")
        .0;
    let content = [ascii.as_bytes(), &russian].concat();
    let document = read(content, "text/plain").expect("it can be read");
    assert_eq!(document.encoding, Some("windows-1251"));
    assert!(document.text.ends_with("Vertrag об оказании услуг связи"));
}

#[test]
fn the_content_says_what_a_file_is() {
    let cases: [(&[u8], &str, Kind); 8] = [
        (b"\n%PDF-1.4", "text/plain", Kind::Pdf),
        (b"BMW and MZ are text", "text/plain", Kind::Text),
        (
            b"<?xml version='1.0'?><!-- x --> <HTML>",
            "text/plain",
            Kind::Html,
        ),
        (b"<p>a piece", "text/html; charset=utf-8", Kind::Html),
        (b"<p>a piece", "text/plain", Kind::Text),
        (b"<!-- never closed <html>", "text/plain", Kind::Text),
        (b"# Title", "text/markdown", Kind::Markdown),
        (b"\xff\xfea\0", "TEXT/PLAIN", Kind::Text),
    ];
    for (content, declared, kind) in cases {
        assert_eq!(Kind::of(content, declared), Ok(kind), "{content:?}");
    }
}

#[test]
fn what_has_no_text_is_refused_by_name() {
    let reasons = [
        (&b""[..], "the file is empty"),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "the file is image/png; text is read from PDF, DOCX, XLSX, PPTX, OpenDocument, EPUB, e-mail, HTML, Markdown, CSV and plain text, also compressed with gzip",
        ),
        (
            b"\0\x01\x02\x03",
            "the file is application/octet-stream; text is read from PDF, DOCX, XLSX, PPTX, OpenDocument, EPUB, e-mail, HTML, Markdown, CSV and plain text, also compressed with gzip",
        ),
    ];
    for (content, reason) in reasons {
        let error = Kind::of(content, "application/pdf").expect_err("it has no text");
        assert_eq!(error.to_string(), reason);
    }
    let long = vec![b'a'; crate::MAX_TEXT + 1];
    let error = read(long, "text/plain").expect_err("it is too long");
    assert_eq!(error.to_string(), "the text is longer than 64 MiB");
}

#[test]
fn a_declaration_may_be_broader_than_the_content_but_not_another() {
    for (kind, declared, may) in [
        (Kind::Pdf, "application/pdf", true),
        (Kind::Pdf, "Application/PDF; version=1.7", true),
        (Kind::Pdf, "application/octet-stream", true),
        (Kind::Pdf, "text/plain", false),
        (Kind::Html, "application/xhtml+xml", true),
        (Kind::Html, "text/plain", false),
        (Kind::Text, "text/csv", true),
        (Kind::Text, "application/json", true),
        (Kind::Text, "application/pdf", false),
        (Kind::Markdown, "text/x-markdown", true),
    ] {
        assert_eq!(kind.may_be(declared), may, "{kind:?} as {declared}");
    }
}

#[test]
fn words_and_characters_are_counted() {
    let document = read("Ein Wört – 2 €\n", "text/plain").expect("it can be read");
    assert_eq!((document.words(), document.characters()), (3, 15));
}
