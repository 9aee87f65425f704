//! Does what the name of its job says, as a program of any language would: with
//! arguments, environment, files and the standard streams.

#![allow(
    clippy::disallowed_methods,
    reason = "a program may exit, which a handler does not"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let name = std::env::var("RUNNER_JOB_NAME").unwrap_or_default();
    let (what, rest) = name.split_once(' ').unwrap_or((&name, ""));
    match what {
        "echo" => print!("{}", read()),
        "args" => println!("{:?}", std::env::args().collect::<Vec<_>>()),
        "env" => env(),
        "exit" => return ExitCode::from(rest.parse::<u8>().expect("a code")),
        "exit-now" => std::process::exit(rest.parse().expect("a code")),
        "fail" => {
            eprintln!("{}", read());
            return ExitCode::from(rest.parse::<u8>().expect("a code"));
        }
        "bytes" => {
            let bytes = read();
            let bytes = bytes
                .split_whitespace()
                .map(|byte| byte.parse::<u8>().expect("a byte"));
            let bytes: Vec<u8> = bytes.collect();
            io::stdout().write_all(&bytes).expect("stdout");
        }
        "repeat" => {
            let text = read();
            let count: usize = rest.parse().expect("a number");
            (0..count).for_each(|_| print!("{text}"));
        }
        "flood" => loop {
            println!("more and more");
        },
        "complain" => loop {
            eprintln!("more and more");
        },
        "say" => eprint!("{}", read()),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "panic" => panic!("out of paper"),
        "allocate" => println!("{}", vec![1_u8; rest.parse().expect("a size")].len()),
        "recurse" => println!("{}", recurse(1)),
        "read" => println!("{}", fs::read_to_string(rest).unwrap_or_else(told)),
        "write" => println!(
            "{}",
            fs::write(rest, read()).map_or_else(told, |()| "written".into())
        ),
        "list" => println!("{:?}", list(rest)),
        "connect" => match std::net::TcpStream::connect(rest) {
            Ok(_) => println!("connected"),
            Err(error) => println!("{:?}", error.kind()),
        },
        "disk" => disk(),
        "grow" => grow(),
        other => {
            eprintln!("no such job: {other}");
            return ExitCode::from(64);
        }
    }
    ExitCode::SUCCESS
}

fn read() -> String {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).expect("stdin");
    text
}

fn env() {
    for (name, value) in std::env::vars() {
        println!("{name}={value}");
    }
}

fn told(error: io::Error) -> String {
    format!("{:?}", error.kind())
}

fn list(directory: &str) -> Vec<String> {
    let names = fs::read_dir(directory).expect("a directory");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("a name").file_name();
    let mut names: Vec<String> = names
        .map(|entry| name(entry).into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[allow(unconditional_recursion, reason = "this is what it is for")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(recurse(std::hint::black_box(depth + 1)) + 1)
}

/// Takes memory as runtimes do that believe to be alone in it, such as Go's.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "a runtime owns its memory")]
fn grow() {
    use std::arch::wasm32::{memory_grow, memory_size};
    const PAGE: usize = 64 << 10;
    let before = memory_size::<0>();
    let mut told = String::with_capacity(1000);
    for round in 0..20 {
        eprintln!("round {round}");
        let (end, at) = (memory_size::<0>(), memory_grow::<0>(10));
        if at == usize::MAX {
            eprintln!("no pages left");
            std::process::exit(1);
        }
        assert_eq!((end, memory_size::<0>()), (at, at + 10), "no gap");
        let new = std::ptr::with_exposed_provenance_mut::<u8>(at * PAGE);
        // SAFETY: these pages are new, and nobody else's.
        unsafe { new.write_bytes(0xff, 10 * PAGE) };
    }
    told.push_str("pages: ");
    told.push_str(&(memory_size::<0>() - before).to_string());
    println!("{told}");
}

#[cfg(not(target_arch = "wasm32"))]
fn grow() {}

/// Everything that can be done in a scratch directory, one line for each.
fn disk() {
    let done = |what: &str, result: io::Result<()>| match result {
        Ok(()) => println!("{what}: ok"),
        Err(error) => println!("{what}: {:?}", error.kind()),
    };
    let filled = |path: &str, bytes: usize| fs::write(path, vec![b'x'; bytes]);
    done("half", filled("/tmp/half", 512 << 10));
    done("too much", filled("/tmp/more", 600 << 10));
    done("remove", fs::remove_file("/tmp/more"));
    done("again", filled("/tmp/more", 400 << 10));
    done("over it", filled("/tmp/more", 400 << 10));
    done("rename over", fs::rename("/tmp/more", "/tmp/half"));
    done("then", filled("/tmp/more", 500 << 10));
    done("truncate", File::create("/tmp/more").map(drop));
    let append = || {
        let mut file = OpenOptions::new().append(true).open("/tmp/more")?;
        file.write_all(&[b'x'; 1 << 10])?;
        file.write_all(&[b'x'; 640 << 10])
    };
    done("append", append());
    done(
        "set size",
        File::create("/tmp/more").and_then(|file| file.set_len(1 << 40)),
    );
    let removed = || {
        let mut file = File::create("/tmp/gone")?;
        fs::remove_file("/tmp/gone")?;
        file.write_all(&[b'x'; 500 << 10])?;
        let full = fs::write("/tmp/more", vec![b'x'; 500 << 10]);
        drop(file);
        assert!(full.is_err(), "what is open has its room");
        fs::write("/tmp/more", vec![b'x'; 500 << 10])
    };
    done("removed while open", removed());
    done("directory", fs::create_dir_all("/tmp/a/b/c"));
    done("remove all", fs::remove_dir_all("/tmp/a"));
    done("outside", fs::write("/other", "x"));
    done("up", fs::write("/tmp/../../x", "x"));
    println!("{:?}", list("/tmp"));
}
