"""Access tokens of another header or form, most of them signed with the key of the service (T07 to T15, T21, T29)."""

import json
import socket
import statistics
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from tests.attacks.conftest import Worlds
from tests.attacks.forging import claims_of, decode, encode, forge, header_of, spell, without
from tests.attacks.world import SECRET, Pair, World, refused


@pytest.fixture
def pair(world: World) -> Pair:
    """Tokens of somebody new."""
    return world.sign_up()


def assert_all_refused(world: World, tokens: list[str], username: str) -> None:
    for token in tokens:
        for answer in world.asks(token, username):
            refused(answer, 401, "invalid_token", secret=token)


def test_the_forger_can_make_a_good_token(world: World, pair: Pair) -> None:
    """Without this the refusals below would say nothing."""
    header, claims = header_of(pair.at), claims_of(pair.at)
    assert forge(header, claims, SECRET) == pair.at
    longer = {**claims, "exp": claims["exp"] - 7}
    assert [answer.status_code for answer in world.asks(forge(header, longer, SECRET), "x")] == [
        200,
        403,
    ] * len(world.nodes)


def test_t07_no_algorithm_is_as_good_as_none(world: World, pair: Pair) -> None:
    header = header_of(pair.at)
    _, payload, signature = pair.at.split(".")
    tokens = []
    algorithms: list[object] = ["none", "None", "NONE", "nOnE", "", None, 1, ["HS256"], True, {}]
    for algorithm in algorithms:
        changed = encode(spell({**header, "alg": algorithm}))
        tokens += [f"{changed}.{payload}.", f"{changed}.{payload}.{signature}"]
    missing = encode(spell(without(header, "alg")))
    tokens += [f"{missing}.{payload}.", f"{missing}.{payload}.{signature}"]
    tokens.append(forge(without(header, "alg"), claims_of(pair.at), SECRET))
    tokens.append(forge({**header, "alg": ["HS256"]}, claims_of(pair.at), SECRET))
    assert_all_refused(world, tokens, pair.username)


def test_t08_a_public_key_is_no_secret(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_TOKEN_SIGNING="ed25519") as world:
        pair = world.sign_up()
        answer = world.send("GET", "/.well-known/jwks.json")
        (jwk,) = answer.json()["keys"]
        key = OKPKey.import_key(jwk)
        public = [
            key.as_pem(private=False),
            key.as_pem(private=False).strip(),
            key.as_der(private=False),
            json.dumps(jwk).encode(),
            spell(jwk),
            answer.content,
            jwk["x"].encode(),
            decode(jwk["x"]),
            SECRET.encode(),
        ]
        header, claims = header_of(pair.at), claims_of(pair.at)
        assert header["alg"] == "EdDSA"
        tokens = [
            forge({**header, "alg": algorithm}, claims, secret)
            for secret in public
            for algorithm in ("HS256", "EdDSA", "Ed25519")
        ]
        assert_all_refused(world, tokens, pair.username)
        assert world.nodes[0].status(pair.at) == 200


def test_t09_another_algorithm_is_refused_even_with_the_right_key(world: World, pair: Pair) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    assert header["alg"] == "HS256"
    tokens = [
        forge({**header, "alg": algorithm}, claims, SECRET, digest)
        for algorithm, digest in (
            ("HS384", "sha384"),
            ("HS512", "sha512"),
            ("HS384", "sha256"),
            ("HS512", "sha256"),
            ("RS256", "sha256"),
            ("ES256", "sha256"),
            ("EdDSA", "sha256"),
            ("PS256", "sha256"),
            ("hs256", "sha256"),
            ("HS256", "sha512"),
        )
    ]
    rsa_key = RSAKey.generate_key(2048)
    signers: list[tuple[str, Any]] = [
        ("RS256", rsa_key),
        ("PS256", rsa_key),
        ("ES256", ECKey.generate_key("P-256")),
        ("Ed25519", OKPKey.generate_key("Ed25519")),
        ("HS384", OctKey.import_key(SECRET)),
    ]
    tokens += [
        jwt.encode({**header, "alg": name}, claims, key, algorithms=[name]) for name, key in signers
    ]
    assert_all_refused(world, tokens, pair.username)


def test_t13_a_changed_payload_does_not_fit_the_signature(world: World, pair: Pair) -> None:
    other = world.sign_up()
    header, _, signature = pair.at.split(".")
    claims = claims_of(pair.at)
    theirs = claims_of(other.at)
    changes: list[dict[str, Any]] = [
        {"sub": theirs["sub"]},
        {"user": theirs["user"]},
        {"sub": theirs["sub"], "user": theirs["user"], "sid": theirs["sid"]},
        {"role": "admin"},
        {"ver": claims["ver"] + 1},
        {"exp": claims["exp"] + 1},
    ]
    tokens = [f"{header}.{encode(spell({**claims, **change}))}.{signature}" for change in changes]
    assert_all_refused(world, tokens, other.username)


