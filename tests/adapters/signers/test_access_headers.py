"""Facts about headers of access tokens: one spelling for each key, and an algorithm that no sender chooses."""

import hmac
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.adapters.signers.forging import (
    OTHER_SECRET,
    SECRET,
    Forge,
    new_forge,
    spell,
    without,
)

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.keys import Ed25519Key, KeyRing

ALGORITHMS: list[object] = [
    *("none", "None", "NONE", "nOnE", "", None, 1, ["HS256"], ["EdDSA"], "hs256", "eddsa"),
    *("HS384", "HS512", "RS256", "ES256", "PS256", "Ed25519", "Ed448", "ES256K", "dir"),
]
KEY_IDS: list[object] = [
    *("../../../../dev/null", "/etc/passwd", "' UNION SELECT 'k' --", "x|id", "x" * 1000),
    *("x" * 10_000, "0" * 16, "", 1, None, ["x"], {"k": 1}, "\0"),
]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_t07_t09_another_algorithm_is_refused_even_under_the_right_key(
    forge: Forge, algorithm: object
) -> None:
    token = forge.forge({**forge.header, "alg": algorithm})
    assert forge.refused(token)
    assert forge.refused(token.rpartition(".")[0] + ".")
    assert forge.refused(token.rpartition(".")[0] + "." + forge.token.rpartition(".")[2])


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "EdDSA"])
def test_t09_another_digest_is_refused(forge: Forge, digest: str, algorithm: str) -> None:
    token = forge.forge(
        {**forge.header, "alg": algorithm}, sign=lambda data: hmac.digest(SECRET, data, digest)
    )
    assert forge.refused(token) == (token != forge.token)


def test_t09_a_service_takes_no_token_of_the_other_algorithm() -> None:
    """Both were made from the same secret, and are good where their algorithm is chosen."""
    hs256, ed25519 = new_forge("hs256"), new_forge("ed25519")
    assert hs256.refused(ed25519.token)
    assert ed25519.refused(hs256.token)
    for one, other in ((hs256, ed25519), (ed25519, hs256)):
        assert one.refused(one.forge(other.header))
        assert one.refused(one.forge({**one.header, "alg": other.header["alg"]}))
        assert one.refused(one.forge({**one.header, "kid": other.header["kid"]}))
        assert one.refused(one.forge(sign=other.key.sign))
        assert one.refused(one.forge(other.header, sign=other.key.sign))


def public_key_texts() -> dict[str, bytes]:
    """Everything an attacker could take for an HMAC key once the public key is published."""
    jwk = new_forge("ed25519").signer.public_keys()[0]
    key = Ed25519PublicKey.from_public_bytes(base64url.decode(jwk["x"]))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "pem": pem,
        "pem without its last newline": pem.rstrip(),
        "der": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "raw": key.public_bytes_raw(),
        "ssh": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "jwk": json.dumps(dict(jwk)).encode(),
        "compact jwk": spell(dict(jwk)),
        "jwks": json.dumps({"keys": [dict(jwk)]}).encode(),
        "x": jwk["x"].encode(),
        "kid": jwk["kid"].encode(),
        "nothing": b"",
    }


@pytest.mark.parametrize("kind", public_key_texts())
@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "EdDSA"])
def test_t08_the_public_key_signs_nothing(kind: str, algorithm: str, forge: Forge) -> None:
    """An HMAC of SHA-512 is as long as a signature by Ed25519."""
    key = public_key_texts()[kind]
    ids = {new_forge(signing).header["kid"] for signing in ("hs256", "ed25519")}
    for kid in ids:
        for digest in ("sha256", "sha512"):
            token = forge.forge(
                {**forge.header, "alg": algorithm, "kid": kid},
                sign=lambda data, digest=digest: hmac.digest(key, data, digest),  # type: ignore[misc]
            )
            assert forge.refused(token)


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_t07_t21_a_header_without_a_member_is_refused(forge: Forge, name: str) -> None:
    assert forge.refused(forge.forge(without(forge.header, name)))


