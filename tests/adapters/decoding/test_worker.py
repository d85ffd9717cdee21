"""Facts about a process that answers one request; here it gives nothing up, so that it can be measured."""

import socket
import subprocess
import sys

import pytest
from tests.adapters.decoding.conftest import opened
from tests.adapters.decoding.samples import sample

from emoticon.adapters.decoding import messages
from emoticon.adapters.decoding.headers import Kind
from emoticon.adapters.decoding.messages import Decoding, Pixels
from emoticon.domain.errors import InvalidPicture

SCRIPT = """
import socket, sys
from emoticon.adapters.decoding.worker import serve
sys.exit(serve(socket.socket(fileno=0), lambda: None, lambda: None))
"""


def answered(request: bytes) -> tuple[bytes, int]:
    """Return the answer of a process, and its status."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=theirs.fileno())
        ours.sendall(request)
        ours.shutdown(socket.SHUT_WR)
        pieces = []
        while piece := ours.recv(2**16):
            pieces.append(piece)
    return b"".join(pieces), process.wait(30)


def test_it_gives_back_pixels() -> None:
    answer, status = answered(messages.request(Decoding(Kind.PNG, None, 32, sample("png"))))
    assert status == 0
    assert messages.pixels(answer, 32).side_px == 32


def test_it_makes_webp_of_pixels() -> None:
    answer, status = answered(messages.request(Pixels(20, 4, bytes(range(200)) * 8)))
    assert status == 0
    assert opened(messages.body(answer)).width == 20


def test_it_opens_no_other_format_than_the_one_it_was_told() -> None:
    answer, status = answered(messages.request(Decoding(Kind.PNG, None, 32, sample("jpeg"))))
    assert status == 0
    with pytest.raises(InvalidPicture):
        messages.body(answer)


@pytest.mark.parametrize("request_", [b"", b"{", b"{}\n", b'{"kind":"svg","box":null}\n'])
def test_a_request_that_was_cut_off_ends_it_without_an_answer(request_: bytes) -> None:
    assert answered(request_) == (b"", 1)
