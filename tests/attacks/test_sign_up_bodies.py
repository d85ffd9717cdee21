"""Bodies of a sign-up that are of another type, traps for parsers, or no JSON (N11, N15)."""

import pytest
from tests.attacks.signing_up import try_name, try_sign_up
from tests.attacks.world import PASSWORD, World, new_name, pair_of, refused


@pytest.mark.parametrize(
    "name", [["a"], {"$ne": None}, {}, 1, 1.5, True, None, ["a", "b"], {"username": "a"}]
)
def test_n11_a_name_of_another_type_is_invalid(world: World, name: object) -> None:
    refused(try_name(world, name), 422, "invalid_input")
    refused(try_sign_up(world, {"username": new_name(), "password": name}), 422, "invalid_input")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 30_000,
        b"[" * 30_000 + b"]" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"username": "x", "username": "y", "password": "seven green boats at noon"}',
        b'{"username": "x", "password": "a", "password": "seven green boats at noon"}',
        b'{"username": "x", "\\u0075sername": "y", "password": "seven green boats at noon"}',
        b'{"username": 1' + b"0" * 5000 + b"}",
        b'{"username": NaN, "password": Infinity}',
    ],
)
def test_n11_bodies_that_are_traps_for_parsers_are_invalid(world: World, body: bytes) -> None:
    refused(try_sign_up(world, body), 422, "invalid_input")


def test_n11_members_of_a_body_that_nobody_asked_for_are_never_stored(world: World) -> None:
    name = new_name()
    extra = {
        "id": 10**9,
        "role": "admin",
        "is_admin": True,
        "password_hash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
        "visibility": "public",
        "version": 10**9,
        "floor": 10**9,
        "look": {"style": "glass"},
        "created_at": "1999-01-01T00:00:00Z",
        "__proto__": {"role": "admin"},
    }
    pair = pair_of(name, try_sign_up(world, {"username": name, "password": PASSWORD, **extra}), 201)
    user = world.send("GET", "/auth/user", at=pair.at).json()
    assert set(user) == {"id", "username", "visibility", "created_at"}
    assert user["visibility"] == "private"
    assert user["created_at"] > "2020"
    assert pair.version < 10
    assert user["id"] < 10**9
    assert world.try_sign_in(name).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"not JSON",
        b'{"username": "x", "password": "seven gre',
        b'\xef\xbb\xbf{"username": "x", "password": "seven green boats at noon"}',
        '{"username": "x", "password": "seven green boats at noon"}'.encode("utf-16"),
        '{"username": "x", "password": "seven green bo\xe4ts"}'.encode("latin-1"),
        b'{"username": "x", "password": "seven green boats at noon"} trailing',
        b"{'username': 'x'}",
        b"{}",
    ],
)
def test_n15_what_is_not_an_object_in_utf_8_is_invalid(world: World, body: bytes) -> None:
    refused(try_sign_up(world, body), 422, "invalid_input")
