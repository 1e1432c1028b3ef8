//! Which addresses a name may stand for. A granted name whose owner lets it point into the host's own loopback or link-local network (where
//! a cloud hands out credentials) would be a way around the grant, so such addresses are reached only where an operator granted them as such.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `name`, which is no address itself, may stand for `address`. `localhost` stands for loopback addresses alone, any other name for
/// everything but loopback, link-local, multicast, broadcast and unspecified addresses, also where IPv6 wraps them.
pub(crate) fn may_stand_for(name: &str, address: IpAddr) -> bool {
    let address = unwrapped(address);
    if name.eq_ignore_ascii_case("localhost") {
        return address.is_loopback();
    }
    match address {
        IpAddr::V4(address) => is_ordinary_v4(address),
        IpAddr::V6(address) => is_ordinary_v6(address),
    }
}

/// Where clouds hand out credentials outside the link-local network: Alibaba and Azure, Amazon and Google.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

fn is_ordinary_v4(address: Ipv4Addr) -> bool {
    // 0.0.0.0/8 is "this network": Linux takes all of it for the host itself.
    let this_network = address.octets()[0] == 0;
    let metadata = METADATA_V4.contains(&address);
    !(this_network
        || metadata
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast())
}

fn is_ordinary_v6(address: Ipv6Addr) -> bool {
    let metadata = METADATA_V6.contains(&address);
    !(metadata || address.is_unspecified() || address.is_loopback() || address.is_unicast_link_local() || address.is_multicast())
}

/// The IPv4 address within an IPv6 one: mapped (`::ffff:0:0/96`), compatible (`::/96`), translated (`64:ff9b::/96`, `64:ff9b:1::/48`) or of
/// 6to4 (`2002::/16`).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if v6.is_loopback() || v6.is_unspecified() {
        return address;
    }
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(name: &str, address: &str) -> bool {
        may_stand_for(name, address.parse().unwrap())
    }

    #[test]
    fn a_name_stands_for_public_and_private_addresses() {
        for address in
            ["93.184.216.34", "10.0.0.7", "192.168.1.1", "172.16.0.1", "2606:2800:220:1::1", "fd00::1", "::ffff:10.0.0.7"]
        {
            assert!(may("ci.example.com", address), "{address}");
        }
    }

    #[test]
    fn a_name_does_not_stand_for_the_host_itself_or_its_link() {
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd20:ce::254",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::a9fe:a9fe",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::169.254.169.254",
        ] {
            assert!(!may("ci.example.com", address), "{address}");
        }
    }

    #[test]
    fn localhost_is_loopback_and_nothing_else() {
        assert!(may("localhost", "127.0.0.1") && may("LOCALHOST", "::1") && may("localhost", "::ffff:127.0.0.1"));
        assert!(!may("localhost", "10.0.0.1") && !may("localhost.", "127.0.0.1") && !may("localhost.evil.example", "127.0.0.1"));
    }
}
