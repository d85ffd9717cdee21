"""Tokens that were checked already, so that the next request with one costs a look-up and no I/O."""

from collections import OrderedDict

from emoticon.domain.models import Identity


class VerifiedTokens:
    """At most `capacity` tokens with whom they speak for; of more, the one used longest ago goes.

    Only tokens that were found good are put here. An entry goes with the news that its account has changed; its user
    has to look at the end of its life.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._identities: OrderedDict[str, Identity] = OrderedDict()
        self._tokens: dict[int, set[str]] = {}

    def get(self, token: str) -> Identity | None:
        """Return what was put, or None."""
        identity = self._identities.get(token)
        if identity is not None:
            self._identities.move_to_end(token)
        return identity

    def put(self, token: str, identity: Identity) -> None:
        """Remember a token that was just checked."""
        self._identities[token] = identity
        self._tokens.setdefault(identity.account.id, set()).add(token)
        while len(self._identities) > self._capacity:
            self._drop(next(iter(self._identities)))

    def drop(self, token: str) -> None:
        """Forget a token, known or not."""
        if token in self._identities:
            self._drop(token)

    def withdraw(self, account_id: int) -> None:
        """Forget all tokens of an account."""
        for token in self._tokens.pop(account_id, ()):
            del self._identities[token]

    def __len__(self) -> int:
        return len(self._identities)

    def _drop(self, token: str) -> None:
        identity = self._identities.pop(token)
        tokens = self._tokens[identity.account.id]
        tokens.discard(token)
        if not tokens:
            del self._tokens[identity.account.id]
