"""Somebody with an account, over HTTP."""

import secrets
from dataclasses import dataclass
from typing import Any, Self

import httpx2

PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Person:
    """An account and its newest tokens."""

    base: str
    name: str
    password: str
    tokens: dict[str, Any]

    @classmethod
    def new(cls, base: str) -> Self:
        """Sign up."""
        name, password = f"person-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        answer = httpx2.post(
            f"{base}/auth/sign-up", json={"username": name, "password": password}, timeout=30
        )
        answer.raise_for_status()
        return cls(base, name, password, answer.json())

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Ask as this person."""
        headers = self.bearer | options.pop("headers", {})
        return httpx2.request(method, f"{self.base}{path}", headers=headers, timeout=30, **options)

    def picture(self, size: int = 128) -> httpx2.Response:
        """Ask for the own emoticon."""
        return self.call("GET", f"/emoticon/?username={self.name}&size={size}")

    def refresh(self) -> None:
        """Get the next tokens."""
        form = {"refresh_token": self.tokens["refresh_token"]}
        answer = httpx2.post(f"{self.base}/auth/refresh", data=form, timeout=30)
        answer.raise_for_status()
        self.tokens = answer.json()
