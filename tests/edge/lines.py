"""Requests byte by byte, and answers without what differs by nature."""

import socket
from dataclasses import dataclass

_UNLIKE = {b"server", b"date", b"connection", b"keep-alive", b"x-request-id"}


@dataclass(frozen=True)
class Answer:
    """What came back, without what differs by nature."""

    status: int
    headers: tuple[bytes, ...]
    body: bytes


class Line:
    """A connection that is opened again when it is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        for _ in range(3):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), 30)
                self._file = self._socket.makefile("rb")
            try:
                self._socket.sendall(request)
                answer = self._read(bodiless=request.startswith(b"HEAD"))
            except ConnectionError:
                self.close()
            else:
                return answer
        raise ConnectionError

    def close(self) -> None:
        """Disconnect."""
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None

    def _read(self, *, bodiless: bool) -> Answer:
        first = self._file.readline()
        if not first:
            raise ConnectionResetError
        status = int(first.split()[1])
        lines = list(iter(self._file.readline, b"\r\n"))
        named = {
            name.lower(): value.strip()
            for name, _, value in (each.partition(b":") for each in lines)
        }
        length = 0 if bodiless or status == 304 else int(named.get(b"content-length", b"0"))
        body = self._file.read(length)
        if named.get(b"connection") == b"close":
            self.close()
        kept = sorted(
            each.strip().lower() for each in lines if each.split(b":")[0].lower() not in _UNLIKE
        )
        return Answer(status, tuple(kept), body)
