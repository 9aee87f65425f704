//! The order and the words of the text of a PDF.

use lopdf::{Dictionary, Object, Stream, dictionary};

use super::{page, read, text};
use crate::samples::{bytes, drawn};

/// A page on which the bytes `a` to `z` are the letters from alef on, and `A` is
/// the ligature of lam and alef.
fn hebrew(drawing: &str) -> String {
    let mut file = drawn("", vec![drawing.into()]);
    let map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
        /CMapName /Own def /CMapType 2 def\n\
        1 begincodespacerange <00> <ff> endcodespacerange\n\
        1 beginbfrange <61> <7a> <05D0> endbfrange\n\
        2 beginbfrange <20> <40> <0020> <5b> <60> <005b> endbfrange\n\
        2 beginbfchar <41> <FEFB> <42> <0645> endbfchar\n\
        endcmap end end";
    let map = file.add_object(Stream::new(dictionary! {}, map.into()));
    for object in file.objects.values_mut() {
        if let Ok(font) = object.as_dict_mut()
            && font.has_type(b"Font")
        {
            font.set("ToUnicode", map);
        }
    }
    text(bytes(file), "application/pdf")
}

#[test]
fn text_from_right_to_left_is_in_the_order_of_reading() {
    // Shalom is shin (z), lamed (m), vav (f), final mem (n); olam is ayin (s),
    // vav, lamed, final mem.
    for (drawing, read) in [
        // Left to right as it is seen, as most programs draw.
        ("72 700 Td (nmfs nfmz) Tj", "שלום עולם"),
        // Letter by letter from the right.
        (
            "200 700 Td (z) Tj -10 0 Td (m) Tj -3.3 0 Td (f) Tj -6.7 0 Td (n) Tj",
            "שלום",
        ),
        // Words in the order of reading.
        ("200 700 Td (nfmz) Tj -30 0 Td (nmfs) Tj", "שלום עולם"),
        // Numbers are read from left to right, brackets by what they mean.
        ("72 700 Td (2041 nmfs nfmz) Tj", "שלום עולם 2041"),
        ("72 700 Td (\\(12\\) nfmz) Tj", "שלום (12)"),
        ("72 700 Td (\\(nmfs\\) nfmz) Tj", "שלום (עולם)"),
        // Lines stay lines.
        ("72 700 Td (nfmz) Tj 0 -14 Td (nmfs) Tj", "שלום\nעולם"),
        // A ligature of Arabic is its letters.
        ("72 700 Td (BA) Tj", "لام"),
    ] {
        assert_eq!(hebrew(&format!("BT /F1 12 Tf {drawing} ET")), read);
    }
}

#[test]
fn words_broken_at_the_end_of_a_line_are_whole() {
    for (lines, read) in [
        (
            ["a long hyphen-", "ation follows"],
            "a long hyphenation follows",
        ),
        // What the hyphen does not break.
        (["from Monday -", "to Friday"], "from Monday -\nto Friday"),
        (["see page 12-", "14"], "see page 12-\n14"),
        (["the Rhine-", "Main area"], "the Rhine-\nMain area"),
        (["Vor-", "und Nachname"], "Vor-\nund Nachname"),
        // The page has it as a compound.
        (
            ["a well-known, well-", "known fact"],
            "a well-known, well-known fact",
        ),
        // A soft hyphen, 0xAD in Windows-1252.
        (["a soft hy\\255", "phen"], "a soft hyphen"),
    ] {
        let [first, second] = lines;
        let drawing = format!("BT /F1 12 Tf 72 700 Td ({first}) Tj 0 -14 Td ({second}) Tj ET");
        assert_eq!(page(&drawing), read);
    }
    // Another cell of the row, not another line.
    let row = page("BT /F1 12 Tf 272 700 Td (pre-) Tj -200 0 Td (post) Tj ET");
    assert_eq!(row, "pre-\npost");
}

