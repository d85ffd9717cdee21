"""The second choice: nginx asks the service who has a token, and keeps answers for seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.attacks.world import refused, same, until
from tests.edge.conftest import Front, front
from tests.edge.odd_links import revoke, share
from tests.edge.odd_requests import BELIEVED_S, compare

REQUESTS = 1000


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """One for all tests of the module; each makes accounts of its own."""
    home = tmp_path_factory.mktemp("asking")
    with front(home, main="nginx-auth-request.conf") as started:
        yield started


def test_it_answers_again_without_the_service_and_as_the_service_did(asking: Front) -> None:
    pair = asking.world.sign_up()
    first = asking.get(pair, "&format=svg")
    with asking.paused():
        again = asking.get(pair, "&format=svg")
        unchanged = asking.get(pair, "&format=svg", If_None_Match=first.headers["etag"])
        bodiless = asking.get(pair, "&format=svg", method="HEAD")
    by_service = asking.get(pair, "&format=svg&x=1", If_None_Match=first.headers["etag"])
    assert same(first, again)
    assert (unchanged.status_code, bodiless.status_code) == (304, 200)
    assert same(unchanged, by_service)


def test_a_revoked_token_is_refused_within_seconds(asking: Front) -> None:
    pair = asking.world.sign_up()
    for _ in range(3):
        asking.get(pair)
    asking.world.sign_out(pair)
    until(lambda: asking.get(pair).status_code, 401, within_s=BELIEVED_S)
    refused(asking.get(pair), 401, "session_ended")


def test_what_one_was_given_nobody_else_is_given(asking: Front) -> None:
    mine, theirs = asking.world.sign_up(), asking.world.sign_up()
    target = f"/emoticon/?username={mine.username}"
    for _ in range(2):
        assert asking.get(mine).status_code == asking.get(theirs).status_code == 200
        refused(asking.client.get(target), 401)
        for at, status in ((theirs.at, 403), (f"{mine.at[:-1]}~", 401), (mine.at[:-2], 401)):
            bearer = {"Authorization": f"Bearer {at}"}
            refused(asking.client.get(target, headers=bearer), status)


def test_share_links_are_the_service_s_own_affair(asking: Front) -> None:
    pair = asking.world.sign_up()
    shared = share(asking, pair)
    for query in ("", "?v=V"):
        straight = asking.world.send("GET", shared.path(query))
        for _ in range(2):
            through = asking.client.get(shared.path(query))
            assert (through.status_code, through.content) == (200, straight.content)
            assert through.headers["cache-control"] == straight.headers["cache-control"]
            assert through.headers["link"] == straight.headers["link"]
    revoke(asking, pair, shared)
    refused(asking.client.get(shared.path()), 404, "unknown_link")


def test_odd_requests_are_answered_as_by_the_service(asking: Front) -> None:
    statuses = compare(asking, REQUESTS, seed=1)
    assert statuses[200] > REQUESTS / 10
    assert {304, 401, 403, 422} <= set(statuses)


def test_a_service_that_stands_still_is_not_spoken_for_longer(tmp_path: Path) -> None:
    with front(tmp_path, main="nginx-auth-request.conf") as started:
        pair = started.world.sign_up()
        assert started.get(pair).status_code == 200
        with started.paused():
            until(lambda: started.get(pair).status_code, 503, within_s=15)
            refused(started.get(pair), 503)