@pytest.mark.parametrize(
    "more",
    [
        *({"typ": name} for name in ("JWT", "rt+jwt", "img+jwt", "AT+JWT", "application/at+jwt")),
        *({"typ": value} for value in (None, 1, ["at+jwt"], "")),
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
    ],
)
def test_t21_a_header_with_anything_else_is_refused(forge: Forge, more: dict[str, Any]) -> None:
    assert forge.refused(forge.forge({**forge.header, **more}))


def test_a_header_in_another_spelling_is_refused(forge: Forge) -> None:
    """The same members in other words: we write each header in one way, so only that one is read."""
    text = spell(forge.header)
    kid = forge.header["kid"]
    spellings = [
        json.dumps(forge.header).encode(),
        *(b" " + text, text + b"\n", text.replace(b"alg", b"\\u0061lg")),
        spell(dict(reversed(forge.header.items()))),
        text.replace(b"{", b'{"alg":"none",'),
        text.replace(b"}", b',"kid":"' + kid.encode() + b'"}'),
    ]
    assert [
        spelling for spelling in spellings if not forge.refused(forge.forge(raw_header=spelling))
    ] == []


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "x5t"])
def test_t15_a_key_that_came_with_the_token_is_not_used(forge: Forge, member: str) -> None:
    own = KeyRing(OTHER_SECRET).access_keys(forge.signing)[0]
    jwk = own.public_key() or {"kty": "oct", "k": base64url.encode(OTHER_SECRET)}
    value = {"jku": "http://127.0.0.1:1/k", "x5u": "http://127.0.0.1:1/k", "jwk": jwk}.get(
        member, []
    )
    for kid in (forge.header["kid"], own.id):
        assert forge.refused(
            forge.forge({**forge.header, "kid": kid, member: value}, sign=own.sign)
        )


@pytest.mark.parametrize("kid", KEY_IDS)
def test_t14_an_unknown_key_id_is_refused(forge: Forge, kid: object) -> None:
    assert forge.refused(forge.forge({**forge.header, "kid": kid}))


def test_t14_a_key_id_opens_no_file_and_no_connection(forge: Forge) -> None:
    tokens = [
        forge.forge({**forge.header, "kid": kid}) for kid in (*KEY_IDS, "http://127.0.0.1:1/k")
    ]
    events = audited(lambda: [forge.signer.public_keys(), *map(forge.refused, tokens)])
    assert (
        events & {"open", "os.listdir", "socket.__new__", "socket.connect", "sqlite3.connect"}
        == set()
    )
    assert "open" in audited(lambda: Path(__file__).read_bytes())


def audited(act: Callable[[], object]) -> set[str]:
    """Return what Python reports of this thread's dealings with the outside while it acts."""
    events: list[str] = []
    thread, watching = threading.get_ident(), True

    def hear(event: str, _: object) -> None:
        if watching and threading.get_ident() == thread:
            events.append(event)

    sys.addaudithook(hear)
    try:
        act()
    finally:
        watching = False
    return set(events)


def test_t14_an_unknown_key_id_takes_the_time_of_any_bad_token(forge: Forge) -> None:
    bad = {
        "key id": forge.forge({**forge.header, "kid": "../../../../dev/null"}),
        "algorithm": forge.forge({**forge.header, "alg": "HS384"}),
        "signature": forge.forge(sign=lambda data: bytes(len(forge.key.sign(data)))),
    }
    samples: dict[str, list[float]] = {name: [] for name in bad}
    for _ in range(200):  # interleaved, for a drift of the machine to meet all alike
        for name, token in bad.items():
            began = perf_counter()
            assert forge.refused(token)
            samples[name].append(perf_counter() - began)
    medians = [median(values) for values in samples.values()]
    assert max(medians) - min(medians) < 0.005


def test_another_key_is_refused_even_under_our_key_id(forge: Forge) -> None:
    assert forge.refused(forge.forge(sign=KeyRing(OTHER_SECRET).access_keys(forge.signing)[0].sign))
    assert forge.refused(forge.forge(sign=Ed25519Key(SECRET[:32]).sign))
