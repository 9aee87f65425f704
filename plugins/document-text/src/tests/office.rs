//! Office documents and books.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{read, text};
use crate::{Error, Kind};

/// An archive of parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let method = match *name {
            "mimetype" => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options)
            .expect("it is written to memory");
        zip.write_all(content.as_bytes())
            .expect("it is written to memory");
    }
    zip.finish().expect("it is written to memory").into_inner()
}

fn docx(body: &str) -> Vec<u8> {
    archive(&[(
        "word/document.xml",
        &format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>"),
    )])
}

/// A part of relations: id, type and target.
fn relations(list: &[(&str, &str, &str)]) -> String {
    let list: String = list
        .iter()
        .map(|(id, kind, target)| {
            format!("<Relationship Id='{id}' Type='http://x/{kind}' Target='{target}'/>")
        })
        .collect();
    format!("<Relationships>{list}</Relationships>")
}

fn xlsx(strings: &str, rows: &str) -> Vec<u8> {
    archive(&[
        (
            "xl/workbook.xml",
            "<workbook xmlns:r='r'><sheets><sheet name='Q1 &amp; Q2' sheetId='1' r:id='rId1'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[
                ("rId1", "worksheet", "worksheets/sheet1.xml"),
                ("rId2", "sharedStrings", "/xl/sharedStrings.xml"),
                ("rId3", "styles", "styles.xml"),
            ]),
        ),
        (
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='dd\\.mm\\.yyyy'/>\
             <numFmt numFmtId='165' formatCode='0.0&quot; days&quot;'/></numFmts>\
             <cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>\
             <cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>",
        ),
        ("xl/sharedStrings.xml", &format!("<sst>{strings}</sst>")),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ])
}

fn odt(kind: &str, body: &str, manifest: &str) -> Vec<u8> {
    archive(&[
        (
            "mimetype",
            &format!("application/vnd.oasis.opendocument.{kind}"),
        ),
        ("META-INF/manifest.xml", manifest),
        (
            "meta.xml",
            "<office:meta><dc:title>Plan</dc:title></office:meta>",
        ),
        (
            "content.xml",
            &format!("<office:document-content>{body}</office:document-content>"),
        ),
    ])
}

#[test]
fn docx_is_read_with_tables_notes_and_without_deletions() {
    let body = "<w:p><w:pPr><w:tabs><w:tab w:val='left'/></w:tabs></w:pPr>\
        <w:r><w:t>Tom &amp; </w:t></w:r><w:r><w:t xml:space='preserve'>K&#246;ln</w:t><w:tab/><w:t>right</w:t></w:r></w:p>\
        <w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>kept</w:t><w:br/><w:t>line</w:t></w:r></w:ins></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc>\
        <w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl>\
        <mc:AlternateContent><mc:Choice><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Choice>\
        <mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>\
        <w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>";
    let file = archive(&[
        ("[Content_Types].xml", "<Types/>"),
        (
            "docProps/core.xml",
            "<cp:coreProperties><dc:title> The\n Title </dc:title></cp:coreProperties>",
        ),
        (
            "word/document.xml",
            &format!("<w:document><w:body>{body}</w:body></w:document>"),
        ),
        (
            "word/footnotes.xml",
            "<w:footnotes><w:footnote><w:p><w:r><w:t>a note</w:t></w:r></w:p></w:footnote></w:footnotes>",
        ),
        (
            "word/header1.xml",
            "<w:hdr><w:p><w:r><w:t>head</w:t></w:r></w:p></w:hdr>",
        ),
    ]);
    let document = read(file, "application/octet-stream").expect("it can be read");
    assert_eq!(document.kind, Kind::Docx);
    assert_eq!(document.title.as_deref(), Some("The Title"));
    assert_eq!(document.encoding, None);
    assert_eq!(
        document.text,
        "Tom & Köln\tright\nkept\nline\na b\tc\nbox\na note\nhead"
    );
}

