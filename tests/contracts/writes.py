"""Every method of the stores that changes an account or a session, each in its simplest form."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.models import Account, Change, Event, Origin, Rotation

FIRST = "a" * 32
ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")

_ACCOUNTS = "UPDATE ON accounts"
_SESSIONS = "UPDATE ON sessions"
_SESSION = "INSERT ON sessions"
_AUDIT = "INSERT ON audit"


@dataclass(frozen=True)
class Write:
    """`run` changes Alice, whose only session is FIRST; `event` is what the audit calls it."""

    name: str
    event: Event
    run: Callable[[AsyncEngine, Account], Awaitable[object]]
    statements: tuple[str, ...]
    """What it does to the database, all of it or nothing."""


def _accounts(
    call: Callable[[SqlAccountStore, Account], Awaitable[object]],
) -> Callable[[AsyncEngine, Account], Awaitable[object]]:
    return lambda engine, alice: call(SqlAccountStore(engine), alice)


def _sessions(
    call: Callable[[SqlSessionStore, Account], Awaitable[object]],
) -> Callable[[AsyncEngine, Account], Awaitable[object]]:
    return lambda engine, alice: call(SqlSessionStore(engine), alice)


def _rotate(store: SqlSessionStore, counter: int) -> Awaitable[object]:
    return store.rotate(
        FIRST,
        counter,
        now_ms=NOW_MS,
        grace_ms=10_000,
        idle_ms=3_600_000,
        raise_floor=True,
        origin=ORIGIN,
    )


WRITES = [
    Write(
        "add",
        Event.SIGN_UP,
        _accounts(
            lambda store, _: store.add(
                new_account("new"), new_session(origin=ORIGIN), free_before=0
            )
        ),
        ("INSERT ON accounts", _SESSION, _AUDIT),
    ),
    Write(
        "start",
        Event.SIGN_IN,
        _sessions(
            lambda store, alice: store.start(
                alice.id, new_session(origin=ORIGIN), end_others=True, raise_floor=True
            )
        ),
        (_ACCOUNTS, _SESSIONS, _SESSION, _AUDIT),
    ),
    Write(
        "rotate",
        Event.REFRESH,
        _sessions(lambda store, _: _rotate(store, 0)),
        (_ACCOUNTS, _SESSIONS, _AUDIT),
    ),
    Write(
        "reuse",
        Event.REFRESH_REUSE,
        _sessions(lambda store, _: _rotate(store, 7)),
        (_SESSIONS, _AUDIT),
    ),
    Write(
        "end",
        Event.SIGN_OUT,
        _sessions(
            lambda store, alice: store.end(
                FIRST, account_id=alice.id, event=Event.SIGN_OUT, origin=ORIGIN
            )
        ),
        (_SESSIONS, _AUDIT),
    ),
    Write(
        "end_all",
        Event.SIGN_OUT_EVERYWHERE,
        _sessions(lambda store, alice: store.end_all(alice.id, ORIGIN)),
        (_ACCOUNTS, _SESSIONS, _AUDIT),
    ),
    Write(
        "change_password",
        Event.PASSWORD,
        _accounts(
            lambda store, alice: store.change_password(
                alice.id, old="old", new="new", session=new_session(), origin=ORIGIN
            )
        ),
        (_ACCOUNTS, _SESSIONS, _SESSION, _AUDIT),
    ),
    Write(
        "disable",
        Event.DISABLED,
        _accounts(lambda store, alice: store.disable(alice.id, ORIGIN)),
        (_ACCOUNTS, _SESSIONS, _AUDIT),
    ),
    Write(
        "enable",
        Event.ENABLED,
        _accounts(lambda store, alice: store.enable(alice.id, ORIGIN)),
        (_ACCOUNTS, _AUDIT),
    ),
    Write(
        "delete",
        Event.DELETION,
        _accounts(lambda store, alice: store.delete(alice.id, ORIGIN)),
        (
            *(_ACCOUNTS, _SESSIONS, "UPDATE OF user_agent ON sessions", _AUDIT),
            "INSERT ON erasures",
        ),
    ),
]


def change_of(alice: Account, result: object) -> Change | None:
    """Return what the other nodes have to hear after a write has returned this."""
    match result:
        case Change():
            return result
        case Rotation():
            return Change(alice.id, floor=result.version)
        case bool() | Account():
            return None
        case int():
            return Change(alice.id, floor=result)
        case _:
            raise AssertionError(f"{result} says that nothing was done")
