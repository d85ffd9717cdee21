"""All services, from the database up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.limiter.local import LocalLimiter
from emoticon.adapters.passwords import PasswordHasher, ZxcvbnMeter
from emoticon.adapters.signers.access import JwtSigner
from emoticon.adapters.signers.keys import KeyRing
from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.engine import open_engine
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.accounts import Accounts
from emoticon.domain.attempts import Attempts
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.erasures import Erasures
from emoticon.domain.errors import HashingBusy
from emoticon.domain.floors import Floors
from emoticon.domain.housekeeping import Housekeeping
from emoticon.domain.identities import Identities
from emoticon.domain.looks import Looks
from emoticon.domain.models import Limit, Origin
from emoticon.domain.names import AsciiNames, NameRules
from emoticon.domain.operators import Operators
from emoticon.domain.passwords import PasswordRules
from emoticon.domain.ports import Bulletin, Clock, Edge, Limiter
from emoticon.domain.publishing import Publishing
from emoticon.domain.revocation import Revocation
from emoticon.domain.services import Readiness, Services
from emoticon.domain.sessions import Sessions, TokenPolicy
from emoticon.domain.stores import ErasureStore, LookStore
from emoticon.domain.sweeping import Sweeping
from emoticon.domain.tokens import Tokens
from emoticon.domain.unbroken import finished
from emoticon.domain.verified import VerifiedTokens
from emoticon.domain.workers import Workers
from emoticon.settings import Settings
from emoticon.wiring.database import open_database, require_schema
from emoticon.wiring.edge import open_edge
from emoticon.wiring.links import (
    Sharing,
    expired_links,
    open_sharing,
    share_links,
    visibility,
)
from emoticon.wiring.looks import catalogue, first_look
from emoticon.wiring.machine import cores, prepare_directory, signing_secret
from emoticon.wiring.originals import new_sweeping, open_blobs, open_originals
from emoticon.wiring.public import public_generator
from emoticon.wiring.studio import open_studio
from emoticon.wiring.tiers import open_tiers
from emoticon.wiring.tracing import open_tracing, traced_generators

_HASHING_NICENESS = 10
_STALE_S = 5


class _Foundation(NamedTuple):
    """What stands on the database and Valkey alone."""

    accounts: Accounts
    sessions: Sessions
    housekeeping: Housekeeping
    limiter: Limiter | None
    sweeping: Sweeping
    hashing: Workers
    looks: LookStore
    sharing: Sharing
    erasures: ErasureStore
    news: asyncio.Event
    """Set when this process has deleted an account."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything, ready to serve: the database answers and has the schema, the floors are loaded, a style too.

    Raises:
        StartError: see the text.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_tracing(settings))
        edge, asked, follow = await stack.enter_async_context(open_edge(settings, SystemClock()))
        base = await stack.enter_async_context(_open_foundation(settings, edge))
        studio = await stack.enter_async_context(open_studio(settings))
        traced = settings.tracing == "on"
        tiers = open_tiers(settings, SystemClock(), traced=traced)
        stack.push_async_callback(tiers.aclose)
        revocation = base.sessions.revocation
        originals = await stack.enter_async_context(
            open_originals(settings, base.sweeping, base.looks, revocation, limiter=base.limiter)
        )

        def withdraw(account_id: int) -> None:
            edge.withdraw(account_id)
            originals.sweep_soon()  # whatever erases pictures may have dropped their original

        erasures = Erasures(base.erasures, tiers, base.news, withdraw=withdraw)
        stack.push_async_callback(erasures.aclose)
        await erasures.start()
        stack.push_async_callback(revocation.aclose)
        await revocation.start()
        await stack.enter_async_context(base.housekeeping.running())
        identities = base.sessions.identities
        follow(identities.floors.require_fresh)
        # First to be closed, too: what nobody could withdraw any more must not be given to anybody.
        stack.push_async_callback(edge.aclose)
        emoticons = Emoticons(
            tiers, traced_generators(studio.generators) if traced else studio.generators
        )
        shown = visibility(base.looks, base.sessions, emoticons)
        yield Services(
            accounts=base.accounts,
            sessions=base.sessions,
            looks=Looks(
                base.looks,
                catalogue(settings, studio.generators),
                revocation,
                first=base.accounts.new_look,
            ),
            emoticons=emoticons,
            originals=originals,
            links=share_links(settings, base.sharing, base.sessions, emoticons),
            visibility=shown,
            public=public_generator(settings, emoticons, shown.neutral, base.limiter),
            publishing=Publishing(
                edge, asked, identities.floors, identities.verified, SystemClock()
            ),
            erasures=erasures,
            readiness=Readiness(
                {"database": base.accounts.store.ping, "floors": revocation.require_fresh}
            ),
            pools={"hash": base.hashing, "draw": studio.drawing},
            upstream=studio.upstream,
        )


@asynccontextmanager
async def open_operators(
    settings: Settings, origin: Origin
) -> AsyncIterator[tuple[Operators, Housekeeping]]:
    """Open what the commands for accounts need, beside a running service or without one. Raises StartError."""
    async with _open_foundation(settings) as base:
        yield Operators(base.accounts, origin), base.housekeeping


