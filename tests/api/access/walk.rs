//! Every route there is, by every credential that does not suffice, in every spelling.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Mutex;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{guarded, secret, tokens};
use crate::support::{PATIENCE, Redis, Setup};

/// Those that anybody may call; whatever joins them does so here, too.
const OPEN: [&str; 3] = ["GET /livez", "GET /readyz", "POST /api/session"];
/// Parts of paths that name nothing of a queue; a queue is `{queue}`, which the router
/// looks for.
const PARTS: [&str; 6] = ["id", "name", "plugin", "key", "host", "letter"];
const ROLES: [&str; 3] = ["viewer", "operator", "admin"];

#[derive(Clone)]
struct Route {
    method: String,
    path: String,
    access: String,
}

/// What the router says it has.
fn routes(setup: &Setup) -> Vec<Route> {
    let listed = setup.cli(&["api", "routes", "--json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    let text = |route: &Value, key: &str| route[key].as_str().unwrap().to_owned();
    let route = |route: &Value| Route {
        method: text(route, "method"),
        path: text(route, "path"),
        access: text(route, "access"),
    };
    listed.iter().map(route).collect()
}

impl Route {
    fn is_open(&self) -> bool {
        self.access == "open"
    }

    /// The path, of this queue.
    fn of(&self, queue: &str) -> String {
        let path = self.path.replace("{queue}", queue);
        let mut path = path.replace("{*", "{");
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            path.replace_range(from..=to, "x1");
        }
        path
    }

    /// Roles that do not suffice.
    fn too_low(&self) -> impl Iterator<Item = &'static str> {
        let needed = ROLES.iter().position(|role| *role == self.access);
        ROLES.into_iter().take(needed.unwrap_or(0))
    }
}

/// The status of what comes back, 0 for a connection that is closed without one.
fn status(address: &str, request: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(request.as_bytes());
    let mut line = String::new();
    let _ = BufReader::new(stream).read_line(&mut line);
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.unwrap_or_default()
}

