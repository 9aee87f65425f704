//! E-mail, CSV and gzip.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{read, text};
use crate::{Error, Kind};

const MAIL: &str = "Received: from a.example\r\n\
From: =?utf-8?q?Ada_K=C3=B6nig?= <ada@mail.example>\r\n\
To: bob@mail.example, \"Carol, Office\" <carol@mail.example>\r\n\
Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n\
\x20and more\r\n\
Date: Fri, 27 Nov 2026 10:00:00 +0100\r\n\
MIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=b\r\n\r\n\
--b\r\n\
Content-Type: multipart/alternative; boundary=c\r\n\r\n\
--c\r\n\
Content-Type: text/plain; charset=iso-8859-1\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\n\
Sch=F6n, dass es =\r\nklappt.\r\n\
--c\r\n\
Content-Type: text/html\r\n\r\n\
<p>only for <b>browsers</b></p>\r\n\
--c--\r\n\
--b\r\n\
Content-Type: application/pdf; name=\"bill.pdf\"\r\n\
Content-Disposition: attachment; filename=\"bill 1.pdf\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\n\
JVBERi0=\r\n\
--b--\r\n";

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::default());
    file.write_all(content).expect("it is written to memory");
    file.finish().expect("it is written to memory")
}

#[test]
fn mail_is_read_as_people_read_it() {
    let document = read(MAIL, "message/rfc822").expect("it can be read");
    assert_eq!(document.kind, Kind::Email);
    assert_eq!(document.title.as_deref(), Some("Grüße and more"));
    assert_eq!(
        document.text,
        "From: Ada König <ada@mail.example>\n\
         To: bob@mail.example, Carol, Office <carol@mail.example>\n\
         Date: 2026-11-27T10:00:00+01:00\n\
         Subject: Grüße and more\n\n\
         Schön, dass es klappt.\n\
         Attachment: bill 1.pdf"
    );
    // It is known without a declaration, and text when it is said to be.
    assert_eq!(Kind::of(MAIL.as_bytes(), ""), Ok(Kind::Email));
    assert_eq!(Kind::of(MAIL.as_bytes(), "text/plain"), Ok(Kind::Text));
    assert_eq!(
        Kind::of(b"Dear: all\nhello", "message/rfc822"),
        Ok(Kind::Text)
    );
}

#[test]
fn mail_of_html_and_mail_in_mail_are_read() {
    let html =
        "From: a@mail.example\nTo: b@mail.example\nContent-Type: text/html\n\n<p>Hi <b>you</b>";
    assert!(text(html, "message/rfc822").ends_with("\n\nHi you"));
    let mut mail = "From: deep@mail.example\nSubject: 0\n\ninnermost\n".to_owned();
    for depth in 1..=6 {
        mail = format!(
            "From: a@mail.example\nSubject: {depth}\nContent-Type: multipart/mixed; boundary=b{depth}\n\n\
             --b{depth}\nContent-Type: message/rfc822\n\n{mail}\n--b{depth}--\n"
        );
    }
    let read = text(mail, "message/rfc822");
    assert!(
        read.contains("Subject: 3") && !read.contains("innermost"),
        "{read}"
    );
    // A bomb of parts and of levels.
    let parts = "--b\nContent-Type: text/plain\n\nx\n".repeat(20_000);
    let many = format!(
        "From: a@mail.example\nSubject: many\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n"
    );
    assert_eq!(
        super::read(many, "message/rfc822")
            .expect_err("too many")
            .to_string(),
        "the e-mail is damaged: it has more than 10000 parts"
    );
    let levels: String = (0..20_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    let deep = format!("From: a@mail.example\nSubject: deep\n{levels}");
    let _ = super::read(deep, "message/rfc822");
}

#[test]
fn csv_is_read_record_by_record() {
    for (content, read) in [
        (
            "name,city\n\"König, Ada\",\"Köln\nMitte\"\n",
            "name\tcity\nKönig, Ada\tKöln Mitte",
        ),
        ("a;b;c\n1,5;2;\"x \"\"y\"\"\"\n", "a\tb\tc\n1,5\t2\tx \"y\""),
        ("a\tb\n1\t2\n3\n", "a\tb\n1\t2\n3"),
        ("one column\nonly", "one column\nonly"),
        ("\"never closed", "never closed"),
    ] {
        let document = super::read(content, "text/csv; charset=utf-8").expect("it can be read");
        assert_eq!((document.kind, document.text.as_str()), (Kind::Csv, read));
    }
}

#[test]
fn what_is_compressed_is_read() {
    let document = read(gzip(MAIL.as_bytes()), "application/gzip").expect("it can be read");
    assert_eq!(document.kind, Kind::Email);
    let document = read(gzip(b"<p>Hi"), "text/html").expect("it can be read");
    assert_eq!((document.kind, document.text.as_str()), (Kind::Html, "Hi"));
    let failure = read(gzip(b"plain"), "application/pdf").expect_err("it is not one");
    assert_eq!(
        failure.to_string(),
        "the compressed file is text/plain, not application/pdf"
    );
    let failure = read(gzip(&gzip(b"plain")), "application/gzip").expect_err("it is nested");
    assert!(matches!(failure, Error::Unsupported(_)), "{failure}");
    let bomb = gzip(&vec![b' '; (64 << 20) + 1]);
    let failure = read(bomb, "application/gzip").expect_err("it is a bomb");
    assert_eq!(
        failure.to_string(),
        "the gzip unfolds to more than can be read"
    );
    let mut cut = gzip(&MAIL.repeat(100).into_bytes());
    cut.truncate(cut.len() / 2);
    let failure = read(cut, "application/gzip").expect_err("it is cut");
    assert!(
        failure.to_string().starts_with("the gzip is damaged: "),
        "{failure}"
    );
    assert_eq!(read(gzip(b""), "application/gzip"), Err(Error::Empty));
}