#[test]
fn xlsx_is_read_sheet_by_sheet() {
    let strings =
        "<si><t>Name</t></si><si><r><t>Kö</t></r><r><t>ln</t></r><rPh><t>x</t></rPh></si>";
    let rows = "<row><c t='s'><v>0</v></c><c t='s'><v>1</v></c><c t='s'><v>99</v></c></row>\
        <row><c><v>12.5</v></c><c s='1'><v>45658</v></c><c s='2'><v>45658.75</v></c><c s='3'><v>3</v></c></row>\
        <row><c t='b'><v>1</v></c><c t='inlineStr'><is><t>in\nline</t></is></c>\
        <c t='str'><f>A1&amp;B1</f><v>result</v></c><c t='e'><v>#DIV/0!</v></c></row>";
    let document = read(xlsx(strings, rows), "").expect("it can be read");
    assert_eq!(document.kind, Kind::Xlsx);
    assert_eq!(
        document.text,
        "Q1 & Q2\nName\tKöln\n12.5\t2025-01-01\t2025-01-01 18:00\t3\n\
         TRUE\tin line\tresult\t#DIV/0!"
    );
}

#[test]
fn pptx_is_read_slide_by_slide() {
    let slide = |text: &str| format!("<p:sld><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>");
    let file = archive(&[
        (
            "ppt/presentation.xml",
            "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='rId2'/><p:sldId id='257' r:id='rId1'/></p:sldIdLst></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[
                ("rId1", "slide", "slides/slide1.xml"),
                ("rId2", "slide", "slides/slide2.xml"),
            ]),
        ),
        ("ppt/slides/slide1.xml", &slide("second")),
        ("ppt/slides/slide2.xml", &slide("first")),
        (
            "ppt/slides/_rels/slide2.xml.rels",
            &relations(&[("rId1", "notesSlide", "../notesSlides/notesSlide1.xml")]),
        ),
        ("ppt/notesSlides/notesSlide1.xml", &slide("say hello")),
    ]);
    let kind = Kind::of(&file, "").expect("it is known");
    let mut seen = Vec::new();
    let document = kind.read(file, "", |page, count| seen.push((page, count)));
    let document = document.expect("it can be read");
    assert_eq!((document.kind, seen), (Kind::Pptx, vec![(1, 2), (2, 2)]));
    assert_eq!(document.text, "first\nsay hello\nsecond");
    assert_eq!(document.pages, [0, 16]);
}

#[test]
fn opendocument_is_read() {
    let body = "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>\
        <text:h>Head<text:s text:c='2'/>line</text:h><text:p>one<text:tab/><text:span>two</text:span></text:p>\n\
        <table:table-row><table:table-cell><text:p>a</text:p><text:p>b</text:p></table:table-cell>\
        <table:table-cell><text:p>c</text:p></table:table-cell></table:table-row>";
    for (kind, found) in [
        ("text", Kind::Odt),
        ("spreadsheet", Kind::Ods),
        ("presentation", Kind::Odp),
    ] {
        let document = read(odt(kind, body, "<m/>"), found.media_type()).expect("it can be read");
        assert_eq!(
            (document.kind, document.title.as_deref()),
            (found, Some("Plan"))
        );
        assert_eq!(document.text, "Head  line\none\ttwo\na b\tc");
    }
    let locked = odt("text", body, "<manifest:encryption-data/>");
    let failure = read(locked, "").expect_err("it is locked");
    assert_eq!(failure.to_string(), "the ODT is protected by a password");
}

