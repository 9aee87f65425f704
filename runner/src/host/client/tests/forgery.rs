//! Request forgery by the URL: every way to write an address that is not public,
//! or a host that is not granted, is refused; what is legitimate passes.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::super::address::special;
use super::super::policy::Policy;
use super::*;

/// One or more addresses of every special block, its edges included, and the
/// metadata addresses of the clouds.
pub(super) const FORBIDDEN_V4: [[u8; 4]; 48] = [
    [0, 0, 0, 0],
    [0, 1, 2, 3],
    [0, 255, 255, 255],
    [10, 0, 0, 0],
    [10, 1, 2, 3],
    [10, 255, 255, 255],
    [100, 64, 0, 0],
    [100, 100, 100, 200],
    [100, 127, 255, 255],
    [127, 0, 0, 0],
    [127, 0, 0, 1],
    [127, 0, 1, 1],
    [127, 255, 255, 255],
    [168, 63, 129, 16],
    [169, 254, 0, 0],
    [169, 254, 169, 253],
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [169, 254, 255, 255],
    [172, 16, 0, 0],
    [172, 17, 0, 1],
    [172, 31, 255, 255],
    [192, 0, 0, 0],
    [192, 0, 0, 8],
    [192, 0, 0, 170],
    [192, 0, 0, 192],
    [192, 0, 0, 255],
    [192, 0, 2, 0],
    [192, 0, 2, 255],
    [192, 88, 99, 1],
    [192, 168, 0, 0],
    [192, 168, 1, 1],
    [192, 168, 255, 255],
    [198, 18, 0, 0],
    [198, 19, 255, 255],
    [198, 51, 100, 7],
    [203, 0, 113, 0],
    [203, 0, 113, 255],
    [224, 0, 0, 0],
    [224, 0, 0, 251],
    [239, 255, 255, 250],
    [239, 255, 255, 255],
    [240, 0, 0, 0],
    [247, 1, 1, 1],
    [250, 9, 8, 7],
    [255, 255, 255, 254],
    [255, 255, 255, 255],
];

const FORBIDDEN_V6: [&str; 31] = [
    "::",
    "::1",
    "::2",
    "::ffff:0:0",
    "64:ff9b:1::1",
    "64:ff9b::7f00:1",
    "100::1",
    "100:0:0:1::1",
    "1234::1",
    "1fff:ffff::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:3::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
];

const PUBLIC: [&str; 44] = [
    "1.0.0.0",
    "1.1.1.1",
    "8.8.8.8",
    "9.9.9.9",
    "9.255.255.255",
    "11.0.0.0",
    "31.13.24.1",
    "52.95.110.1",
    "99.255.255.255",
    "100.0.0.1",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "129.134.30.12",
    "140.82.121.4",
    "151.101.1.140",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "2a03:2880:f10d:83:face:b00c:0:25de",
    "2400:cb00::1",
    "2620:fe::fe",
    "64:ff9b::808:808",
];

/// IPv6 addresses that carry an IPv4 address to where it leads.
pub(super) fn wrapped(v4: [u8; 4]) -> Vec<IpAddr> {
    let [a, b, c, d] = v4.map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    let v6 = |s: [u16; 8]| IpAddr::V6(Ipv6Addr::from(s));
    vec![
        v6([0, 0, 0, 0, 0, 0xffff, high, low]),          // mapped
        v6([0, 0, 0, 0, 0, 0, high, low]),               // compatible
        v6([0x64, 0xff9b, 0, 0, 0, 0, high, low]),       // NAT64
        v6([0x64, 0xff9b, 1, 0, 0, 0, high, low]),       // NAT64, local
        v6([0x2002, high, low, 0, 0, 0, 0, 1]),          // 6to4
        v6([0x2001, 0, high, low, 0, 0, 0, 0]),          // Teredo, server
        v6([0x2001, 0, 1, 1, 0, 0, !high, !low]),        // Teredo, client
        v6([0xfe80, 0, 0, 0, 0, 0x5efe, high, low]),     // ISATAP, link-local
        v6([0x2a00, 1, 2, 3, 0, 0x5efe, high, low]),     // ISATAP, private
        v6([0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low]), // ISATAP, global
    ]
}

