//! Writes a customer's file of three pages as PDF:
//! `cargo run -p document-text --features samples --example sample -- data/documents/sample.pdf`

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("sample: give the path to write to");
        return ExitCode::from(2);
    };
    match std::fs::write(&path, document_text::samples::customer_file()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sample: {} was not written: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
