//! Which addresses are on the public internet.
//!
//! A complete table of our own, because `std`'s predicates pass twelve of the
//! fourteen addresses a request forgery would try (shared address space, cloud
//! metadata, IPv4 wrapped in IPv6). Sources: the IANA special-purpose address
//! registries for IPv4 and IPv6, RFC 6890, and the metadata addresses of cloud
//! providers that lie outside those blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block that is not public: address, prefix length, what it is for.
struct Block<A>(A, u8, &'static str);

const V4: &[Block<Ipv4Addr>] = &[
    Block(Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    Block(Ipv4Addr::new(10, 0, 0, 0), 8, "private use"),
    // Holds Alibaba Cloud's metadata, 100.100.100.200.
    Block(Ipv4Addr::new(100, 64, 0, 0), 10, "shared address space"),
    Block(Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    Block(Ipv4Addr::new(168, 63, 129, 16), 32, "cloud metadata"),
    // Holds the metadata of AWS, Google, Azure: 169.254.169.254, 169.254.170.2.
    Block(Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    Block(Ipv4Addr::new(172, 16, 0, 0), 12, "private use"),
    // Holds Oracle Cloud's metadata, 192.0.0.192.
    Block(Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    Block(Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    Block(Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relay"),
    Block(Ipv4Addr::new(192, 168, 0, 0), 16, "private use"),
    Block(Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    Block(Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    Block(Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    Block(Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    Block(Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// Blocks with a name. Whatever else is outside 2000::/3, the only range IANA
/// has given out for global unicast, is refused as "not global unicast".
const V6: &[Block<Ipv6Addr>] = &[
    Block(Ipv6Addr::UNSPECIFIED, 128, "unspecified"),
    Block(Ipv6Addr::LOCALHOST, 128, "loopback"),
    Block(v6(0, 0), 96, "IPv4-compatible"),
    Block(v6(0x2001, 0), 32, "Teredo"),
    Block(v6(0x2001, 0), 23, "protocol assignments"),
    Block(v6(0x2001, 0xdb8), 32, "documentation"),
    Block(v6(0x2002, 0), 16, "6to4"),
    Block(v6(0x3fff, 0), 20, "documentation"),
    // Holds the metadata of AWS over IPv6, fd00:ec2::254.
    Block(v6(0xfc00, 0), 7, "unique local"),
    Block(v6(0xfe80, 0), 10, "link-local"),
    Block(v6(0xfec0, 0), 10, "site-local"),
    Block(v6(0xff00, 0), 8, "multicast"),
];

const fn v6(first: u16, second: u16) -> Ipv6Addr {
    Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)
}

/// Why an address is not public; `None` if it is.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    V4.iter()
        .find(|block| {
            let shift = 32 - u32::from(block.1);
            u32::from(address) >> shift == u32::from(block.0) >> shift
        })
        .map(|block| block.2)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let [a, b, c, d, e, f, ..] = address.segments();
    let embedded = Ipv4Addr::from(u128::from(address) as u32);
    // NAT64 (RFC 6052) is how a host without IPv4 reaches the public IPv4
    // internet, so it is as good as the address inside.
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return special_v4(embedded);
    }
    let named = V6.iter().find(|block| {
        let shift = 128 - u32::from(block.1);
        u128::from(address) >> shift == u128::from(block.0) >> shift
    });
    if let Some(block) = named {
        return Some(block.2);
    }
    if a & 0xe000 != 0x2000 {
        return Some("not global unicast");
    }
    // ISATAP (RFC 5214) tunnels to the IPv4 address in its interface id, under
    // any prefix.
    if e & 0xfdff == 0 && f == 0x5efe {
        return special_v4(embedded);
    }
    None
}
