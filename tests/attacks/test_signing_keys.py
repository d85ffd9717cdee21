"""The key that signs: of another deployment, replaced, retired, weak (T25, T26, T30)."""

from pathlib import Path

import pytest
from tests.attacks.conftest import Worlds
from tests.attacks.forging import claims_of, forge, header_of
from tests.attacks.world import SECRET, World, one_node, refused
from tests.e2e.conftest import run_command

NEXT = "the key that comes after it fedcba9876543210-for-tests"
OTHER = "the key of another deployment 00112233445566778899aabb"


@pytest.mark.parametrize("signing", ["hs256", "ed25519"])
def test_t25_tokens_of_another_deployment_are_refused(
    world: World, worlds: Worlds, signing: str
) -> None:
    theirs = {"JWT_SECRET": OTHER, "EMOTICON_TOKEN_SIGNING": signing}
    pair = world.sign_up()
    with worlds.one(**theirs) as elsewhere:
        stranger = elsewhere.sign_up(pair.username)
        for answer in world.asks(stranger.at, pair.username):
            refused(answer, 401, "invalid_token")
        refused(world.try_refresh(stranger.rt), 401, "invalid_grant")
        refused(elsewhere.try_refresh(pair.rt), 401, "invalid_grant")
        refused(elsewhere.send("GET", "/auth/user", at=pair.at), 401, "invalid_token")
    forged = forge(header_of(pair.at), claims_of(pair.at), OTHER)
    for answer in world.asks(forged, pair.username):
        refused(answer, 401, "invalid_token")
    world.settled(pair.at, 200)


@pytest.mark.parametrize("signing", ["hs256", "ed25519"])
def test_t26_nobody_is_signed_out_by_a_new_key_until_the_old_one_is_retired(
    tmp_path: Path, signing: str
) -> None:
    common = {"EMOTICON_TOKEN_SIGNING": signing, "EMOTICON_TOKEN_POLICY": "one-session"}
    with one_node(tmp_path, common) as world:
        ann, bob = world.sign_up(), world.sign_up()
    with one_node(tmp_path, {**common, "JWT_SECRET": NEXT, "JWT_SECRET_PREVIOUS": SECRET}) as world:
        assert world.everywhere(ann.at) == [200]
        later = world.refresh(ann)
        assert header_of(later.at)["kid"] != header_of(ann.at)["kid"]
        assert world.everywhere(ann.at) == [200]
        keys = world.send("GET", "/.well-known/jwks.json").json()["keys"]
        ids = (
            {header_of(pair.at)["kid"] for pair in (ann, later)} if signing == "ed25519" else set()
        )
        assert {key["kid"] for key in keys} == ids
    with one_node(tmp_path, {**common, "JWT_SECRET": NEXT}) as world:
        assert world.everywhere(later.at) == [200]
        world.refresh(later)
        for answer in world.asks(ann.at, ann.username):
            refused(answer, 401, "invalid_token")
        refused(world.try_refresh(bob.rt), 401, "invalid_grant")


def test_t26_nodes_with_the_new_key_and_with_the_old_one_serve_side_by_side(worlds: Worlds) -> None:
    """The key is first made known to all as another that verifies, then made the one that signs."""
    with (
        worlds.three(2, JWT_SECRET_PREVIOUS=NEXT) as world,
        world.another(JWT_SECRET=NEXT, JWT_SECRET_PREVIOUS=SECRET) as renewed,
    ):
        pair = world.sign_up()
        assert renewed.status(pair.at) == 200
        later = world.refresh(pair, node=renewed)
        assert header_of(later.at)["kid"] != header_of(pair.at)["kid"]
        assert [*world.everywhere(later.at), renewed.status(later.at)] == [200, 200, 200]
        assert world.everywhere(world.refresh(later).at) == [200, 200]


WEAK = [
    "short",
    "secret",
    "a-string-secret-at-least-256-bits-long",
    "change-me-change-me-change-me-change-me",
    " your-256-bit-secret-your-256-bit-secret ",
    "0" * 31,
    "password" * 3,
]


@pytest.mark.parametrize(
    ("name", "weak"),
    [
        ("JWT_SECRET", ""),  # among the previous ones an empty one is none
        *((name, weak) for name in ("JWT_SECRET", "JWT_SECRET_PREVIOUS") for weak in WEAK),
    ],
)
def test_t30_a_weak_key_refuses_to_start(tmp_path: Path, name: str, weak: str) -> None:
    environment = {
        "JWT_SECRET": SECRET,
        "DATABASE_URL": f"sqlite:///{tmp_path}/accounts.db",
        name: weak,
    }
    done = run_command(tmp_path, "serve", environment=environment)
    assert done.returncode not in {0, None}
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert len(weak) < 10 or weak not in done.stderr
    assert not done.stdout