@pytest.fixture
def trap() -> Generator[socket.socket]:
    """Listens on a port of this machine, for connections that must not come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def untouched(trap: socket.socket) -> bool:
    try:
        trap.accept()
    except BlockingIOError:
        return True
    return False


def test_t14_a_key_id_is_looked_up_nowhere(
    world: World, pair: Pair, trap: socket.socket, tmp_path: Path
) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    file = tmp_path / "key"
    file.write_bytes(b"a key that lies in a file of this machine")
    ids: list[Any] = [
        "../../../../dev/null",
        "/dev/null",
        "/etc/passwd",
        str(file),
        f"file://{file}",
        "' UNION SELECT 'k' --",
        "x|id",
        f"http://127.0.0.1:{trap.getsockname()[1]}/k",
        "k" * 10_000,
        7,
        None,
        [header["kid"]],
        {},
        "",
        header["kid"].upper() + "0",
        f"{header['kid']}\0",
    ]
    keys: list[str | bytes] = [SECRET, b"", b"k", file.read_bytes()]
    tokens = [
        forge({**header, "kid": key_id}, claims, key, "sha256")
        for key_id in ids
        for key in keys
        if not isinstance(key_id, str) or len(key_id) < 100 or key == SECRET
    ]
    tokens.append(forge(without(header, "kid"), claims, SECRET))
    assert_all_refused(world, tokens, pair.username)
    assert untouched(trap)


def test_t14_an_unknown_key_takes_as_long_as_a_wrong_algorithm(world: World, pair: Pair) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    tokens = {
        "kid": forge({**header, "kid": "0" * 16}, claims, SECRET),
        "alg": forge({**header, "alg": "HS512"}, claims, SECRET, "sha512"),
    }
    took_ms: dict[str, list[float]] = {kind: [] for kind in tokens}
    for _ in range(60):
        for kind, token in tokens.items():
            began = time.perf_counter()
            assert world.nodes[0].status(token) == 401
            took_ms[kind].append((time.perf_counter() - began) * 1000)
    medians = [statistics.median(took) for took in took_ms.values()]
    assert max(medians) - min(medians) < 5


def test_t15_a_key_that_comes_with_the_token_is_not_used(
    world: World, pair: Pair, trap: socket.socket
) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    address = f"http://127.0.0.1:{trap.getsockname()[1]}/keys.json"
    own = RSAKey.generate_key(2048)
    additions: list[dict[str, Any]] = [
        {"jku": address},
        {"x5u": address},
        {"jwk": own.as_dict(private=False)},
        {"x5c": [encode(own.as_der(private=False))]},
    ]
    tokens = [
        jwt.encode({**header, "alg": "RS256", **added}, claims, own, algorithms=["RS256"])
        for added in additions
    ]
    secret = "a key of the attacker's own, long enough for HS256"
    symmetric = OctKey.import_key(secret).as_dict(private=True)
    tokens += [
        forge({**header, **added}, claims, key)
        for added in (*additions, {"jwk": symmetric})
        for key in (secret, SECRET)
    ]
    assert_all_refused(world, tokens, pair.username)
    assert untouched(trap)


@pytest.mark.parametrize(
    "kind", ["JWT", "rt+jwt", "img+jwt", "at+JWT", "application/at+jwt", "", None, 1, ["at+jwt"]]
)
def test_t21_another_type_is_refused(world: World, pair: Pair, kind: object) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    assert header["typ"] == "at+jwt"
    assert_all_refused(world, [forge({**header, "typ": kind}, claims, SECRET)], pair.username)


def test_t21_a_missing_type_and_more_in_the_header_are_refused(world: World, pair: Pair) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    headers = [
        without(header, "typ"),
        {**header, "crit": ["exp"]},
        {**header, "b64": False, "crit": ["b64"]},
        {**header, "zip": "DEF"},
        {**header, "cty": "JWT"},
        {"typ": "at+jwt", **without(header, "typ")},  # the same in another order
    ]
    assert_all_refused(world, [forge(each, claims, SECRET) for each in headers], pair.username)


BROKEN = [
    b"",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"\x00",
    b'"x"',
    b"[]",
    b"1",
    b"null",
    b"{",
    b"[" * 1000,
    b'{"a":' * 250,
    "{}".encode("utf-16"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken[:8].hex() or "empty")
def test_t29_what_is_no_object_in_utf8_is_refused(world: World, pair: Pair, broken: bytes) -> None:
    header, claims = header_of(pair.at), claims_of(pair.at)
    before, after = b"\xef\xbb\xbf", b"\0"
    tokens = [
        forge(broken, claims, SECRET),
        forge(header, broken, SECRET),
        forge(before + spell(header), claims, SECRET),
        forge(spell(header) + after, claims, SECRET),
        forge(header, before + spell(claims), SECRET),
        forge(header, spell(claims) + after, SECRET),
        forge(header, spell(claims).replace(b'"user":', b'"\xff":0,"user":'), SECRET),
    ]
    assert_all_refused(world, tokens, pair.username)
