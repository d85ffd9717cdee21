"""Requests byte by byte, as no client would send them."""

import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.attacks.world import Node

ENOUGH_S = 30


def connect(node: Node, *, receive_buffer_bytes: int | None = None) -> socket.socket:
    """Open a connection to the node."""
    port = urlsplit(node.url).port
    assert port is not None
    connection = socket.socket()
    connection.settimeout(ENOUGH_S)
    if receive_buffer_bytes is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    connection.connect(("127.0.0.1", port))
    return connection


def head(method: str, target: str, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the head of a request: nothing is escaped, left out or put in, Host included."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def exchange(node: Node, *parts: bytes) -> bytes:
    """Send the parts and return all that comes until the node closes the connection."""
    received = b""
    with connect(node) as connection:
        for part in parts:
            connection.sendall(part)
        while data := connection.recv(65536):
            received += data
    return received


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", answers)]
