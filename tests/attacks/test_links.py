"""Share links in hands that they were not meant for, and names that are tried from outside.

They stand in the place of signed URLs: what a URL may show is written in the database, not in the URL, so that it can
be taken back. A URL has one secret in it, and of everything that can be changed in it nothing else is believed.
"""

import hmac
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tests.attacks.forging import decode, encode
from tests.attacks.links import LINKS, gone, revoke, share, unknown
from tests.attacks.world import (
    BY_POLL_S,
    PASSWORD,
    SECRET,
    Pair,
    World,
    at_once,
    one_node,
    refused,
    same,
)

NEXT_SECRET = "another key for tests that an attacker may know 0123456789"
LONGEST_S = 365 * 86400
MOST = 20


@pytest.fixture
def ann(world: World) -> Pair:
    return world.sign_up()


def test_c10_a_token_that_is_changed_is_no_link(world: World, ann: Pair) -> None:
    shared = share(world, ann)
    token, data = shared.token, decode(shared.token)
    assert world.send("GET", shared.url).status_code == 200
    last = [
        token[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    ]
    forged = [
        *(token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(43)),
        *(each for each in last if each != token),
        *(token[:-1], token + "A", token + "=", token.swapcase(), token.lower(), "A" * 43),
        *(token.replace("-", "+").replace("_", "/") + "=", f"{token}%00", f"{token}%0a"),
        *(encode(data[:16]), encode(data[:16] + bytes(16)), encode(data[:16] * 2), shared.id),
    ]
    for other in {*forged} - {token}:
        answer = world.send("GET", f"/e/{other}.png")
        refused(answer, 404, secret=other)


def test_c10_what_else_a_url_says_is_a_wish_and_no_authority(world: World, ann: Pair) -> None:
    bob = world.sign_up()
    shared = share(world, ann, sizes=[64, 128])
    wanted = world.send("GET", f"{shared.url}?size=64").content
    for more in (
        f"username={bob.username}",
        "style=bottts&seed=x&format=svg",
        "exp=9999999999&sig=x&sig=y&kid=../x",
        "size=64&v=x&v=y",
    ):
        for query in (f"size=64&{more}", f"{more}&size=64"):
            assert world.send("GET", f"{shared.url}?{query}").content == wanted
    for size in ("63", "512", "0", "-64", "1e2", "064", "64.0", "%2064", "64&size=512", ""):
        unknown(world, f"{shared.url}?size={size}")


@pytest.mark.parametrize(
    "expires_in", [0, -1, 59, LONGEST_S + 1, 2**63, 60.5, "60", "NaN", True, [60]]
)
def test_c11_a_link_ends_when_its_owner_says_within_bounds(
    lone_node: World, expires_in: object
) -> None:
    pair = lone_node.sign_up()
    answer = lone_node.send("POST", LINKS, at=pair.at, json={"expires_in": expires_in})
    refused(answer, 422, "invalid_input")


def test_c11_a_link_shows_nothing_after_its_end(world: World, ann: Pair) -> None:
    shared = share(world, ann, expires_in=LONGEST_S)
    for _ in range(2):
        assert world.send("GET", shared.url).status_code == 200
    ended = share(world, ann, expires_in=60)
    world.sql(f"UPDATE links SET expires_at = created_at - 1000 WHERE id = '{ended.id}'")  # noqa: S608 - our own values
    for query in ("", f"?v={ended.version}", "?size=64", "?exp=9999999999"):
        unknown(world, ended.url + query)
    assert world.send("GET", shared.url).status_code == 200


def test_c12_a_url_stays_the_same_so_that_browsers_find_what_they_have(
    world: World, ann: Pair
) -> None:
    shared = share(world, ann)
    for node in world.nodes:
        (listed,) = node.send("GET", LINKS, at=ann.at).json()["links"]
        assert (listed["url"], listed["version"]) == (shared.url, shared.version)
    answers = [node.send("GET", shared.url) for node in world.nodes for _ in range(2)]
    assert same(*answers)
    etag = answers[0].headers["etag"]
    again = world.send("GET", shared.url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_c13_a_url_is_good_as_long_as_its_secret_is_known(tmp_path: Path) -> None:
    with one_node(tmp_path, {}) as world:
        pair = world.sign_up()
        shared = share(world, pair)
        wanted = world.send("GET", shared.url).content
    rotated = {"JWT_SECRET": NEXT_SECRET, "JWT_SECRET_PREVIOUS": SECRET}
    with one_node(tmp_path, rotated) as world:
        assert world.send("GET", shared.url).content == wanted
        pair = world.sign_in(pair.username)
        (listed,) = world.send("GET", LINKS, at=pair.at).json()["links"]
        assert listed["id"] == shared.id
        assert listed["url"] != shared.url
        assert world.send("GET", listed["url"]).content == wanted
    with one_node(tmp_path, {"JWT_SECRET": NEXT_SECRET}) as world:
        unknown(world, shared.url)
        assert world.send("GET", listed["url"]).content == wanted


def macs(identity: bytes) -> Iterator[bytes]:
    """Yield what somebody might take for the MAC who knows the secret, and not what it is for."""
    labels = ("access token ed25519", "refresh token hmac-sha256", "share link hmac-sha256")
    keys = [SECRET.encode()] + [
        HKDF(SHA256(), 32, salt=None, info=f"emoticon {label} v1".encode()).derive(SECRET.encode())
        for label in labels
    ]
    for key in keys:
        for purpose in (b"", b"\1", b"emoticon share link", b"/e/"):
            whole = hmac.digest(key, purpose + identity, "sha256")
            yield from (whole[:16], whole[16:])


def test_c13_a_mac_under_the_key_of_another_purpose_is_none(lone_node: World) -> None:
    pair = lone_node.sign_up()
    shared = share(lone_node, pair)
    identity = bytes.fromhex(shared.id)
    for mac in macs(identity):
        unknown(lone_node, f"/e/{encode(identity + mac)}.png")
    assert lone_node.send("GET", shared.url).status_code == 200


def test_c14_a_revoked_link_is_gone_at_the_next_request(world: World, ann: Pair) -> None:
    kept = share(world, ann)
    for _ in range(10):
        shared = share(world, ann)
        urls = [shared.url, f"{shared.url}?v={shared.version}", f"{shared.url}?size=64"]
        for url in urls * 2:  # the second time it is the edge of a node that answers
            assert {node.send("GET", url).status_code for node in world.nodes} == {200}
        here = world.nodes[0]
        revoke(world, ann, shared, here)
        for url in urls:
            refused(here.send("GET", url), 404, "unknown_link")
        for url in urls:
            gone(world, url)
        assert world.send("GET", kept.url).status_code == 200


def test_c14_a_link_that_is_asked_for_all_the_while_does_not_come_back(
    world: World, ann: Pair
) -> None:
    for _ in range(5):
        shared = share(world, ann)
        here = world.nodes[0]
        asking = [partial(here.send, "GET", shared.url) for _ in range(7)]
        revoking = partial(here.send, "DELETE", f"{LINKS}/{shared.id}", at=ann.at)
        *_, revoked = at_once([*asking, revoking])
        assert revoked.status_code == 204
        for answer in at_once(asking):
            refused(answer, 404, "unknown_link")


def test_c14_links_go_with_their_account_and_rest_while_it_is_shut(world: World) -> None:
    pair = world.sign_up()
    shared = share(world, pair)
    for node in world.nodes:
        assert node.send("GET", shared.url).status_code == 200
    world.command("account", "disable", pair.username)
    gone(world, shared.url, within_s=BY_POLL_S)
    world.command("account", "enable", pair.username)
    pair = world.sign_in(pair.username)
    assert {node.send("GET", shared.url).status_code for node in world.nodes} == {200}
    body = {"password": PASSWORD}
    assert world.send("DELETE", "/auth/user", at=pair.at, json=body).status_code == 204
    gone(world, shared.url)
    assert world.sql(f"SELECT id FROM links WHERE id = '{shared.id}'") == []  # noqa: S608 - our own


def test_c14_nobody_takes_back_or_finds_the_link_of_another(world: World, ann: Pair) -> None:
    shared, bob = share(world, ann), world.sign_up()
    refused(world.send("DELETE", f"{LINKS}/{shared.id}", at=bob.at), 404, "unknown_link")
    refused(world.send("DELETE", f"{LINKS}/{shared.token}", at=ann.at), 404, "unknown_link")
    assert world.send("GET", LINKS, at=bob.at).json() == {"links": []}
    assert world.send("GET", shared.url).status_code == 200


def test_c14_no_race_gives_an_account_more_links_than_it_may_have(world: World, ann: Pair) -> None:
    world.settled(ann.at, 200)
    asks = [partial(node.send, "POST", LINKS, at=ann.at, json={}) for node in world.nodes] * 24
    made = at_once(asks[:24])
    assert sorted(answer.status_code for answer in made) == [201] * MOST + [409] * (24 - MOST)
    assert len(world.send("GET", LINKS, at=ann.at).json()["links"]) == MOST
