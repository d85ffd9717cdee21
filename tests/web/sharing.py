"""Share links over HTTP, as their owners and everybody else use them."""

import itertools
from dataclasses import dataclass, field

from httpx2 import Response
from tests.web.conftest import Person

SHORT = "private, max-age=60"
LASTING = "private, max-age=31536000, immutable"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


_numbers = itertools.count(1)


@dataclass
class Shared:
    """A link, and how anybody asks for what it shows."""

    person: Person
    id: str
    token: str = field(repr=False)
    version: str

    async def get(
        self,
        query: str = "",
        *,
        kind: str = "png",
        method: str = "GET",
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Ask for the picture, with a query such as `size=64`."""
        url = f"/e/{self.token}.{kind}" + (f"?{query}" if query else "")
        return await self.person.client.request(method, url, headers=headers)


async def ask(person: Person, body: dict[str, object] | None = None) -> Response:
    """Ask for a new link."""
    return await person.client.post("/emoticon/links", json=body or {}, headers=person.headers)


async def share(person: Person, **body: object) -> Shared:
    """Make a link."""
    answer = await ask(person, body)
    assert answer.status_code == 201, answer.text
    link = answer.json()
    token = link["url"].removeprefix("/e/").removesuffix(".png")
    return Shared(person, link["id"], token, link["version"])


async def revoke(shared: Shared) -> Response:
    """Take it back."""
    return await shared.person.client.delete(
        f"/emoticon/links/{shared.id}", headers=shared.person.headers
    )


def plain(answer: Response) -> dict[str, str]:
    """Return the headers of an answer without what differs each time."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def fresh_query() -> str:
    """Return a query that has no influence and that no edge knows, so that the route answers."""
    return f"n={next(_numbers)}"
