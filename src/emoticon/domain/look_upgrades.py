"""Gives looks the present version of their generator, which changes what they look like: only when it is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emoticon.domain.errors import InvalidLook, UnknownStyle
from emoticon.domain.models import Account, Event, Look, Origin
from emoticon.domain.stores import LookStore
from emoticon.domain.styles import Catalogue

_PAGE = 500


@dataclass
class Upgraded:
    """What has been done so far."""

    changed: int = 0
    """Looks that have the present version now, or would have it."""
    kept: dict[str, int] = field(default_factory=dict)
    """Looks that stay as they are, by why: their style or an option of theirs is not there any more."""

    @property
    def seen(self) -> int:
        """All looks of an older version that were found."""
        return self.changed + sum(self.kept.values())


class _Current(Exception):
    """Somebody has given the look another version meanwhile."""


@dataclass(frozen=True, slots=True)
class LookUpgrades:
    """Whoever is interrupted may begin again: what was done is not found any more.

    Each look is changed under the lock of its account, so nobody's own change is undone. The other nodes find it when
    they next read what has changed; until then they show what they showed before. `origin` is who the audit names.
    """

    store: LookStore
    catalogue: Catalogue
    origin: Origin

    @property
    def generators(self) -> Sequence[str]:
        """The names of those that have styles."""
        named = self.catalogue.generators.named
        return [name for name, generator in named.items() if generator.style_names]

    async def run(
        self, generator: str, *, dry_run: bool, tally: Upgraded, on_progress: Callable[[], None]
    ) -> None:
        """Upgrade all looks of one of the `generators`, or only count them, in the order of their accounts.

        Raises StoreUnavailable: what `tally` says was done.
        """
        version = self.catalogue.generators.named[generator].version
        after_id, more = 0, True
        while more:
            accounts, after_id = await self.store.outdated(
                generator, version, after_id=after_id, count=_PAGE
            )
            more = after_id > 0
            for account in accounts:
                await self._upgrade(account, dry_run=dry_run, tally=tally)
                on_progress()

    async def _upgrade(self, account: Account, *, dry_run: bool, tally: Upgraded) -> None:
        try:
            if dry_run:
                self._upgraded(account.look)
            elif (
                await self.store.change(account.id, self._upgraded, Event.LOOK, self.origin) is None
            ):
                return
        except _Current:
            return
        except (InvalidLook, UnknownStyle) as error:
            tally.kept[error.detail] = tally.kept.get(error.detail, 0) + 1
        else:
            tally.changed += 1

    def _upgraded(self, look: Look) -> Look:
        """Return the look in its present version; an uploaded picture stays before it.

        Raising is what changes nothing: the store then raises no revision and writes no audit.
        """
        upgraded = self.catalogue.current(look)
        if upgraded.generator_version <= look.generator_version:
            raise _Current
        return upgraded
