"""A process that has one picture: it reads one request, answers it, and ends.

It is forked from the nursery, which has never seen a picture, so there is nothing of anybody else's in its memory.
"""

import os
import socket
from collections.abc import Callable

from emoticon.adapters.decoding import messages, vips
from emoticon.adapters.decoding.messages import Pixels
from emoticon.domain.errors import InvalidPicture

MOST_FILES = 64
"""How many files the nursery may have open, and so what there can be to close."""
_PIECE_BYTES = 2**18


def serve(connection: socket.socket, *give_up: Callable[[], None]) -> int:
    """Answer the request that comes over a connection, after giving up all that is not needed for that.

    Returns the status to end with; never raises.
    """
    try:
        connection = _alone(connection)
        for step in give_up:
            step()
        connection.sendall(answer(_received(connection)))
    except BaseException:  # noqa: BLE001 - a successor must not go on in the loop of its parent
        return 1
    return 0


def answer(request: bytes) -> bytes:
    """Return the answer to a request. From then on this process opens pictures of that format only."""
    wish = messages.wish(request)
    if isinstance(wish, Pixels):
        return messages.done(vips.encode(wish))
    vips.allow(wish.kind)
    try:
        return messages.done(vips.decode(wish))
    except InvalidPicture as error:
        return messages.refused(error)


def _alone(connection: socket.socket) -> socket.socket:
    """Close every file but the connection."""
    descriptor = connection.detach()
    os.dup2(descriptor, 0)
    os.closerange(1, MOST_FILES)
    return socket.socket(fileno=0)


def _received(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(_PIECE_BYTES):
        pieces.append(piece)
    return b"".join(pieces)
