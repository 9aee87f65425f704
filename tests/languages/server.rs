//! What the guests' HTTP meets: a server on 127.0.0.1 that answers by the path.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use crate::support::PATIENCE;

/// How many requests `/barrier` lets gather before it answers all of them.
pub(crate) const BARRIER: usize = 50;

/// Answers until the process ends.
pub(crate) struct Server {
    port: u16,
}

/// How many are at the barrier.
type Barrier = Arc<(Mutex<usize>, Condvar)>;

impl Server {
    pub(crate) fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let barrier = Barrier::default();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let barrier = barrier.clone();
                std::thread::spawn(move || answer(stream, &barrier));
            }
        });
        Server { port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// Answer one request and close. The other side may be gone by then.
fn answer(mut stream: TcpStream, barrier: &Barrier) {
    let (head, body) = request(&mut stream);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let said = match path.as_str() {
        "/echo" => {
            let text = serde_json::json!({ "head": head, "body": body }).to_string();
            response("200 OK", "x-answer: yes\r\n", &text)
        }
        "/missing" => response("404 Not Found", "", "nothing here"),
        "/busy" => response("503 Service Unavailable", "", "later"),
        "/moved" => response("302 Found", "location: /echo\r\n", ""),
        "/slow" => {
            // Until the other side closes.
            let _ = stream.read(&mut [0]);
            return;
        }
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            while stream.write_all(&[b'x'; 64 << 10]).is_ok() {}
            return;
        }
        "/barrier" => {
            let (count, all) = &**barrier;
            let mut here = count.lock().expect("no panic inside");
            *here += 1;
            all.notify_all();
            let here = all.wait_timeout_while(here, PATIENCE, |here| *here < BARRIER);
            drop(here.expect("no panic inside"));
            response("200 OK", "", "go")
        }
        _ => response("400 Bad Request", "", "no such path"),
    };
    let _ = stream.write_all(said.as_bytes());
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The head in lower case, and the body.
fn request(stream: &mut TcpStream) -> (String, String) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split('\r').next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    let _ = stream.read_exact(&mut body);
    (head, String::from_utf8_lossy(&body).into_owned())
}
