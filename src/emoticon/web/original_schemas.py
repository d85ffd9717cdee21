"""What is asked and answered about uploaded pictures."""

from pydantic import BaseModel, Field

from emoticon.domain.models import Box


class PictureQuery(BaseModel):
    """How a picture is cropped. Other parameters are ignored."""

    box: str | None = Field(
        None,
        pattern=r"^(?:0|[1-9][0-9]{0,4}),(?:0|[1-9][0-9]{0,4}),[1-9][0-9]{0,4}$",
        description="`left,top,side` in pixels of the picture as it is seen, upright: the square to show. Without it"
        " that is the middle.",
        examples=["120,0,480"],
    )

    def square(self) -> Box | None:
        """Return the square, None for the middle."""
        return None if self.box is None else Box(*map(int, self.box.split(",")))


class PictureAnswer(BaseModel):
    """What an upload has become."""

    version: str = Field(
        description="Stands for what the account shows now: `v` in URLs of share links."
    )