/// Hosts of URLs that mean this IPv4 address to some parser.
fn spellings(v4: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = v4;
    let number = u32::from_be_bytes(v4);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let wide = |text: &str| {
        text.chars()
            .map(|c| match c {
                '0'..='9' => char::from_u32(c as u32 + 0xfee0).unwrap(),
                other => other,
            })
            .collect::<String>()
    };
    let percent: String = dotted.bytes().map(|byte| format!("%{byte:02x}")).collect();
    vec![
        dotted.clone(),
        format!("{dotted}."),
        number.to_string(),
        format!("{number:#x}"),
        format!("{number:#X}"),
        format!("0{number:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a}.{}", number & 0xff_ffff),
        format!("{a}.{b}.{}", number & 0xffff),
        format!("{a:#x}.{}", number & 0xff_ffff),
        format!("{a}.{b:#x}.0{c:o}.{d}"),
        format!("000{a:o}.{b}.{c}.{d}"),
        wide(&dotted),
        dotted.replace('.', "。"),
        dotted.replace('.', "．"),
        percent,
        format!("{a}%2e{b}%2e{c}%2e{d}"),
        format!("[::ffff:{dotted}]"),
        format!("[::{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[0:0:0:0:0:ffff:{dotted}]"),
        format!("[{dotted}]"),
        format!("[fe80::1%25{a}]"),
        format!("api.example.com@{dotted}"),
        format!("api.example.com:443@{dotted}"),
        format!("{dotted}:443"),
        format!("{dotted}#@api.example.com"),
        format!("{dotted}?@api.example.com"),
        format!("{dotted}\\@api.example.com"),
        format!("{dotted}/.api.example.com"),
    ]
}

/// Grants as wide as anyone would write them, none of them an address.
fn policy() -> Policy {
    Policy::new(&plugin(
        &[
            "https://api.example.com",
            "http://api.example.com",
            "https://*.example.com",
            "http://*.example.org:8080",
            "https://bücher.example",
        ],
        &[],
    ))
}

#[test]
fn no_special_address_is_public_however_it_is_wrapped() {
    let mut count = 0;
    for v4 in FORBIDDEN_V4 {
        for address in wrapped(v4).into_iter().chain([IpAddr::from(v4)]) {
            assert!(special(address).is_some(), "{v4:?} passed as {address}");
            count += 1;
        }
    }
    for text in FORBIDDEN_V6 {
        let address = text.parse().unwrap();
        assert!(special(address).is_some(), "{text} passed");
        count += 1;
    }
    assert!(count > 500, "{count}");
}

#[test]
fn public_addresses_are_public_up_to_the_edges_of_the_blocks() {
    for text in PUBLIC {
        assert_eq!(special(text.parse().unwrap()), None, "{text}");
    }
}

#[test]
fn no_spelling_of_a_special_address_is_granted() {
    let policy = policy();
    let mut count = 0;
    let v6 = FORBIDDEN_V6.map(|text| vec![format!("[{text}]"), format!("[{text}]:443")]);
    for host in FORBIDDEN_V4.map(spellings).into_iter().chain(v6).flatten() {
        for url in [
            format!("https://{host}/"),
            format!("http://{host}"),
            format!("http:{host}"),
        ] {
            if let Ok(url) = policy.parse(&url) {
                panic!("{host} passed as {url}");
            }
            count += 1;
        }
    }
    assert!(count > 4000, "{count}");
}

/// URLs that look granted to a careless reader.
const STRETCHED: &[&str] = &[
    // Prefix, suffix, substring.
    "https://api.example.com.evil.example/",
    "https://evilexample.com/",
    "https://xapi.example.org/",
    "https://api.example.comevil.example/",
    "https://example.com/",
    "https://api-example.com/",
    "https://api.example.co/",
    "https://api.example.com-evil.example/",
    "https://.example.com/",
    "https://..example.com/",
    "https://example.com.example/",
    "http://example.org:8080/",
    // Scheme and port.
    "http://www.example.com/",
    "https://api.example.com:444/",
    "http://api.example.com:443/",
    "https://www.example.com:8443/",
    "http://www.example.org/",
    "https://www.example.org:8080/",
    "http://api.example.com:6379/",
    "http://api.example.com:22/",
    "http://api.example.com:0/",
    "https://api.example.com:65536/",
    "https://api.example.com:-1/",
    "https://api.example.com:4 43/",
    "ws://api.example.com/",
    "ftp://api.example.com/",
    "gopher://api.example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "blob:https://api.example.com/x",
    "about:blank",
    // User names.
    "https://api.example.com@evil.example/",
    "https://api.example.com:x@evil.example/",
    "https://user@api.example.com/",
    "https://:pw@api.example.com/",
    "https://a@b@api.example.com/",
    "https://api.example.com%40evil.example/",
    "https://evil.example%40api.example.com@x.example/",
    // Where parsers part ways.
    "https://evil.example\\@api.example.com/",
    "https://api.example.com\\@evil.example/",
    "https:\\\\evil.example/",
    "https:/\\evil.example",
    "https://evil.example#@api.example.com/",
    "https://evil.example?@api.example.com/",
    "https://evil.example;@api.example.com/",
    "https://api.example.com\t.evil.example/",
    "https://evil.example\r\n.api.example.com/",
    "https://evil.example\n/",
    "\u{1}https://api.example.com/",
    " https://api.example.com/",
    "https://api.example.com /",
    "https://api.exa\u{ad}mple.evil/",
    "https://[api.example.com]/",
    "https://[::1]api.example.com/",
    "https://api.example.com[::1]/",
    "https://api.example.com%00.evil.example/",
    "https://api.example.com%2f.evil.example/",
    "https://api.example.com%5c.evil.example/",
    "https://api.example.com%23.evil.example/",
    "https://",
    "https:///",
    "https://?x",
    "https:",
    "//api.example.com/",
    "/api.example.com",
    "api.example.com",
    "https://api.example.com..evil.example/",
    "https://api.example.com../",
    // Look-alikes: Cyrillic а, Greek ο, full stop variants in other places, dotless ı.
    "https://аpi.example.com.evil.example/",
    "https://api.exаmple.com/",
    "https://api.example.cοm/",
    "https://apı.example.cam/",
    "https://api.example.com\u{2024}evil.example/",
    "https://xn--api-example-com.evil.example/",
    "https://bucher.example/",
    "https://b\u{fc}cher.example.evil.example/",
    // Names of this machine.
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://a.localhost/",
    "https://localhost:443/",
    "http://localhost.localdomain/",
    "http://ip6-localhost/",
    "http://metadata.google.internal/",
];

