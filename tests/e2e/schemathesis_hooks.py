"""What the OpenAPI document cannot say: what a password is, and which tokens and passwords are right at the moment.

Calls sign out, change passwords and delete accounts. So the token of each call is looked at beforehand, and when the
calls before have ended it, somebody new signs up. Every second body that fits its schema gets the words that are right.
Set SCHEMATHESIS_SIGNED_IN for calls with a token, SCHEMATHESIS_SEEN for the file that lists the answers.
"""

import itertools
import os
from collections import Counter
from typing import Any

import schemathesis
from httpx2 import Client
from hypothesis import strategies as st
from schemathesis import AuthContext, Case, HookContext, Response
from tests.e2e.conftest import METRICS_TOKEN
from tests.images import png

PASSWORD = "seven green boats at noon"
PICTURE = png(width=16, height=16)
_numbers = itertools.count()
_turns: Counter[str] = Counter()

schemathesis.openapi.format(
    "password", st.integers(10**20, 10**30).map(lambda number: f"pw {number:x} ok")
)
for _media_type in ("png", "jpeg", "webp", "gif", "avif"):
    schemathesis.openapi.media_type(f"image/{_media_type}", st.just(PICTURE))
schemathesis.openapi.media_type("application/octet-stream", st.just(PICTURE))


class Account:
    """Somebody who is signed in, at least when last looked at."""

    def __init__(self) -> None:
        self.username = ""
        self.tokens: dict[str, str] = {}
        self.link = ""

    def look(self, base_url: str) -> None:
        """Become somebody new when the token is no longer good."""
        with Client(base_url=base_url) as client:
            bearer = {"Authorization": f"Bearer {self.tokens.get('access_token', 'none')}"}
            if client.get("/auth/user", headers=bearer).status_code == 200:
                return
            self.username = f"fuzzed-{os.getpid()}-{next(_numbers)}"
            answer = client.post(
                "/auth/sign-up", json={"username": self.username, "password": PASSWORD}
            )
            self.tokens = answer.raise_for_status().json()
            bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
            made = client.post("/emoticon/links", json={}, headers=bearer)
            self.link = made.raise_for_status().json()["url"][len("/e/") : -len(".png")]

    def words(self) -> dict[str, dict[str, str]]:
        """Return what is right in the bodies of operations."""
        credentials = {"username": self.username, "password": PASSWORD}
        refresh_token = self.tokens["refresh_token"]
        return {
            "POST /auth/sign-in": credentials,
            "POST /auth/refresh": {"refresh_token": refresh_token},
            "POST /auth/revoke": {"token": refresh_token},
            "PUT /auth/password": {"current_password": PASSWORD},
            "DELETE /auth/user": {"password": PASSWORD},
        }


account = Account()


class SignedIn:
    """Gives each call a token that is good."""

    def get(self, case: Case[Any], _context: AuthContext) -> str:
        account.look(str(case.operation.base_url))
        return account.tokens["access_token"]

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        token = METRICS_TOKEN if case.operation.label == "GET /metrics" else data
        case.headers["Authorization"] = f"Bearer {token}"


if os.environ.get("SCHEMATHESIS_SIGNED_IN"):
    schemathesis.auth(refresh_interval=None)(SignedIn)


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    if case.operation.label == "GET /e/{link}.{format}":
        _turns[case.operation.label] += 1
        if _turns[case.operation.label] % 2:
            account.look(str(case.operation.base_url))
            case.path_parameters["link"] = account.link
        return
    fits = case.meta is not None and case.meta.generation.mode.is_positive
    if fits and case.operation.label == "PUT /emoticon/picture":
        case.query = {}  # nor which squares are in a picture
        return
    if not fits or not isinstance(case.body, dict):
        return
    if case.operation.label == "PUT /emoticon/look":
        # The document cannot say which styles and looks there are, nor which options each style has.
        case.body = {"style": "moods", **{k: v for k, v in case.body.items() if k == "seed"}}
        return
    _turns[case.operation.label] += 1
    if _turns[case.operation.label] % 2 == 0:
        return
    account.look(str(case.operation.base_url))
    case.body = {**case.body, **account.words().get(case.operation.label, {})}


@schemathesis.hook
def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    if case.operation.label == "PUT /emoticon/picture" and response.status_code == 200:
        # It has no SVG, which calls may ask for that come later.
        with Client(base_url=str(case.operation.base_url)) as client:
            bearer = {"Authorization": case.headers["Authorization"]}
            client.delete("/emoticon/picture", headers=bearer).raise_for_status()
    with open(os.environ["SCHEMATHESIS_SEEN"], "a", encoding="utf-8") as seen:  # noqa: PTH123 - one line
        seen.write(f"{case.operation.label} {response.status_code}\n")
