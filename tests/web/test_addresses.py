"""Whom a request is from, with and without proxies that are trusted."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.web.addresses import MAX_ENTRIES, ClientAddress

PROXIES = [ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")]
client_address = ClientAddress(PROXIES)


def scope(peer: str | None, *forwarded: str | bytes, **others: str) -> dict[str, Any]:
    """Return a request from a peer, with one line of X-Forwarded-For for each of `forwarded`."""
    lines = [line.encode() if isinstance(line, str) else line for line in forwarded]
    return {
        "type": "http",
        "client": None if peer is None else (peer, 1234),
        "headers": [
            *((name.replace("_", "-").encode(), value.encode()) for name, value in others.items()),
            *((b"x-forwarded-for", line) for line in lines),
        ],
    }


def test_without_a_header_it_is_the_peer() -> None:
    assert client_address(scope("192.0.2.1")) == "192.0.2.1"
    assert client_address(scope("10.0.0.1")) == "10.0.0.1"


def test_a_peer_that_is_not_trusted_is_the_client_whatever_it_sends() -> None:
    assert client_address(scope("192.0.2.1", "198.51.100.7")) == "192.0.2.1"
    assert ClientAddress([])(scope("127.0.0.1", "198.51.100.7")) == "127.0.0.1"


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/socket", "[::1]x"])
def test_a_peer_without_an_address_is_nobody_and_never_trusted(peer: str | None) -> None:
    assert client_address(scope(peer, "198.51.100.7")) == ""


def test_of_a_trusted_peer_the_last_address_that_is_not_trusted_is_the_client() -> None:
    assert client_address(scope("10.0.0.1", "198.51.100.7")) == "198.51.100.7"
    assert client_address(scope("10.0.0.1", "1.1.1.1, 198.51.100.7")) == "198.51.100.7"
    assert client_address(scope("10.0.0.1", "1.1.1.1,198.51.100.7 ,\tfd00::2, 10.9.9.9")) == (
        "198.51.100.7"
    )


def test_several_lines_are_one_list_in_their_order() -> None:
    assert (
        client_address(scope("10.0.0.1", "1.1.1.1", "2.2.2.2, 10.0.0.3", "10.0.0.2")) == "2.2.2.2"
    )


def test_where_all_are_trusted_the_first_one_is_the_client() -> None:
    assert client_address(scope("10.0.0.1", "10.0.0.3, 10.0.0.2")) == "10.0.0.3"


@pytest.mark.parametrize(
    "odd",
    [
        *("", "unknown", "_hidden", "example.com", "198.51.100", "198.51.100.256", "198.51.100.07"),
        *("1.1.1.1:", "1.1.1.1:x", "1.1.1.1:123456", "1.1.1.1 :80", "1.1.1.1%eth0", "1.1.1.1/32"),
        *("[2001:db8::1", "2001:db8::1]", "[2001:db8::1]443", "[2001:db8::1]:", "[[::1]]", "[]"),
        *("2001:db8::1%", "2001:db8:::1", "::1::", "1:2:3:4:5:6:7:8:9", ":", "::g", "fe80::1%a%b"),
        *('"1.1.1.1"', "for=1.1.1.1", "1.1.1.1;2.2.2.2", "1.1.1.1\x00", "1.1.1.1\n", "\xa01.1.1.1"),
        *("١.١.١.١", "１.1.1.1", "1" * 10_000, "[" * 10_000, ":" * 10_000, "a%" * 10_000),
    ],
)
def test_text_that_is_no_address_ends_the_reading(odd: str) -> None:
    assert client_address(scope("10.0.0.1", f"1.1.1.1, {odd}")) == "10.0.0.1"
    assert client_address(scope("10.0.0.1", f"1.1.1.1, {odd}, 10.0.0.3, 10.0.0.2")) == "10.0.0.3"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("192.0.2.1:1234", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::443", "2001:db8::443"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
        ("::", "::"),
    ],
)
def test_ports_brackets_zones_and_mapped_addresses_are_understood(
    entry: str, expected: str
) -> None:
    assert client_address(scope("10.0.0.1", entry)) == expected
    assert client_address(scope(entry)) == expected


def test_a_mapped_peer_is_trusted_as_the_ipv4_address_that_it_is() -> None:
    assert client_address(scope("::ffff:10.0.0.1", "198.51.100.7")) == "198.51.100.7"
    assert client_address(scope("10.0.0.1", "198.51.100.7, ::ffff:10.0.0.2")) == "198.51.100.7"


def test_of_a_long_header_only_the_last_entries_are_read() -> None:
    hops = [f"10.0.1.{n}" for n in range(MAX_ENTRIES - 1)]
    assert client_address(scope("10.0.0.1", ", ".join(["1.1.1.1", *hops]))) == "1.1.1.1"
    assert (
        client_address(scope("10.0.0.1", ", ".join(["1.1.1.1", "10.0.2.2", *hops]))) == "10.0.2.2"
    )
    assert client_address(scope("10.0.0.1", b"1.1.1.1," * 10_000 + b"10.0.2.2")) == "1.1.1.1"


def test_nothing_else_that_is_forwarded_is_believed() -> None:
    others = {
        "forwarded": "for=1.1.1.1",
        "x_forwarded": "1.1.1.1",
        "x_real_ip": "1.1.1.1",
        "x_forwarded_host": "1.1.1.1",
        "true_client_ip": "1.1.1.1",
    }
    assert client_address(scope("10.0.0.1", **others)) == "10.0.0.1"


addresses = st.ip_addresses().map(str) | st.sampled_from(["10.0.0.2", "fd00::2", "198.51.100.7"])
entries = addresses | st.text("0123456789abcdef:.%[], \t", max_size=20) | st.text(max_size=9)
peers = st.none() | addresses | st.text(max_size=20)


@given(peers, st.lists(st.binary(max_size=40) | entries.map(str.encode), max_size=6))
def test_it_is_never_an_error_and_never_anybody_but_the_peer_or_whom_the_header_names(
    peer: str | None, lines: list[bytes]
) -> None:
    found = client_address(scope(peer, *lines))
    if found:
        named = b",".join(lines).decode("latin-1").split(",")
        assert found in {_plain(text) for text in [peer or "", *named]}


@given(st.lists(addresses, max_size=10), addresses)
def test_it_is_the_last_one_that_is_not_trusted(chain: list[str], peer: str) -> None:
    read = [ip_address(text) for text in [*chain, peer]]
    strangers = [one for one in read if not any(one in network for network in PROXIES)]
    expected = str(strangers[-1] if strangers else read[0])
    assert client_address(scope(peer, ", ".join(chain))) == _plain(expected)


def _plain(text: str) -> str:
    """Return the usual form of an address with a port, brackets or a zone, found in another way than by the code."""
    text = text.strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "odd"
    return str(getattr(address, "ipv4_mapped", None) or address)
