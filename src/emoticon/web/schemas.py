"""The bodies that routes take and give, as the OpenAPI document shows them."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from emoticon.domain import pictures

Text = Annotated[str, Field(strict=True)]
Carrier = Annotated[
    Literal["token", "cookie"],
    Field(description="`cookie` puts the tokens into cookies, for pages of this site only."),
]


class Credentials(BaseModel):
    """Name and password of an account. Other members are ignored."""

    model_config = ConfigDict(hide_input_in_errors=True)

    username: Text = Field(
        description="Letters a-z, digits, `.`, `-`, `_`; compared without case.",
        json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", "example": "ann"},
    )
    password: Text = Field(
        description="8 to 256 bytes, not easy to guess.",
        json_schema_extra={"format": "password", "example": "seven green boats at noon"},
    )
    session: Carrier = "token"


class SignInForm(BaseModel):
    """The password grant of OAuth 2 (RFC 6749 section 4.3.2) as a form."""

    model_config = ConfigDict(hide_input_in_errors=True)

    grant_type: Literal["password"] = Field("password", description="May be left out.")
    username: str = Field(json_schema_extra={"example": "ann"})
    password: str = Field(
        json_schema_extra={"format": "password", "example": "seven green boats at noon"}
    )
    session: Carrier = "token"


class RefreshForm(BaseModel):
    """The refresh grant of OAuth 2 (RFC 6749 section 6), as a form or as JSON."""

    model_config = ConfigDict(hide_input_in_errors=True)

    grant_type: Literal["refresh_token"] = Field("refresh_token", description="May be left out.")
    refresh_token: Text = Field(min_length=1)


class RevokeForm(BaseModel):
    """A token to be revoked (RFC 7009 section 2.1)."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: str = Field(min_length=1, description="A refresh token or an access token.")
    token_type_hint: str = Field("", description="Not needed; any value is ignored.")


class NewPassword(BaseModel):
    """The password of the account, and the one that replaces it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    current_password: Text = Field(json_schema_extra={"format": "password"})
    new_password: Text = Field(
        description="8 to 256 bytes, not easy to guess.", json_schema_extra={"format": "password"}
    )


class Farewell(BaseModel):
    """The password of the account, retyped by who wants to leave."""

    model_config = ConfigDict(hide_input_in_errors=True)

    password: Text = Field(json_schema_extra={"format": "password"})


class TokenAnswer(BaseModel):
    """A pair of tokens (RFC 6749 section 5.1)."""

    access_token: str = Field(description="A signed JWT; send it as `Authorization: Bearer`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Life of the access token in seconds.")
    refresh_token: str = Field(description="For `POST /auth/refresh`; it works once.")
    refresh_expires_in: int = Field(description="Seconds in which the refresh token works.")


class CookieAnswer(BaseModel):
    """The tokens are in cookies that no script can read."""

    token_type: Literal["cookie"] = "cookie"  # noqa: S105 - a word, not a secret
    expires_in: int = Field(description="Seconds until a refresh is needed.")
    refresh_expires_in: int = Field(description="Seconds in which a refresh is possible.")


class OpenSession(BaseModel):
    """A sign-in as its owner sees it."""

    id: str = Field(json_schema_extra={"pattern": "^[0-9a-f]{32}$"})
    created_at: datetime
    last_used_at: datetime = Field(description="When it was opened or last refreshed.")
    expires_at: datetime
    user_agent: str
    address: str
    current: bool = Field(description="Whether it is the one that asks.")


class OpenSessions(BaseModel):
    """Where an account is signed in, the session used last first."""

    sessions: list[OpenSession]


class KeySet(BaseModel):
    """A JWK set (RFC 7517 section 5)."""

    keys: list[dict[str, str]]


def _plain(value: object) -> object:
    """One spelling per number, else each size would have many URLs."""
    if isinstance(value, str) and not re.fullmatch("[1-9][0-9]{0,3}", value):
        raise PydanticCustomError("size", "should be a whole number in plain digits")
    return value


PictureSize = Annotated[
    int,
    Field(ge=pictures.MIN_PX, le=pictures.MAX_PX, description="Width and height in pixels."),
    BeforeValidator(_plain),
]


class EmoticonQuery(BaseModel):
    """Which picture is wanted. Other parameters are ignored; of one that stands twice the last counts."""

    username: str = Field("", description="The caller's own name.")
    size: PictureSize = pictures.DEFAULT_PX
    format: Literal["png", "svg", "webp", "avif", "auto"] = Field(
        "png", description="`auto` chooses by the Accept header."
    )


class User(BaseModel):
    """An account as its owner sees it."""

    id: int = Field(gt=0)
    username: str
    visibility: Literal["private", "public"]
    created_at: datetime


class FieldProblem(BaseModel):
    """What is wrong with one part of the request."""

    loc: list[str] = Field(description="Where: `body`, `query`, then the name.")
    msg: str
    type: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="For programs; stable.")
    detail: str = Field(description="For people; one sentence.")
    errors: list[FieldProblem] | None = None


class Alive(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Check(BaseModel):
    """Whether one part works."""

    name: str
    ok: bool
    detail: str = ""


class Ready(BaseModel):
    """Whether this process can serve, and what each part says."""

    status: Literal["ready", "not ready"]
    checks: list[Check]
