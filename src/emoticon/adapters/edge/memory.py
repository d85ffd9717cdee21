"""The edge in this process: a dictionary of tokens, those of people and those of share links."""

from collections import OrderedDict

from typing_extensions import override

from emoticon.domain.models import Format, Grant, Picture
from emoticon.domain.ports import AskedEdge, Clock

TOKEN_BYTES = 750
"""What a token costs beside its letters: its object, dictionary and set, and its place in both indexes."""

ANSWER_BYTES = 330
"""What an answer costs beside the body: the objects of the picture and of the wish, and its place.

Growth of the resident set, less letters and bodies, at 5 to 60 thousand tokens of 361 letters with 1 to 32 answers of
300 to 3352 random bytes: 1038 to 1086 for the first answer to a token, 300 to 330 for each more, with CPython 3.11.
"""

_ANSWERS = 32


class MemoryEdge(AskedEdge):
    """Keeps at most `max_bytes`; of more, the token that was used longest ago goes with all its answers.

    One token has at most 32 answers, the latest: names may be asked for in many spellings and pictures in hundreds of
    sizes, and nobody's wishes are to push out everybody else's.
    """

    def __init__(self, max_bytes: int, clock: Clock) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._tokens: OrderedDict[str, _Token] = OrderedDict()
        self._tokens_of: dict[int, set[str]] = {}
        self._used_bytes = 0
        self._hits = 0

    @property
    @override
    def hits(self) -> int:
        return self._hits

    @property
    def used_bytes(self) -> int:
        """What it takes, by TOKEN_BYTES and ANSWER_BYTES."""
        return self._used_bytes

    @override
    def publish(self, grant: Grant, picture: Picture) -> None:
        token = self._tokens.get(grant.token)
        if token is None:
            token = self._tokens[grant.token] = _Token(grant)
            self._tokens_of.setdefault(grant.account_id, set()).add(grant.token)
            self._used_bytes += token.used_bytes
        self._used_bytes += token.add(grant, picture)
        self._tokens.move_to_end(grant.token)
        while self._used_bytes > self._max_bytes:
            self._drop(next(iter(self._tokens)))

    @override
    def find(
        self, token: str, username: str, size_px: int, picture_format: Format
    ) -> Picture | None:
        known = self._tokens.get(token)
        if known is None:
            return None
        if known.expires_at_s * 1000 <= self._clock.now_ms():
            self._drop(token)
            return None
        self._tokens.move_to_end(token)
        picture = known.answers.get((username, size_px, picture_format))
        if picture is not None:
            self._hits += 1
        return picture

    @override
    def withdraw(self, account_id: int) -> None:
        for token in self._tokens_of.pop(account_id, ()):
            self._used_bytes -= self._tokens.pop(token).used_bytes

    @override
    async def aclose(self) -> None:
        self._tokens.clear()
        self._tokens_of.clear()
        self._used_bytes = 0

    def _drop(self, token: str) -> None:
        dropped = self._tokens.pop(token)
        self._used_bytes -= dropped.used_bytes
        tokens = self._tokens_of[dropped.account_id]
        tokens.remove(token)
        if not tokens:
            del self._tokens_of[dropped.account_id]


class _Token:
    """What was published for one token. `used_bytes` is what all of it takes."""

    __slots__ = ("account_id", "answers", "expires_at_s", "used_bytes")

    def __init__(self, grant: Grant) -> None:
        self.account_id = grant.account_id
        self.expires_at_s = grant.expires_at_s
        self.answers: dict[tuple[str, int, Format], Picture] = {}
        self.used_bytes = len(grant.token) + TOKEN_BYTES

    def add(self, grant: Grant, picture: Picture) -> int:
        """Keep an answer, perhaps in place of another; return by how many bytes all grew."""
        before = self.used_bytes
        wish = (grant.username, grant.size_px, grant.format)
        self._remove(wish)
        if len(self.answers) == _ANSWERS:
            self._remove(next(iter(self.answers)))
        self.answers[wish] = picture
        self.used_bytes += len(picture.body) + ANSWER_BYTES
        return self.used_bytes - before

    def _remove(self, wish: tuple[str, int, Format]) -> None:
        picture = self.answers.pop(wish, None)
        if picture is not None:
            self.used_bytes -= len(picture.body) + ANSWER_BYTES