/// A request as it is on the wire.
fn request(method: &str, target: &str, version: &str, host: &str, headers: &str) -> String {
    let body = match method {
        "GET" | "HEAD" => "\r\n",
        _ => "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    };
    format!(
        "{method} {target} HTTP/{version}\r\nhost: {host}\r\nconnection: close\r\n{headers}{body}"
    )
}

// Long because it is a list.
/// The same request in other spellings.
fn spellings(route: &Route, path: &str, headers: &str) -> Vec<String> {
    let method = &*route.method;
    let rest = &path[1..];
    let (first, last) = path.rsplit_once('/').unwrap();
    let letter = format!("/%{:x}{}", rest.as_bytes()[0], &rest[1..]);
    let paths = [
        path.to_owned(),
        format!("/{path}"),
        format!("{first}//{last}"),
        format!("{path}/"),
        format!("/.{path}"),
        format!("/%2e{path}"),
        format!("/%2e%2e{path}"),
        format!("/livez/..{path}"),
        format!("/livez/%2e%2e{path}"),
        format!("/livez%2f..{path}"),
        format!("{path};a=b"),
        format!("/livez;{path}"),
        format!("{path}%00"),
        format!("{path}?access_token={}", secret("admin")),
        format!("{path}#/livez"),
        path.to_uppercase(),
        letter,
        path.replace("/", "%2F").replacen("%2F", "/", 1),
        path.replace("/", "\\"),
    ];
    let mut all: Vec<String> = paths
        .iter()
        .map(|path| request(method, path, "1.1", "localhost", headers))
        .collect();
    // What has another method may have a GET beside it, with another role.
    if method == "GET" {
        all.push(request("HEAD", path, "1.1", "localhost", headers));
    }
    all.extend([
        request("OPTIONS", path, "1.1", "evil.com", headers),
        request(&method.to_lowercase(), path, "1.1", "localhost", headers),
        request(method, path, "1.0", "localhost", headers),
        request(method, path, "1.1", "evil.com", headers),
        request(
            method,
            &format!("http://localhost{path}"),
            "1.1",
            "localhost",
            headers,
        ),
        request(
            method,
            &format!("http://evil.com{path}"),
            "1.1",
            "localhost",
            headers,
        ),
    ]);
    for header in [
        format!("x-http-method-override: {method}\r\n"),
        format!("x-original-url: {path}\r\nx-rewrite-url: {path}\r\n"),
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-user: admin\r\nx-remote-user: admin\r\n".into(),
    ] {
        let headers = format!("{headers}{header}");
        all.push(request(method, path, "1.1", "localhost", &headers));
    }
    all
}

/// Credentials that suffice for nothing.
fn worthless() -> Vec<String> {
    let claims = json!({"sub": "x", "role": "admin", "exp": 4_000_000_000_u64});
    let key = EncodingKey::from_secret(b"some secret that is none of the issuer's").unwrap();
    let forged = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
    let admin = secret("admin");
    vec![
        String::new(),
        "authorization: Bearer\r\n".into(),
        "authorization: Bearer a-wrong-token-of-somebody\r\n".into(),
        format!("authorization: Bearer {}\r\n", secret("old")),
        format!("authorization: Bearer {}\r\n", &admin[..admin.len() - 1]),
        format!("authorization: Bearer {admin}x\r\n"),
        format!("authorization: {admin}\r\n"),
        format!("authorization: Token {admin}\r\n"),
        "authorization: Basic YWRtaW46YWRtaW4=\r\n".into(),
        format!("authorization: Bearer {forged}\r\n"),
        "authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZSI6ImFkbWluIn0.\r\n".into(),
        format!("authorization: Bearer wrong\r\nauthorization: Bearer {admin}\r\n"),
        format!("cookie: runner-session={admin}; token={admin}\r\n"),
        format!("x-api-key: {admin}\r\n"),
    ]
}

const JWT: &str = "[server.jwt]\nsecret = \"env:JWT_SECRET\"\n";

#[test]
fn each_route_refuses_whoever_may_not() {
    let redis = Redis::own();
    let setup = crate::api::served(&redis, &(tokens() + JWT));
    let setup = setup.env("JWT_SECRET", "a secret of the issuer, 32 bytes or more");
    let runner = setup.serve();
    let address = runner.api().address().to_owned();
    let routes = routes(&setup);
    let open: Vec<String> = routes
        .iter()
        .filter(|route| route.is_open())
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(
        open.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        OPEN.into()
    );
    let mut wrong = Vec::new();
    for route in routes.iter().filter(|route| !route.is_open()) {
        let Route {
            method,
            path,
            access,
        } = route;
        assert!(
            ["viewer", "operator", "admin"].contains(&&**access),
            "{path}"
        );
        for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let part = part.trim_end_matches('}');
            assert!(part == "queue" || PARTS.contains(&part), "{path}: {part}");
        }
        let ask = |name: Option<&str>, queue: &str| {
            let token = name.map(|name| format!("authorization: Bearer {}\r\n", secret(name)));
            let token = token.unwrap_or_default();
            status(
                &address,
                &request(method, &route.of(queue), "1.1", "localhost", &token),
            )
        };
        let mut expect = |who: &str, got: u16, is_right: bool| {
            if !is_right {
                wrong.push(format!("{method} {path} as {who}: {got}"));
            }
        };
        let got = ask(None, "my-queue");
        expect("nobody", got, got == 401);
        for role in route.too_low() {
            let got = ask(Some(role), "my-queue");
            expect(role, got, got == 403);
        }
        if path.contains("{queue}") {
            let got = ask(Some("mine"), "their-queue");
            expect("an admin of other queues", got, got == 403);
        }
        // Whoever may is let in, or all of this would say nothing.
        let got = ask(Some("admin"), "my-queue");
        expect("an admin", got, !matches!(got, 0 | 401 | 403 | 405 | 421));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// Long because it is one product: routes, credentials, spellings.
#[test]
fn no_spelling_opens_a_route() {
    let redis = Redis::own();
    let setup = crate::api::served(&redis, &(tokens() + JWT));
    let setup = setup.env("JWT_SECRET", "a secret of the issuer, 32 bytes or more");
    let runner = setup.serve();
    let address = runner.api().address().to_owned();
    let mut requests = Vec::new();
    for route in routes(&setup).iter().filter(|route| !route.is_open()) {
        let mut all: Vec<(String, String)> = worthless()
            .into_iter()
            .map(|shown| (shown, route.of("my-queue")))
            .collect();
        for role in route.too_low() {
            let shown = format!("authorization: Bearer {}\r\n", secret(role));
            all.push((shown, route.of("my-queue")));
        }
        if route.path.contains("{queue}") {
            let shown = format!("authorization: Bearer {}\r\n", secret("mine"));
            for queue in ["their-queue", "their%2dqueue", "%2e%2e%2fmy-queue"] {
                all.push((shown.clone(), route.of(queue)));
            }
        }
        for (shown, path) in all {
            requests.extend(spellings(route, &path, &shown));
        }
    }
    // A few seconds' worth, of every route and kind.
    let requests: Vec<_> = {
        let step = requests.len().div_ceil(12_000);
        requests.into_iter().step_by(step).collect()
    };
    assert!(requests.len() > 3000, "{}", requests.len());
    let allowed = Mutex::new(Vec::new());
    // The server has one thread; a few clients keep it busy.
    let share = requests.len().div_ceil(4);
    std::thread::scope(|scope| {
        for requests in requests.chunks(share) {
            let (address, allowed) = (&address, &allowed);
            scope.spawn(move || {
                for request in requests {
                    let status = status(address, request);
                    // A preflight says nothing but which origins may ask.
                    let is_preflight = request.starts_with("OPTIONS") && status == 200;
                    let is_refused =
                        matches!(status, 0 | 400 | 401 | 403 | 404 | 405 | 414 | 421 | 429);
                    if !is_refused && !is_preflight {
                        allowed.lock().unwrap().push(format!("{status}: {request}"));
                    }
                }
            });
        }
    });
    let allowed = allowed.into_inner().unwrap();
    assert!(
        allowed.is_empty(),
        "{} of {}: {:#?}",
        allowed.len(),
        requests.len(),
        allowed
    );
}

#[test]
fn the_routes_can_be_listed() {
    let redis = Redis::shared();
    let (setup, _runner) = guarded(&redis, "");
    let listed = setup.cli(&["api", "routes"]);
    assert_eq!(listed.stdout.lines().next(), Some("method\tpath\taccess\t"));
    let line = "GET\t/api/audit\tadmin\tWho has changed what, the newest first.";
    assert!(listed.stdout.contains(line), "{}", listed.stdout);
}
