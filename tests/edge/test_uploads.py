"""Uploads through nginx: what it has published before is never given afterwards."""

from collections.abc import Iterator

from tests.edge.conftest import Front
from tests.images import colour, png, similar

RED, BLUE = (200, 30, 30), (30, 30, 200)
MOST_BYTES = 5 * 2**20


def test_after_the_answer_to_an_upload_nginx_gives_no_old_bytes(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    bearer = {"Authorization": f"Bearer {pair.at}"}
    style = shared_front.get(pair).content
    for number in range(10):
        expected = (RED, BLUE)[number % 2]
        with shared_front.paused():
            shown_before = shared_front.get(pair).content
        body = png(*expected)
        sent = shared_front.client.put("/emoticon/picture", content=body, headers=bearer)
        assert sent.status_code == 200, sent.text
        after = shared_front.get(pair).content
        assert after != shown_before
        assert similar(colour(after, 0.5, 0.5), expected)
    assert shared_front.client.delete("/emoticon/picture", headers=bearer).status_code == 204
    assert shared_front.get(pair).content == style


def test_nginx_lets_5_mb_pass_and_a_little_more_is_refused_either_way(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    bearer = {"Authorization": f"Bearer {pair.at}"}
    picture = png(*RED)
    whole = picture + bytes(MOST_BYTES - len(picture))

    def pieces() -> Iterator[bytes]:
        yield whole
        yield b"x"

    sent = shared_front.client.put("/emoticon/picture", content=whole, headers=bearer)
    assert sent.status_code == 200, sent.text
    for body in (whole + b"x", pieces(), whole * 2):
        sent = shared_front.client.put("/emoticon/picture", content=body, headers=bearer)
        assert sent.status_code == 413
        assert sent.headers["content-type"] == "application/problem+json"
