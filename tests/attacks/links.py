"""Share links, made, asked for and taken back over HTTP."""

from dataclasses import dataclass, field
from typing import Any

from tests.attacks.world import NEWS_S, Node, Pair, World, refused, until

LINKS = "/emoticon/links"


@dataclass(frozen=True, slots=True)
class Shared:
    """A link: its id, and the URL that was given out."""

    id: str
    url: str = field(repr=False)
    version: str

    @property
    def token(self) -> str:
        """What is secret in the URL."""
        return self.url.removeprefix("/e/").removesuffix(".png")


def share(world: World, pair: Pair, **wishes: object) -> Shared:
    """Make a link."""
    answer = world.send("POST", LINKS, at=pair.at, json=wishes)
    assert answer.status_code == 201, answer.text
    link = answer.json()
    return Shared(link["id"], link["url"], link["version"])


def revoke(world: World, pair: Pair, shared: Shared, node: Node | None = None) -> None:
    """Take it back."""
    answer = world.send("DELETE", f"{LINKS}/{shared.id}", at=pair.at, node=node)
    assert answer.status_code == 204, answer.text


def choose(world: World, pair: Pair, visibility: str) -> None:
    """Make an account private or public."""
    body = {"visibility": visibility}
    answer = world.send("PUT", "/emoticon/visibility", at=pair.at, json=body)
    assert answer.status_code == 200, answer.text


def unknown(world: World, path: str, **options: Any) -> None:
    """Every node says that there is no such link, now."""
    for node in world.nodes:
        refused(node.send("GET", path, **options), 404, "unknown_link")


def gone(world: World, path: str, *, within_s: float = NEWS_S) -> None:
    """Every node says so within this time, and goes on to."""
    until(
        lambda: [node.send("GET", path).status_code for node in world.nodes],
        [404] * len(world.nodes),
        within_s=within_s,
    )
    unknown(world, path)