/// A book of two pages.
fn book(encryption: &str) -> Vec<u8> {
    archive(&[
        ("mimetype", "application/epub+zip"),
        (
            "META-INF/container.xml",
            "<container><rootfile full-path='OEBPS/book.opf'/></container>",
        ),
        ("META-INF/encryption.xml", encryption),
        (
            "OEBPS/book.opf",
            "<package><metadata><dc:title>A Book</dc:title></metadata><manifest>\
             <item id='b' href='text/second%20page.xhtml'/><item id='a' href='first.xhtml'/></manifest>\
             <spine><itemref idref='a'/><itemref idref='b'/><itemref idref='a'/></spine></package>",
        ),
        (
            "OEBPS/first.xhtml",
            "<html><head><title>x</title></head><body><h1>One</h1><p>Call me.</p></body></html>",
        ),
        (
            "OEBPS/text/second page.xhtml",
            "<html><body><p>Two</p></body></html>",
        ),
    ])
}

#[test]
fn a_book_is_read_in_the_order_of_its_spine() {
    let fonts = "<e><enc:CipherReference URI='OEBPS/font.otf'/></e>";
    let document = read(book(fonts), "application/epub+zip").expect("it can be read");
    assert_eq!(
        (document.kind, document.title.as_deref()),
        (Kind::Epub, Some("A Book"))
    );
    assert_eq!(document.text, "One\nCall me.\nTwo");
    let locked = "<e><enc:CipherReference URI='OEBPS/first.xhtml'/></e>";
    assert_eq!(read(book(locked), ""), Err(Error::Password("EPUB")));
}

#[test]
fn archives_that_are_none_of_these_are_refused() {
    let inner = docx("<w:p/>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("inner.docx", SimpleFileOptions::default())
        .expect("in memory");
    zip.write_all(&inner).expect("in memory");
    let nested = zip.finish().expect("in memory").into_inner();
    assert_eq!(
        read(nested, ""),
        Err(Error::Unsupported("application/zip".into()))
    );
    // Cut anywhere, an archive is refused and does no harm.
    let file = xlsx("<si><t>a</t></si>", "<row><c t='s'><v>0</v></c></row>");
    for length in 4..file.len() {
        assert!(read(&file[..length], "").is_err(), "{length}");
    }
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0xff;
        let _ = read(damaged, "");
    }
    let mut encrypted = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    encrypted.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let failure = read(encrypted, "").expect_err("it is locked");
    assert_eq!(
        failure.to_string(),
        "the document is protected by a password"
    );
}

#[test]
fn documents_made_to_fill_the_memory_are_refused() {
    let failure = |file| read(file, "").expect_err("it is a bomb").to_string();
    let long = docx(&format!("<w:p><w:t>{}</w:t></w:p>", "x".repeat(17 << 20)));
    assert_eq!(
        failure(long),
        "the DOCX is damaged: a piece of it is longer than 16 MiB"
    );
    let deep = docx(&"<w:p>".repeat(2000));
    assert_eq!(
        failure(deep),
        "the DOCX is damaged: its elements are nested more than 1000 deep"
    );
    let comment = format!("<!--{}-->", "x".repeat(15 << 20));
    let unfolds = docx(&comment.repeat(18));
    assert_eq!(
        failure(unfolds),
        "the DOCX unfolds to more than can be read"
    );
    // One text in a million cells.
    let text = format!("<si><t>{}</t></si>", "x".repeat(1000));
    let cells = "<row><c t='s'><v>0</v></c></row>".repeat(1_000_000);
    assert_eq!(
        failure(xlsx(&text, &cells)),
        "the text is longer than 64 MiB"
    );
    let strings = failure(xlsx(&"<si/>".repeat((4 << 20) + 1), ""));
    assert_eq!(
        strings,
        "the XLSX is damaged: it has more than 4194304 different texts"
    );
    // A cell as far away as there is one takes no room.
    let far = xlsx("", "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>");
    assert_eq!(text_of(far), "Q1 & Q2\n1");
    let many: Vec<String> = (0..20_001).map(|n| format!("{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(
        failure(archive(&many)),
        "the archive is damaged: it has more than 20000 parts"
    );
}

fn text_of(file: Vec<u8>) -> String {
    text(file, "")
}
