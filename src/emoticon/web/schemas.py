"""The bodies that routes take and give, as the OpenAPI document shows them."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from emoticon.domain import pictures
from emoticon.domain.models import AccessToken

Text = Annotated[str, Field(strict=True)]


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


class SignInForm(BaseModel):
    """The password grant of OAuth 2 (RFC 6749 section 4.3.2) as a form."""

    model_config = ConfigDict(hide_input_in_errors=True)

    grant_type: Literal["password"] = Field("password", description="May be left out.")
    username: str = Field(json_schema_extra={"example": "ann"})
    password: str = Field(
        json_schema_extra={"format": "password", "example": "seven green boats at noon"}
    )


class TokenAnswer(BaseModel):
    """An access token (RFC 6749 section 5.1)."""

    access_token: str = Field(description="A signed JWT; send it as `Authorization: Bearer`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Life of the access token in seconds.")

    @classmethod
    def of(cls, token: AccessToken) -> "TokenAnswer":
        """Show a token to the client that it belongs to."""
        return cls(access_token=token.value, expires_in=token.expires_in_s)


def _plain(value: object) -> object:
    """One spelling per number, else each size would have many URLs."""
    if isinstance(value, str) and not re.fullmatch("[1-9][0-9]{0,3}", value):
        raise PydanticCustomError("size", "should be a whole number in plain digits")
    return value


class EmoticonQuery(BaseModel):
    """Which picture is wanted. Other parameters are ignored; of one that stands twice the last counts."""

    username: str = Field("", description="The caller's own name.")
    size: Annotated[int, BeforeValidator(_plain)] = Field(
        pictures.DEFAULT_PX,
        ge=pictures.MIN_PX,
        le=pictures.MAX_PX,
        description="Width and height in pixels.",
    )
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
