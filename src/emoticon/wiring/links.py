"""Share links, and who may see an emoticon without one."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.signers.keys import KeyRing
from emoticon.adapters.signers.links import HmacLinkSigner
from emoticon.adapters.sql.links import SqlLinkStore
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.links import Links, forget_expired
from emoticon.domain.models import Look
from emoticon.domain.ports import Clock, LinkSigner
from emoticon.domain.sessions import Sessions
from emoticon.domain.stores import LinkStore, LookStore
from emoticon.domain.visibility import Visibility
from emoticon.settings import Settings

_NOBODYS_SEED: Final = "nobody"


class Sharing(NamedTuple):
    """What share links stand on."""

    store: LinkStore
    signer: LinkSigner


def open_sharing(engine: AsyncEngine, keys: KeyRing) -> Sharing:
    """Return it; there is nothing to be closed."""
    return Sharing(SqlLinkStore(engine), HmacLinkSigner(keys.link_keys()))


def expired_links(sharing: Sharing, clock: Clock) -> Mapping[str, Callable[[], Awaitable[int]]]:
    """Return what housekeeping does about links."""
    return {"expired links": partial(forget_expired, sharing.store, clock)}


def share_links(
    settings: Settings, sharing: Sharing, sessions: Sessions, emoticons: Emoticons
) -> Links:
    """Return the use case of share links."""
    return Links(
        store=sharing.store,
        signer=sharing.signer,
        emoticons=emoticons,
        floors=sessions.identities.floors,
        revocation=sessions.revocation,
        clock=sessions.tokens.clock,
        most=settings.account_links,
    )


def visibility(looks: LookStore, sessions: Sessions, emoticons: Emoticons) -> Visibility:
    """Return the use case of visibility."""
    generators = emoticons.generators
    neutral = Look(
        generators.stand_in_style, _NOBODYS_SEED, generator_version=generators.built_in.version
    )
    return Visibility(looks, emoticons, sessions.revocation, neutral)
