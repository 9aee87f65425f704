//! Prints the text of a document, or why there is none:
//! `cargo run -p document-text --example text -- file.pdf application/pdf`. The media type
//! is for what the content does not say; it may be left out.

use std::io::Write as _;
use std::process::ExitCode;

use document_text::Kind;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("text: give the file to read");
        return ExitCode::from(2);
    };
    let declared = arguments.next().unwrap_or_default();
    let declared = declared.to_string_lossy();
    let content = match std::fs::read(&path) {
        Ok(content) => content,
        Err(error) => {
            eprintln!("text: {} was not read: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    let document =
        Kind::of(&content, &declared).and_then(|kind| kind.read(content, &declared, |_, _| {}));
    match document {
        Ok(document) => match std::io::stdout().write_all(document.text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("text: {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