@asynccontextmanager
async def _open_foundation(
    settings: Settings, edge: Edge | None = None
) -> AsyncIterator[_Foundation]:
    """Open it; of news about an account the edge is told as well, where this process has one."""
    async with AsyncExitStack() as stack:
        prepare_directory(settings.data_dir)
        clock = SystemClock()
        previous = [key.encode(errors="surrogateescape") for key in settings.previous_secrets]
        keys = KeyRing(signing_secret(settings), previous)
        signer = JwtSigner(
            keys.access_keys(settings.token_signing),
            issuer=settings.issuer,
            max_life_s=settings.access_token_s,
            clock=clock,
        )
        engine = await stack.enter_async_context(open_database(settings))
        await require_schema(engine, settings)
        # Apart from the others, so that a crowd of sign-ins cannot keep the floors from being read.
        watching = open_engine(settings.database, connections=1)
        stack.push_async_callback(watching.dispose)
        stack.push_async_callback(finished)
        accounts, sessions = SqlAccountStore(engine), SqlSessionStore(engine)
        sharing = open_sharing(engine, keys)
        audit = SqlAuditStore(engine)
        news = asyncio.Event()
        hashing = Workers(
            "hash",
            threads=max(1, cores() // settings.workers),
            queue=settings.hash_queue,
            busy=HashingBusy,
            niceness=_HASHING_NICENESS,
        )
        stack.callback(hashing.close)
        hasher = PasswordHasher(hashing)
        limiter = _limiter(settings, clock)
        if limiter is not None:
            stack.push_async_callback(limiter.aclose)
        attempts = _attempts(settings, limiter)
        blobs = open_blobs(settings)
        stack.push_async_callback(blobs.aclose)
        sweeping = new_sweeping(settings, engine, blobs)
        tokens = Tokens(
            signer,
            HmacRefreshSigner(keys.refresh_keys()),
            clock,
            access_token_s=settings.access_token_s,
            session_s=settings.session_s,
            idle_s=settings.session_idle_s,
        )
        verified = VerifiedTokens(settings.verified_tokens)
        floors = Floors(
            clock,
            life_s=settings.access_token_s,
            stale_s=_STALE_S,
            withdraw=[verified.withdraw, *([edge.withdraw] if edge is not None else [])],
        )
        bulletin = _bulletin(settings, clock)
        stack.push_async_callback(bulletin.aclose)
        revocation = Revocation(
            floors, SqlFloorStore(watching), bulletin, clock, life_s=settings.access_token_s
        )
        yield _Foundation(
            accounts=Accounts(
                store=accounts,
                sessions=sessions,
                audit=audit,
                hasher=hasher,
                names=_names(settings),
                rules=PasswordRules(
                    ZxcvbnMeter(), settings.password_min_bytes, settings.password_min_score
                ),
                attempts=attempts,
                tokens=tokens,
                revocation=revocation,
                new_look=first_look(settings),
                open=settings.signups == "open",
                name_hold_days=settings.name_hold_days,
                deleted=news.set,
            ),
            sessions=Sessions(
                accounts=accounts,
                store=sessions,
                audit=audit,
                hasher=hasher,
                attempts=attempts,
                tokens=tokens,
                identities=Identities(signer, accounts, floors, verified, clock),
                revocation=revocation,
                policy=TokenPolicy(settings.token_policy),
                grace_s=settings.refresh_grace_s,
            ),
            housekeeping=Housekeeping(
                accounts,
                sessions,
                audit,
                SqlErasureStore(engine),
                clock,
                settings.audit_days,
                settings.name_hold_days,
                others={
                    **expired_links(sharing, clock),
                    "uploaded pictures": sweeping.sweep,
                },
            ),
            limiter=limiter,
            sweeping=sweeping,
            hashing=hashing,
            looks=SqlLookStore(engine),
            sharing=sharing,
            erasures=SqlErasureStore(watching),
            news=news,
        )


# What speaks to Valkey, and PRECIS, are imported only where they are used: they cost a start time and memory.


def _bulletin(settings: Settings, clock: Clock) -> Bulletin:
    if settings.redis_url is None:
        return LocalBulletin()
    from emoticon.adapters.bulletin.redis import RedisBulletin  # noqa: PLC0415 - as said

    return RedisBulletin(settings.redis_url.get_secret_value(), clock=clock)


def _attempts(settings: Settings, limiter: Limiter | None) -> Attempts:
    window_s = settings.attempts_window_s
    return Attempts(
        limiter,
        password=Limit("password", settings.password_attempts, window_s),
        address=Limit("address", settings.address_attempts, window_s),
        signups=Limit("signups", settings.address_signups, 3600),
    )


def _limiter(settings: Settings, clock: Clock) -> Limiter | None:
    if settings.limits == "off":
        return None
    if settings.redis_url is None:
        return LocalLimiter(clock)
    from emoticon.adapters.limiter.redis import RedisLimiter  # noqa: PLC0415 - as said

    return RedisLimiter(settings.redis_url.get_secret_value(), clock)


def _names(settings: Settings) -> NameRules:
    if settings.usernames == "ascii":
        return AsciiNames()
    from emoticon.adapters.names import UnicodeNames  # noqa: PLC0415 - as said

    return UnicodeNames()