#[test]
fn allow_lists_cannot_be_stretched() {
    let policy = policy();
    for url in STRETCHED {
        if let Ok(url) = policy.parse(url) {
            panic!("{url} passed");
        }
    }
}

#[test]
fn two_hundred_legitimate_urls_pass() {
    let policy = policy();
    let origins = [
        "https://api.example.com",
        "http://api.example.com",
        "https://www.example.com",
        "https://a.b.c.example.com",
        "http://eu.example.org:8080",
        "https://bücher.example",
        "HTTPS://API.Example.COM",
        "https://api.example.com:443",
        "http://api.example.com:80",
        "https://api.example.com.",
        "https://api。example。com",
        "https://x_y.example.com",
    ];
    let rests = [
        "",
        "/",
        "/a",
        "/a/b/../c",
        "/a//b",
        "/?q=1",
        "?q=1",
        "/a?b=c&d=e",
        "/%20%2F",
        "/~user/(x);y=z,w",
        "/v21.0/1234567890/messages",
        "/2010-04-01/Accounts/AC1/Messages.json",
        "/a?url=https://evil.example/",
        "/@user",
        "/a:b",
        "/a?x={y}",
        "/grüße",
    ];
    let mut count = 0;
    for origin in origins {
        for rest in rests {
            let url = policy.parse(&format!("{origin}{rest}"));
            let url = url.unwrap_or_else(|error| panic!("{origin}{rest}: {error:?}"));
            assert!(!url.host_str().unwrap().ends_with('.'), "{url}");
            count += 1;
        }
    }
    assert!(count >= 200, "{count}");
}

proptest! {
    #[test]
    fn a_wrapped_address_is_never_more_public_than_itself(v4: [u8; 4]) {
        let plain = special(IpAddr::from(v4));
        for address in wrapped(v4) {
            prop_assert!(plain.is_none() || special(address).is_some(), "{address}");
        }
        let mapped = Ipv4Addr::from(v4).to_ipv6_mapped();
        prop_assert_eq!(special(IpAddr::V6(mapped)), plain);
    }

    #[test]
    fn nothing_outside_global_unicast_is_public(v6: u128) {
        let address = Ipv6Addr::from(v6);
        let global = address.segments()[0] & 0xe000 == 0x2000;
        let nat64 = v6 >> 32 == 0x64_ff9b_0000_0000_0000_0000;
        let mapped = address.to_ipv4_mapped().is_some();
        prop_assume!(!global && !nat64 && !mapped);
        prop_assert!(special(IpAddr::V6(address)).is_some());
    }

    #[test]
    fn what_passes_is_granted_to_every_parser(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("https:".to_owned()), Just("http:".into()), Just("//".into()), Just("/".into()),
                Just("api.example.com".into()), Just("evil.example".into()), Just(".example.com".into()),
                Just("127.0.0.1".into()), Just("[::1]".into()), Just("@".into()), Just(":".into()),
                Just("443".into()), Just("8080".into()), Just("#".into()), Just("?".into()), Just("%2f".into()),
                Just("%00".into()), Just(".".into()), Just("{".into()), Just("`".into()), Just("。".into()),
                Just("\"".into()), Just("|".into()), Just("a".into()), any::<char>().prop_map(String::from),
            ],
            1..8,
        )
    ) {
        let text = format!("https://{}", parts.concat());
        if let Ok(url) = policy().parse(&text) {
            let host = url.host_str().unwrap();
            let granted = host == "api.example.com"
                || host.ends_with(".example.com")
                || host.ends_with(".example.org")
                || host == "xn--bcher-kva.example";
            prop_assert!(granted, "{text:?} passed as {url}");
            if let Ok(uri) = url.as_str().parse::<http::Uri>() {
                prop_assert_eq!(uri.host(), Some(host));
                prop_assert_eq!(uri.port_u16(), url.port());
            }
        }
    }
}
