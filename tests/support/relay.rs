//! A relay to Redis: its connections can be cut, and what is sent can be seen before
//! Redis sees it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers on the way are lost when it is cut.
pub(crate) struct Relay {
    port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn to(port: u16) -> Relay {
        Relay::watched(port, |_| {})
    }

    /// `sees` is called with each piece that is sent, before it is passed on.
    pub(crate) fn watched(port: u16, sees: impl Fn(&[u8]) + Send + Sync + 'static) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay {
            port: listener.local_addr().unwrap().port(),
            open: Arc::default(),
        };
        let (open, sees) = (relay.open.clone(), Arc::new(sees));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let both = |stream: &TcpStream| stream.try_clone().unwrap();
                open.lock().unwrap().extend([both(&near), both(&far)]);
                let (from, to, sees) = (both(&near), both(&far), sees.clone());
                std::thread::spawn(move || pass(from, to, |piece| sees(piece)));
                std::thread::spawn(move || pass(far, near, |_| {}));
            }
        });
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, sees: impl Fn(&[u8])) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        sees(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
