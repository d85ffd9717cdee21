"""What emoticons may look like, where uploads are kept, and what strangers are drawn."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from pydantic_settings import NoDecode

from emoticon.settings.values import Colours, Count, StoreUrl, UpstreamUrl, Words


class LookSettings(BaseModel):
    """A part of Settings."""

    # Looks
    default_style: str = Field(
        "moods", description="Style of a new account; see `emoticon styles`."
    )
    styles: Annotated[Words, NoDecode] = Field(
        (),
        description="Styles that may be chosen, divided by commas: `moods, critters`; without it all."
        " Looks that are there already stay as they are.",
    )
    palette: Annotated[Colours, NoDecode] = Field(
        (),
        description="Background colours of new looks, divided by commas: `1b9e77, d95f02`; without it those of the"
        " style.",
    )

    # Uploads
    uploads: Literal["on", "off"] = Field("on", description="Whether own pictures may be uploaded.")
    store_url: StoreUrl | None = Field(
        None,
        description="Where uploaded pictures are kept: `file:///directory`, `s3://bucket/prefix`, `gs://bucket/prefix`"
        " or `az://container/prefix`, with credentials and endpoint in the variables of that store (AWS_*, GOOGLE_*,"
        " AZURE_*); without it the data directory.",
    )
    store_timeout_s: float = Field(
        5, ge=0.1, le=300, description="Seconds after which a question to that store is given up."
    )
    account_uploads: Count = Field(
        20, description="Pictures that one account may upload within an hour."
    )

    # Links
    account_links: int = Field(
        20, ge=0, le=1000, description="Share links that one account may have at once; 0 for none."
    )

    # Public generator
    public_generator: Literal["on", "off"] = Field(
        "off",
        description="Whether anybody may have any look drawn, at `/a/` and at the paths of DiceBear, Gravatar,"
        " Libravatar and dnmonster.",
    )
    address_drawings: Count = Field(
        600,
        description="Pictures that one address may have there, and of public accounts, within a minute.",
    )

    # Upstream generator
    upstream_url: UpstreamUrl | None = Field(
        None,
        description="URL of another service that draws, for the style `upstream`, with `{seed}` and perhaps `{size}`:"
        " `http://dnmonster:8080/monster/{seed}?size={size}`. The seed is a digest, never a name.",
    )
    upstream_version: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="Raise it when that service draws the same seed otherwise: its pictures are asked for anew.",
    )
    upstream_timeout_s: float = Field(
        2, ge=0.1, le=60, description="Seconds after which one of its pictures is given up."
    )
    upstream_requests: int = Field(
        8, ge=1, le=1000, description="Requests to it at once, per process."
    )
