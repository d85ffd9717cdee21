"""What the domain asks of what draws, decodes and keeps images. The contracts stand here once, as in `ports`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol

from emoticon.domain.errors import InvalidLook, UnknownStyle
from emoticon.domain.models import Box, Drawing, Format, Look, Style

NO_OPTIONS: Final[Mapping[str, Any]] = {"type": "object", "maxProperties": 0}
"""The JSON Schema of looks that choose nothing."""


class Generator(Protocol):
    """Draws pictures of looks."""

    @property
    def version(self) -> int:
        """What new looks are given as `generator_version`. Older ones are drawn as they always were, or not at all."""
        ...

    @property
    def revision(self) -> str:
        """Everything of this generator that can change the bytes of a look, in a short word."""
        ...

    @property
    def style_names(self) -> Sequence[str]:
        """All styles, sorted; costs nothing."""
        ...

    def style(self, name: str) -> Style:
        """Describe a style; reads it on first use. Raises UnknownStyle."""
        ...

    def options(self, style: str) -> Mapping[str, Any]:
        """Return the JSON Schema of what looks of a style may choose, by default nothing; reads it on first use.

        Raises UnknownStyle.
        """
        if style not in self.style_names:
            raise UnknownStyle
        return NO_OPTIONS

    def check(self, style: str, options: Mapping[str, Any]) -> None:
        """Return silently when `options` fit that schema; then they can be drawn.

        Raises:
            UnknownStyle: there is no such style.
            InvalidLook: it names an option that does not fit, and repeats nothing else of what was given.

        """
        self.options(style)
        if options:
            raise InvalidLook("The style has no options")

    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        """Draw; the same arguments give the same bytes.

        Raises:
            UnknownStyle: the look names none of `style_names`.
            DrawingBusy: the queue is full.
            DrawingTimedOut: the deadline passed.
            DrawingFailed: the look cannot be drawn.

        """
        ...


class BlobStore(Protocol):
    """Keeps bytes under names such as `originals/7-0123abcd`, for ever, until they are deleted."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep it; on return it is durable. Raises OriginalsUnavailable: it may or may not be there."""
        ...

    async def get(self, name: str, *, max_bytes: int) -> bytes | None:
        """Return what was put, None when nothing is there or it has more bytes. Raises OriginalsUnavailable."""
        ...

    async def delete(self, name: str) -> None:
        """Delete it; there may be nothing. Raises OriginalsUnavailable."""
        ...

    def walk(self, prefix: str) -> AsyncIterator[Sequence[tuple[str, int]]]:
        """Yield all names that begin with a prefix such as `originals/`, with when they were put (Unix ms), in batches.

        Raises OriginalsUnavailable.
        """
        ...

    async def ping(self) -> None:
        """Return when the store answers. Raises OriginalsUnavailable."""
        ...

    async def aclose(self) -> None:
        """Let go. Idempotent."""
        ...


class ImageDecoder(Protocol):
    """Turns pictures that strangers send into harmless ones."""

    async def decode(self, data: bytes, box: Box | None, *, side_px: int) -> bytes:
        """Return the picture upright, cropped to `box` or to its middle square, at most `side_px` wide.

        The result is WebP made from pixels alone: nothing else of `data` is in it. Of an animation it is the first
        frame.

        Raises:
            UnsupportedPicture: it is none of PNG, JPEG, WebP, GIF, AVIF, by its first bytes.
            InvalidPicture: it cannot be decoded, has too many pixels, or the box is not in it.
            UploadsBusy: too many are being decoded.

        """
        ...

    async def aclose(self) -> None:
        """End what is under way and let go. Idempotent."""
        ...


class Rasteriser(Protocol):
    """Turns SVG into pixels. Synchronous and CPU-bound: call it from a worker thread."""

    @property
    def revision(self) -> str:
        """Everything that can change the bytes, in a short word."""
        ...

    def rasterise(
        self, svg: bytes, size_px: int, picture_format: Format, *, lossless: bool
    ) -> bytes:
        """Return a square image. `lossless` concerns WebP only. Raises DrawingFailed for what is no SVG."""
        ...

    def resize(self, webp: bytes, size_px: int, picture_format: Format) -> bytes:
        """Return a square image of one that an ImageDecoder has made. Raises DrawingFailed for SVG and what is none."""
        ...
