"""Looks: what an account begins with, and how its owner chooses another."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emoticon.domain import look_ids
from emoticon.domain.errors import InvalidToken
from emoticon.domain.models import BUILT_IN, Account, Event, Look, Origin
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import LookStore
from emoticon.domain.styles import Catalogue, background, canonical
from emoticon.domain.tokens import shown
from emoticon.domain.unbroken import unbroken


def new_look(
    style: str,
    palette: Sequence[str] = (),
    *,
    generator: str = BUILT_IN,
    generator_version: int = 10,
) -> Look:
    """Return a look with a random seed, so that a face tells nothing about the name that it belongs to.

    `palette` is for generators that have backgrounds.
    """
    options = canonical(background(palette))
    return Look(style, new_seed(), options, generator, generator_version)


def new_seed() -> str:
    """Return a seed that no look has yet."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Looks:
    """Another look for an account, known to all nodes before the caller hears of it.

    Whatever is chosen here takes the place of an uploaded picture. Every method raises InvalidToken when the account
    has gone meanwhile, and StoreUnavailable: then nothing was changed.
    """

    store: LookStore
    catalogue: Catalogue
    revocation: Revocation
    first: Callable[[], Look]
    """Gives what new accounts begin with."""

    def id_of(self, look: Look) -> str:
        """Return what stands for style, seed and options of the look, for others to `apply`."""
        return look_ids.encode(look.style, look.seed, look.options)

    async def put(
        self,
        account: Account,
        style: str,
        seed: str | None,
        options: Mapping[str, Any] | None,
        origin: Origin,
    ) -> Account:
        """Choose a style. Without a seed that of the account stays, without options they are those of new looks.

        Raises:
            UnknownStyle: it does not exist or may not be chosen.
            InvalidLook: seed or options cannot be used.

        """
        kept = account.look.seed if seed is None else seed
        wanted = self._shareable(self.catalogue.look(style, kept, options))
        if seed is not None:
            return await self._change(account, lambda _: wanted, origin)
        return await self._change(
            account, lambda look: self._shareable(replace(wanted, seed=look.seed)), origin
        )

    async def apply(self, account: Account, look_id: str, origin: Origin) -> Account:
        """Take over the look that somebody shares. Raises as `put` does."""
        style, seed, options = look_ids.decode(look_id)
        return await self.put(account, style, seed, options, origin)

    async def reroll(self, account: Account, origin: Origin) -> Account:
        """Give it another seed, and nothing else. Raises as `put` does, if the style is not what it was."""
        seed = new_seed()
        return await self._change(
            account,
            lambda look: replace(self.catalogue.current(look), seed=seed, original=""),
            origin,
        )

    async def reset(self, account: Account, origin: Origin) -> Account:
        """Let it begin anew, as new accounts do."""
        look = self.first()
        return await self._change(account, lambda _: look, origin)

    def _shareable(self, look: Look) -> Look:
        self.id_of(look)
        return look

    @unbroken
    async def _change(
        self, account: Account, edit: Callable[[Look], Look], origin: Origin
    ) -> Account:
        changed = await self.store.change(account.id, edit, Event.LOOK, shown(origin))
        if changed is None:
            raise InvalidToken
        after, change = changed
        await self.revocation.announce(change)
        return after
