"""A browser as far as sessions by cookie are concerned: keeps two cookies and says which page it shows."""

from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any

from httpx2 import AsyncClient, Response
from tests.web.conftest import BASE_URL, PASSWORD

ACCESS = "__Host-emoticon"
REFRESH = "__Secure-emoticon-refresh"
OWN_PAGE = {"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"}


def cookies_of(answer: Response) -> dict[str, Morsel[str]]:
    """Return the cookies that an answer sets, by name; none twice."""
    lines = answer.headers.get_list("set-cookie")
    found = {name: morsel for line in lines for name, morsel in SimpleCookie(line).items()}
    assert len(found) == len(lines)
    return found


@dataclass
class Browser:
    """Sends its cookies with every request, to whatever page it comes from; those are the headers `page`."""

    client: AsyncClient
    page: dict[str, str] = field(default_factory=lambda: dict(OWN_PAGE))
    jar: dict[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> dict[str, str]:
        """The header with all cookies, also with that which a browser keeps for the refresh alone."""
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}

    async def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, **sent: Any
    ) -> Response:
        """Send a request and keep the cookies of its answer."""
        answer = await self.client.request(
            method, path, headers={**self.page, **self.cookie, **(headers or {})}, **sent
        )
        for name, morsel in cookies_of(answer).items():
            self.jar[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.jar[name]
        return answer

    async def sign_up(self, username: str) -> Response:
        body = {"username": username, "password": PASSWORD, "session": "cookie"}
        return await self.send("POST", "/auth/sign-up", json=body)

    async def sign_in(self, username: str) -> Response:
        form = {"username": username, "password": PASSWORD, "session": "cookie"}
        return await self.send("POST", "/auth/sign-in", data=form)
