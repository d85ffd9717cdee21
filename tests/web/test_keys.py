"""The HTTP contract of the public keys, by which others verify access tokens without asking."""

from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey
from tests.web.conftest import Person, assert_problem, served, sign_in, sign_up, status_of

FIRST, SECOND = "the first secret of 32 bytes or more", "the second secret of 32 bytes or more"

# RFC 9864 has a newer name for it, which few libraries know by now.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

PATH = "/.well-known/jwks.json"


async def key_set(client: AsyncClient) -> dict[str, Any]:
    answer = await client.get(PATH)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def verified(token: str, document: Any) -> jwt.Token:
    """Verify a token as another service would: with a library, and nothing but the document."""
    return jwt.decode(token, KeySet.import_key_set(document), algorithms=["EdDSA"])


def claims(person: Person, document: Any) -> dict[str, Any]:
    return dict(verified(person.token, document).claims)


async def test_a_shared_secret_has_no_public_key(client: AsyncClient) -> None:
    answer = await client.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {"keys": []}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_tokens_verify_by_the_document(tmp_path: Path) -> None:
    async with served(tmp_path, token_signing="ed25519") as client:
        person = await sign_up(client, "ann")
        document = await key_set(client)
        found = claims(person, document)
        user = (await client.get("/auth/user", headers=person.headers)).json()
        assert found["sub"] == str(user["id"])
        assert (found["iss"], found["user"]["username"]) == ("emoticon", "ann")
        (key,) = document["keys"]
        assert verified(person.token, document).header == {
            "alg": key["alg"],
            "typ": "at+jwt",
            "kid": key["kid"],
        }


async def test_the_document_tells_nothing_but_the_public_half(tmp_path: Path) -> None:
    async with served(tmp_path, token_signing="ed25519") as client:
        (key,) = (await key_set(client))["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"]) == ("OKP", "Ed25519", "sig")


async def test_the_document_is_asked_for_without_a_token_and_with_head(client: AsyncClient) -> None:
    get = await client.get(PATH, headers={"Authorization": "Bearer x"})
    head = await client.head(PATH)
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("path", ["/.well-known/", "/.well-known/jwks", "/.well-known/jwks.json/"])
async def test_there_is_nothing_beside_it(client: AsyncClient, path: str) -> None:
    assert_problem(await client.get(path), 404, "not_found")


async def test_after_a_rotation_older_tokens_stay_good_and_new_ones_have_the_new_key(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, token_signing="ed25519", jwt_secret=FIRST) as client:
        ann, bob = await sign_up(client, "ann"), await sign_up(client, "bob")
        before = await key_set(client)
    rotated = {"jwt_secret": SECOND, "jwt_secret_previous": FIRST}
    async with served(tmp_path, token_signing="ed25519", **rotated) as client:
        after = await key_set(client)
        assert [key["kid"] for key in after["keys"]][1:] == [key["kid"] for key in before["keys"]]
        assert await status_of(client, ann.token) == 200
        assert claims(ann, after) == claims(ann, before)
        newer = await sign_in(client, "ann")
        assert verified(newer.token, after).header["kid"] == after["keys"][0]["kid"]
        answer = await client.post("/auth/refresh", data={"refresh_token": bob.refresh_token})
        assert answer.status_code == 200
    async with served(tmp_path, token_signing="ed25519", jwt_secret=SECOND) as client:
        assert await status_of(client, newer.token) == 200
        answer = await client.get("/auth/user", headers=ann.headers)
        assert_problem(answer, 401, "invalid_token")


async def test_the_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """The confusion of algorithms: a token signed with HMAC, the key being what everybody may read."""
    async with served(tmp_path, token_signing="ed25519") as client:
        person = await sign_up(client, "ann")
        document = await key_set(client)
        (key,) = document["keys"]
        header = {"alg": "HS256", "typ": "at+jwt", "kid": key["kid"]}
        for text in (key["x"], str(key)):
            secret = OctKey.import_key(text)
            forged = jwt.encode(header, claims(person, document), secret)
            answer = await client.get("/auth/user", headers={"Authorization": f"Bearer {forged}"})
            assert_problem(answer, 401, "invalid_token")
