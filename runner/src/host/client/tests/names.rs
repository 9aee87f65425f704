//! Request forgery by name: what a name may resolve to, and that the checked
//! address is the one that is dialled.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::forgery::{FORBIDDEN_V4, wrapped};
use super::upstream::{Does, Upstream};
use super::*;

#[tokio::test]
async fn what_is_not_granted_is_denied_with_the_way_out() {
    let grant = grant(&["https://api.example.com"]);
    for (url, reason) in [
        (
            "https://evil.example/x?token=1",
            r#"host "evil.example" is not granted to plugin "probe": add "https://evil.example" to [plugins.probe] http"#,
        ),
        (
            "https://api.example.com:8443/",
            r#"host "api.example.com" is not granted to plugin "probe": add "https://api.example.com:8443" to [plugins.probe] http"#,
        ),
        (
            "http://[::1]:6379/",
            r#"host "[::1]" is not granted to plugin "probe": add "http://[::1]:6379" to [plugins.probe] http"#,
        ),
    ] {
        assert_eq!(
            text("denied", grant.send(&caller(), get(url)).await),
            reason
        );
    }
}

#[tokio::test]
async fn a_name_with_one_address_that_is_not_public_is_denied() {
    let http = |addresses: &[&str]| {
        let addresses: Vec<_> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        Http::new(Handle::current())
            .with_resolver(resolving(&addresses))
            .grant(&plugin(&["http://api.example.com"], &["10.1.0.0/16"]))
    };
    let url = "http://api.example.com/";
    assert_eq!(
        text(
            "denied",
            http(&["1.1.1.1", "10.0.0.7", "::ffff:127.0.0.1"])
                .send(&caller(), get(url))
                .await
        ),
        r#"host "api.example.com" has the address 10.0.0.7 (private use), which is not public: add "10.0.0.7/32", "127.0.0.1/32" to [plugins.probe] http_networks if it is meant"#
    );
    for v4 in FORBIDDEN_V4 {
        for address in wrapped(v4).into_iter().chain([IpAddr::from(v4)]) {
            let address = address.to_string();
            if address.contains("10.1.") || address.contains("a01:") {
                continue;
            }
            for answers in [vec![address.as_str()], vec!["1.1.1.1", &address]] {
                text("denied", http(&answers).send(&caller(), get(url)).await);
            }
        }
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_a_dns_error() {
    let unknown: Resolve =
        Arc::new(|_| Box::pin(async { Err(std::io::Error::other("no such host")) }));
    let http = Http::new(Handle::current());
    let plugin = plugin(&["http://api.example.com"], &[]);
    let url = "http://api.example.com/";
    let sent = http
        .clone()
        .with_resolver(unknown)
        .grant(&plugin)
        .send(&caller(), get(url))
        .await;
    assert_eq!(
        text("dns", sent),
        r#"host "api.example.com" cannot be resolved: no such host"#
    );
    let sent = http
        .with_resolver(resolving(&[]))
        .grant(&plugin)
        .send(&caller(), get(url))
        .await;
    assert_eq!(
        text("dns", sent),
        r#"host "api.example.com" has no address"#
    );
}

#[tokio::test]
async fn a_granted_network_or_a_granted_address_may_be_private() {
    let upstream = Upstream::ok().await;
    let port = upstream.address.port();
    let named = format!("http://api.internal:{port}");
    let http =
        Http::new(Handle::current()).with_resolver(resolving(&["127.0.0.1".parse().unwrap()]));
    let grant = http.grant(&plugin(&[&named], &["127.0.0.1/32"]));
    assert_eq!(
        grant.send(&caller(), get(&named)).await.unwrap().status,
        200
    );
    let grant = http.grant(&plugin(&[&upstream.origin()], &[]));
    assert_eq!(
        grant
            .send(&caller(), get(upstream.url("/")))
            .await
            .unwrap()
            .status,
        200
    );
    // The address is granted, the name that leads to it is not; nor another port.
    text("denied", grant.send(&caller(), get(&named)).await);
    text(
        "denied",
        grant.send(&caller(), get("http://127.0.0.1:1/")).await,
    );
    text(
        "denied",
        grant
            .send(&caller(), get(format!("http://127.0.0.2:{port}/")))
            .await,
    );
}

#[tokio::test]
async fn a_name_that_rebinds_is_checked_anew_and_the_checked_address_is_dialled() {
    // Closing after each response makes every request look the name up.
    let closing = |_: &str| Does::Closes(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec());
    let granted = Upstream::start(closing).await;
    let port = granted.address.port();
    let private = Upstream::start_at(&format!("127.0.0.2:{port}"), closing).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let rebinding: Resolve = Arc::new(move |_| {
        let answer = match count.fetch_add(1, Ordering::SeqCst) {
            0 => Ipv4Addr::new(127, 0, 0, 1),
            _ => Ipv4Addr::new(127, 0, 0, 2),
        };
        Box::pin(async move { Ok(vec![answer.into()]) })
    });
    let url = format!("http://api.example.com:{port}/");
    let grant = Http::new(Handle::current())
        .with_resolver(rebinding)
        .grant(&plugin(&[&url], &["127.0.0.1/32"]));

    assert_eq!(grant.send(&caller(), get(&url)).await.unwrap().status, 200);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "checked by one answer, dialled by another"
    );
    granted.closed(1).await;
    text("denied", grant.send(&caller(), get(&url)).await);
    assert_eq!((granted.connections(), private.connections()), (1, 0));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let upstream = Upstream::ok().await;
    let url = format!("http://api.internal:{}/", upstream.address.port());
    let addresses = ["127.0.0.3".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let grant = Http::new(Handle::current())
        .with_resolver(resolving(&addresses))
        .grant(&plugin(&[&url], &["127.0.0.0/8"]));
    assert_eq!(grant.send(&caller(), get(&url)).await.unwrap().status, 200);
}
