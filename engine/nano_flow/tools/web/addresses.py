"""Which network addresses lie on the public internet: everything else is refused, with the reason."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_SPECIAL_4 = {
    "0.0.0.0/8": "unspecified",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared, inside a provider's or a cloud's network",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "the metadata of a cloud",
    "169.254.0.0/16": "link-local, where clouds keep their metadata",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "reserved for documentation",
    "192.88.99.0/24": "a relay of 6to4",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "reserved for benchmarks",
    "198.51.100.0/24": "reserved for documentation",
    "203.0.113.0/24": "reserved for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_SPECIAL_6 = {
    "::1/128": "loopback",
    "::/128": "unspecified",
    "::/96": "an IPv4 address in disguise",
    "::ffff:0:0:0/96": "an IPv4 address in disguise",
    "64:ff9b::/96": "an IPv4 address behind NAT64",
    "64:ff9b:1::/48": "an IPv4 address behind NAT64",
    "100::/64": "discarded",
    "2001::/32": "a Teredo tunnel",
    "2001::/23": "reserved",
    "2001:db8::/32": "reserved for documentation",
    "2002::/16": "a 6to4 tunnel",
    "3fff::/20": "reserved for documentation",
    "5f00::/16": "reserved for segment routing",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
_NETWORKS_4 = tuple((IPv4Network(network), reason) for network, reason in _SPECIAL_4.items())
_NETWORKS_6 = tuple((IPv6Network(network), reason) for network, reason in _SPECIAL_6.items())
_PUBLIC_6 = IPv6Network("2000::/3")


def refusal(address: Address) -> str:
    """Why nobody should be led to ``address``; empty where it is public."""
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _NETWORKS_4 if address in network), "")
    if address.ipv4_mapped is not None:
        return refusal(address.ipv4_mapped)
    special = next((reason for network, reason in _NETWORKS_6 if address in network), "")
    if special:
        return special
    if int(address) >> 32 & 0xFFFF_FFFF in (0x5EFE, 0x0200_5EFE):
        return "an ISATAP tunnel"
    return "" if address in _PUBLIC_6 else "reserved"


def plain(address: Address) -> Address:
    """``::ffff:127.0.0.1`` as ``127.0.0.1``; without the zone of a link-local one."""
    if isinstance(address, IPv6Address):
        bare = IPv6Address(int(address))
        return bare.ipv4_mapped or bare
    return address


def read_address(text: str) -> Address | None:
    """The address that ``text`` is in its one usual form; None where it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None
