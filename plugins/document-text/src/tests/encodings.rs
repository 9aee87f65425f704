//! Texts in other encodings than UTF-8.

use encoding_rs::{Encoding, ISO_2022_JP, MACINTOSH};

use super::read;
use crate::Error;

const GERMAN: &str = "Größe: für Köln, über Straße und Brücke, schöne Grüße nach München\r\n";
const FRENCH: &str = "Le café où l'élève a été reçu à l'hôtel, près de l'église\r\n";
const RUSSIAN: &str = "Съешь же ещё этих мягких французских булок, да выпей чаю\r\n";
const POLISH: &str = "Zażółć gęślą jaźń, Łódź i Świnoujście, źrebię, ćma\r\n";
const CHINESE: &str = "你好，世界。今天天气很好，我们去公园吧。\r\n";
const JAPANESE: &str = "こんにちは、世界。今日はいい天気ですね。\r\n";

/// What a text becomes, and how it is said to be encoded.
fn plain(content: &[u8], declared: &str) -> (String, &'static str) {
    let document = read(content, declared).expect("it can be read");
    (document.text, document.encoding.expect("a text has one"))
}

fn wide16(text: &str, big: bool) -> Vec<u8> {
    let order = if big {
        u16::to_be_bytes
    } else {
        u16::to_le_bytes
    };
    text.encode_utf16().flat_map(order).collect()
}

fn wide32(text: &str, big: bool) -> Vec<u8> {
    let order = if big {
        u32::to_be_bytes
    } else {
        u32::to_le_bytes
    };
    text.chars().map(u32::from).flat_map(order).collect()
}

fn page(number: u16, text: &str) -> Vec<u8> {
    let table = oem_cp::code_table::ENCODING_TABLE_CP_MAP.get(&number);
    oem_cp::encode_string_checked(text, table.expect("it is known")).expect("it can be written")
}

#[test]
fn wide_encodings_are_known_without_a_mark() {
    for text in [GERMAN, RUSSIAN, CHINESE, JAPANESE, "plain", "a\n"] {
        for (big, utf16, utf32) in [
            (false, "UTF-16LE", "UTF-32LE"),
            (true, "UTF-16BE", "UTF-32BE"),
        ] {
            if text.len() > 2 {
                assert_eq!(
                    plain(&wide16(text, big), "text/plain"),
                    (text.to_owned(), utf16)
                );
            }
            assert_eq!(
                plain(&wide32(text, big), "text/plain"),
                (text.to_owned(), utf32)
            );
            let marked = format!("\u{feff}{text}");
            assert_eq!(
                plain(&wide16(&marked, big), "text/plain"),
                (text.to_owned(), utf16)
            );
            assert_eq!(
                plain(&wide32(&marked, big), "text/plain"),
                (text.to_owned(), utf32)
            );
        }
    }
}

#[test]
fn binary_data_is_no_wide_text() {
    let samples: Vec<u8> = (0..4000_i32)
        .flat_map(|n| ((n * 37 % 601) as i16).to_le_bytes())
        .collect();
    for content in [
        &samples[..],
        &[0; 64],
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0",
    ] {
        assert!(matches!(
            read(content, "text/plain"),
            Err(Error::Unsupported(_))
        ));
    }
}

#[test]
fn encodings_of_other_machines_are_told_by_their_words() {
    let encode = |encoding: &'static Encoding, text| encoding.encode(text).0.into_owned();
    for text in [GERMAN, FRENCH] {
        assert_eq!(
            plain(&page(850, text), "text/plain"),
            (text.to_owned(), "IBM850")
        );
        assert_eq!(
            plain(&encode(MACINTOSH, text), ""),
            (text.to_owned(), "macintosh")
        );
        let (read, encoding) = plain(&encode(encoding_rs::WINDOWS_1252, text), "");
        assert_eq!((read.as_str(), encoding), (text, "windows-1252"));
    }
    // Others stay as they were.
    for (encoding, text) in [
        (encoding_rs::WINDOWS_1250, POLISH),
        (encoding_rs::ISO_8859_2, POLISH),
        (encoding_rs::WINDOWS_1251, RUSSIAN),
        (encoding_rs::KOI8_R, RUSSIAN),
        (encoding_rs::IBM866, RUSSIAN),
        (encoding_rs::GBK, CHINESE),
        (encoding_rs::SHIFT_JIS, JAPANESE),
        (encoding_rs::EUC_JP, JAPANESE),
    ] {
        assert_eq!(
            plain(&encode(encoding, text), "").0,
            text,
            "{}",
            encoding.name()
        );
    }
    let frame = "┌──────┐\r\n│Menü  │\r\n└──────┘\r\n";
    assert_eq!(plain(&page(850, frame), "").0, frame);
}

#[test]
fn the_euro_of_iso_8859_15_is_one() {
    for text in ["Total: 100 €\n", "Un œuf, du bœuf et le cœur: 12 €.\n"] {
        let (content, _, _) = encoding_rs::ISO_8859_15.encode(text);
        assert_eq!(
            plain(&content, "text/plain"),
            (text.to_owned(), "ISO-8859-15")
        );
    }
    assert_eq!(
        plain(b"half: \xbd, \xa4 as such, caf\xe9", "").1,
        "windows-1252"
    );
}

#[test]
fn japanese_mail_and_declared_code_pages_are_read() {
    let (content, _, _) = ISO_2022_JP.encode(JAPANESE);
    assert_eq!(
        plain(&content, "text/plain"),
        (JAPANESE.to_owned(), "ISO-2022-JP")
    );
    for (declared, number, name) in [
        ("text/plain; charset=cp437", 437, "IBM437"),
        ("text/plain; charset=IBM852", 852, "IBM852"),
        ("text/plain; charset=\"dos-862\"", 862, "IBM862"),
    ] {
        let text = match number {
            852 => "Příliš žluťoučký kůň",
            862 => "שלום",
            _ => "α ≥ ß",
        };
        assert_eq!(
            plain(&page(number, text), declared),
            (text.to_owned(), name)
        );
    }
    // A terminal's colours are not Japanese.
    assert_eq!(plain(b"\x1b[1mbold\x1b[0m", "").1, "UTF-8");
}

#[test]
fn what_is_not_read_is_named() {
    let hello = b"\xc8\x85\x93\x93\x96\x40\xe6\x96\x99\x93\x84\x40\x86\x99\x96\x94\x40\xd6\xe2\x15";
    let failure = read(hello.repeat(20), "text/plain").expect_err("it is EBCDIC");
    assert_eq!(
        failure.to_string(),
        "the text seems to be EBCDIC, which is not read; save it as UTF-8"
    );
    for (content, name) in [
        (&b"\x1b$)C\x0eGQ1[\x0f"[..], "ISO-2022-KR"),
        (b"\x1b$)A\x0e=;;;\x0f", "ISO-2022-CN"),
    ] {
        // Korean switches with control characters.
        let padded = [content, b"\r\n".repeat(200).as_slice()].concat();
        assert_eq!(read(padded, "text/plain"), Err(Error::Encoding(name)));
    }
}
