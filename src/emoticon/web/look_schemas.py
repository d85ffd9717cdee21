"""The bodies of looks and styles, as the OpenAPI document shows them."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from emoticon.domain.look_ids import MAX_LENGTH
from emoticon.domain.styles import MAX_SEED_LENGTH
from emoticon.web.schemas import Text

_PRINTED = "^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]+$"


class LookChange(BaseModel):
    """Another look: a style, perhaps with seed and options, or the id of a look."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "oneOf": [
                {"required": ["style"], "properties": {"look": False}},
                {"required": ["look"], "maxProperties": 1},
            ]
        },
    )

    style: Text = Field(
        "",
        min_length=1,
        description="See `GET /styles`.",
        json_schema_extra={"example": "moods"},
    )
    seed: Text = Field(
        "",
        min_length=1,
        max_length=MAX_SEED_LENGTH,
        description="What the face is made from; without it, it stays what it is.",
        json_schema_extra={"pattern": _PRINTED, "example": "Ann"},
    )
    options: dict[str, Any] | None = Field(
        None,
        description="What the style lets choose, see `GET /styles/{style}`; without it, what new looks have.",
        json_schema_extra={"example": {"backgroundColor": ["b6e3f4"]}},
    )
    look: Text = Field(
        "",
        min_length=1,
        max_length=MAX_LENGTH,
        description="The id of a look that somebody shares.",
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        given = self.model_fields_set
        if ("look" in given) == ("style" in given) or ("look" in given and len(given) > 1):
            raise PydanticCustomError(
                "look", "give either a style, with seed and options, or a look"
            )
        return self


class LookAnswer(BaseModel):
    """What an account looks like."""

    id: str = Field(
        description="Style, seed and options in one word, for others: `PUT /emoticon/look` takes it as `look`."
    )
    style: str
    seed: str
    options: dict[str, Any]
    generator: str = Field(description="What draws the style.")
    generator_version: int = Field(
        description="With it the look is drawn the same for ever; a `PUT` takes the newest."
    )
    version: str = Field(
        description="Stands for all pictures of the look in URLs; empty while its generator is not here.",
        json_schema_extra={"pattern": "^([0-9a-f]{12})?$"},
    )
    uploaded: bool = Field(
        description="Whether an uploaded picture is shown in the place of the style."
    )


class StyleAnswer(BaseModel):
    """A style, and whom to thank for it; what it does not say is empty."""

    name: str
    title: str
    creator: str
    creator_url: str
    source_url: str
    license: str
    license_url: str


class ListedStyle(StyleAnswer):
    """A style that may be chosen."""

    sample: str = Field(
        description="The path of a picture; see `GET /styles/{style}/sample.{format}`."
    )


class StyleDetails(ListedStyle):
    """A style that may be chosen, with all that can be chosen of it."""

    options: dict[str, Any] = Field(description="A JSON Schema (2020-12).")


class StyleList(BaseModel):
    """The styles that may be chosen."""

    default: str = Field(description="The style of a new account.")
    styles: list[ListedStyle]


class SampleQuery(BaseModel):
    """Which sample is wanted. Other parameters are ignored; of one that stands twice the last counts."""

    size: Literal["64", "128", "256"] = Field("128", description="Width and height in pixels.")


class FontAnswer(BaseModel):
    """Letters that some styles write with."""

    name: str
    creator: str
    license: str
    license_url: str


class Credits(BaseModel):
    """Whom to thank for what is seen here."""

    styles: list[StyleAnswer]
    fonts: list[FontAnswer]
    uploads: str