#[test]
fn a_word_whose_letters_stand_alone_is_one() {
    for (drawing, read) in [
        ("4 Tc (Invoice) Tj", "Invoice"),
        // Recognised letter by letter, in words.
        (
            "[(T) -300 (o) -300 (t) -300 (a) -300 (l) -900 (p) -300 (a) -300 (i) -300 (d)] TJ",
            "Total paid",
        ),
        // Cells of a table, initials.
        ("[(1) -400 (2) -400 (3) -400 (4) -400 (5)] TJ", "1 2 3 4 5"),
        ("(J. R. R. Tolkien) Tj", "J. R. R. Tolkien"),
        (
            "[(A) -2000 (B) -2000 (C) -2000 (D) -2000 (E)] TJ",
            "A\tB\tC\tD\tE",
        ),
    ] {
        assert_eq!(page(&format!("BT /F1 12 Tf 72 700 Td {drawing} ET")), read);
    }
}

#[test]
fn what_is_drawn_off_the_page_is_not_read() {
    let drawing = "BT /F1 12 Tf 72 700 Td (here) Tj 0 400 Td (above) Tj ET";
    assert_eq!(page(drawing), "here");
}

#[test]
fn control_characters_of_a_title_are_gone() {
    for (title, read) in [
        (&b"Annual\0report\0"[..], "Annualreport"),
        (b"\xfe\xff\0A\0\n\0B\0\0", "A B"),
        (b"\xff\xfeA\0B\0", "AB"),
        (b"\xef\xbb\xbfK\xc3\xb6ln", "Köln"),
    ] {
        let mut file = drawn("", vec![b"BT /F1 12 Tf (text) Tj ET".to_vec()]);
        let id = file.trailer.get(b"Info").and_then(Object::as_reference);
        let info = file.objects.get_mut(&id.expect("it has one"));
        let info = info.and_then(|info| info.as_dict_mut().ok());
        let title = Object::String(title.to_vec(), lopdf::StringFormat::Hexadecimal);
        info.expect("it is there").set("Title", title);
        let document = super::read(bytes(file), "application/pdf").expect("it can be read");
        assert_eq!(document.title.as_deref(), Some(read));
    }
}

/// The text of a page with one field.
fn form(field: Dictionary) -> String {
    let mut file = drawn("", vec![b"BT /F1 12 Tf 72 700 Td (Form) Tj ET".to_vec()]);
    let field = file.add_object(field);
    for object in file.objects.values_mut() {
        if let Ok(page) = object.as_dict_mut()
            && page.has_type(b"Page")
        {
            page.set("Annots", vec![field.into()]);
        }
    }
    read(bytes(file), "application/pdf")
        .expect("it can be read")
        .text
}

#[test]
fn the_fields_of_a_form_show_what_a_reader_shows() {
    let options = || -> Vec<Object> {
        let pair = ["be", "Belgium"].map(Object::string_literal).to_vec();
        vec![
            Object::string_literal("Albania"),
            pair.into(),
            Object::string_literal("Chile"),
        ]
    };
    let list = dictionary! { "Subtype" => "Widget", "FT" => "Ch", "Opt" => options() };
    assert_eq!(form(list.clone()), "Form\nAlbania\nBelgium\nChile");
    let mut scrolled = list.clone();
    scrolled.set("TI", 2);
    assert_eq!(form(scrolled), "Form\nChile");
    let mut hidden = list.clone();
    hidden.set("F", 2);
    assert_eq!(form(hidden), "Form");
    let mut combo = list;
    combo.set("Ff", 1 << 17);
    combo.set("V", Object::string_literal("Chile"));
    assert_eq!(form(combo), "Form\nChile");
    let mut text = dictionary! {
        "Subtype" => "Widget", "FT" => "Tx", "V" => Object::string_literal("Ada"),
    };
    assert_eq!(form(text.clone()), "Form\nAda");
    text.set("Ff", 1 << 13);
    assert_eq!(form(text), "Form");
}
