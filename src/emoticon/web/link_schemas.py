"""The bodies of share links and of visibility, as the OpenAPI document shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from emoticon.domain import links, pictures
from emoticon.web.schemas import PictureSize, Text

_ID = "^[0-9a-f]{32}$"
_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"


def _number(value: object) -> object:
    """Take what JSON has as a number: `60` and `60.0` are the same one, `"60"` and `true` are none."""
    if type(value) not in (int, float):
        raise PydanticCustomError("number", "should be a number")
    return value


Size = Annotated[int, Field(ge=pictures.MIN_PX, le=pictures.MAX_PX), BeforeValidator(_number)]
Life = Annotated[int, Field(ge=links.MIN_LIFE_S, le=links.MAX_LIFE_S), BeforeValidator(_number)]


class NewShareLink(BaseModel):
    """What a new share link is like. Other members are ignored."""

    model_config = ConfigDict(hide_input_in_errors=True)

    label: Text = Field(
        "",
        max_length=links.MAX_LABEL,
        description="One line for its owner to tell it by; nobody else sees it.",
        json_schema_extra={"pattern": _LINE, "example": "forum"},
    )
    expires_in: Life | None = Field(
        None, description="Seconds until it ends; without it, it is good until it is revoked."
    )
    sizes: list[Size] = Field(
        [],
        max_length=links.MAX_SIZES,
        description="The sizes in pixels that may be asked for; none is any.",
    )


class ShareLink(BaseModel):
    """A share link as its owner sees it."""

    id: str = Field(json_schema_extra={"pattern": _ID})
    label: str
    sizes: list[int] = Field(description="The sizes that may be asked for; none is any.")
    created_at: datetime
    expires_at: datetime | None
    url: str = Field(
        description="For `<img src>`, at this host; `svg`, `webp` and `avif` may stand for `png`, and `?size=` and"
        " `v=` may follow.",
        json_schema_extra={"pattern": r"^/e/[A-Za-z0-9_-]{43}\.png$"},
    )
    version: str = Field(
        description="What the account looks like now: with it as `v` in the URL browsers keep the picture.",
        json_schema_extra={"pattern": "^([0-9a-f]{12})?$"},
    )


class ShareLinks(BaseModel):
    """The links of an account that are good, the newest first."""

    links: list[ShareLink]


class ChosenVisibility(BaseModel):
    """Who may see the emoticon of the account without a token or link of it."""

    visibility: Literal["private", "public"]


class PublicQuery(BaseModel):
    """Which picture of a public account is wanted. Other parameters are ignored; of one twice the last counts."""

    size: PictureSize = pictures.DEFAULT_PX
