"""A node with share links, and an edge where they are published."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, new_node
from tests.domain.racks import Rack
from typing_extensions import override

from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.adapters.signers.links import HmacLinkSigner
from emoticon.adapters.sql.links import SqlLinkStore
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.admission import Admission
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import DrawingFailed, NoVector, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.links import Links, SharedLink, Shown
from emoticon.domain.media import Generator
from emoticon.domain.models import (
    BUILT_IN,
    ORIGINAL,
    Account,
    Drawing,
    Event,
    Format,
    Link,
    Look,
    OriginalPlace,
    Picture,
    Style,
)
from emoticon.domain.ports import Bulletin, Turns
from emoticon.domain.publishing import Publishing
from emoticon.domain.tiers import Tiers
from emoticon.domain.visibility import Visibility

NEUTRAL = Look("moods", "nobody")


class HeldLinks(SqlLinkStore):
    """Reads a link at once and gives it out when it is let go."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.read = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    @override
    async def find(self, link_id: str) -> tuple[Link, Account] | None:
        found = await super().find(link_id)
        self.read.set()
        await self.go_on.wait()
        return found


@dataclass
class Pencil(Generator):
    """Writes what it should draw; can be broken, and may know no SVG."""

    vectors: bool = True
    broken: bool = False
    revision: str = "1"
    version: int = 10
    style_names: Sequence[str] = ()

    @override
    def style(self, name: str) -> Style:
        raise UnknownStyle

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        if self.broken:
            raise DrawingFailed
        if picture_format is Format.SVG and not self.vectors:
            raise NoVector
        return Drawing(f"{look.seed} {size_px} {picture_format}".encode(), 1.0)


class AlwaysMine(Turns):
    """Nobody else draws."""

    @override
    async def take(self, key: bytes) -> bool:
        return True

    @override
    async def give_back(self, key: bytes) -> None:
        return None


@dataclass(frozen=True)
class Place:
    """A node with links. `upstream` draws the looks of that name, `originals` what was uploaded."""

    node: Node
    links: Links
    visibility: Visibility
    publishing: Publishing
    edge: MemoryEdge
    store: HeldLinks
    built_in: Pencil
    upstream: Pencil
    originals: Pencil
    engine: AsyncEngine

    async def sign_up(self, username: str = "alice") -> Account:
        """Make an account."""
        await self.node.accounts.sign_up(username, PASSWORD, ORIGIN)
        return await self.account(username)

    async def account(self, username: str = "alice") -> Account:
        """Return it as it is now."""
        found = await self.node.accounts.store.by_username_key(username)
        assert found is not None
        return found

    async def wear(self, account: Account, look: Look) -> Account:
        """Change a look as its owner would."""
        changed = await SqlLookStore(self.engine).change(
            account.id, lambda _: look, Event.LOOK, ORIGIN
        )
        assert changed is not None
        await self.node.revocation.announce(changed[1])
        return changed[0]

    async def upload(self, account: Account) -> Account:
        """Let the account show a picture of its own."""
        name = "0" * 32
        await SqlOriginalStore(self.engine).begin(OriginalPlace(account.id, name), 1)
        return await self.wear(account, replace(account.look, original=name))

    async def share(
        self,
        account: Account,
        *,
        label: str = "",
        life_s: int | None = None,
        sizes_px: Sequence[int] = (),
    ) -> SharedLink:
        """Make a link."""
        return await self.links.create(
            account, label=label, life_s=life_s, sizes_px=sizes_px, origin=ORIGIN
        )

    async def show(
        self,
        token: str,
        size_px: int | None = None,
        picture_format: Format = Format.PNG,
        version: str = "",
    ) -> Shown:
        """Ask for the picture."""
        return await self.links.show(token, size_px, picture_format, version)

    def publish(self, token: str, shown: Shown) -> None:
        """Publish it as the route does."""
        expires_at = shown.link.expires_at
        self.publishing.publish_link(
            token,
            shown.version,
            shown.link.account_id,
            None if expires_at is None else expires_at // 1000,
            shown.picture,
            began=shown.began,
        )

    def published(self, token: str, version: str = "") -> Picture | None:
        """Return what the edge has."""
        return self.publishing.find_link(token, version, 128, Format.PNG)


def new_place(
    engine: AsyncEngine, clock: ManualClock, bulletin: Bulletin, *, most: int = 20
) -> Place:
    """Return one whose node has not started to follow the others."""
    edge, store = MemoryEdge(10**6, clock), HeldLinks(engine)
    node = new_node(engine, clock, bulletin, withdraw=[edge.withdraw])
    built_in, upstream, originals = Pencil(), Pencil(), Pencil(vectors=False)
    admission = Admission(keys=1000, fresh=100)
    tiers = Tiers(MemoryTier(2**20), [Rack("shared")], admission, AlwaysMine(), clock=ManualClock())
    drawers = {BUILT_IN: built_in, "upstream": upstream, ORIGINAL: originals}
    emoticons = Emoticons(tiers, Generators(drawers, "moods"))
    links = Links(
        store,
        HmacLinkSigner([b"k" * 32]),
        emoticons,
        node.floors,
        node.revocation,
        clock,
        most,
    )
    visibility = Visibility(SqlLookStore(engine), emoticons, node.revocation, NEUTRAL)
    publishing = Publishing(edge, edge, node.floors, node.verified, clock)
    return Place(
        node,
        links,
        visibility,
        publishing,
        edge,
        store,
        built_in,
        upstream,
        originals,
        engine,
    )
