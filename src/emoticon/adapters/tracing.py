"""Tiers and generators with a span around what may take long. Imported only when requests are traced."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from opentelemetry import trace
from typing_extensions import override

from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.media import Generator
from emoticon.domain.models import Drawing, Format, Look, Picture, Style
from emoticon.domain.ports import OuterTier

_tracer = trace.get_tracer("emoticon")


class TracedTier(OuterTier):
    """Another tier, whose look-ups and deliveries are seen. No span names an account or a picture."""

    def __init__(self, tier: OuterTier) -> None:
        self._tier = tier

    @property
    @override
    def name(self) -> str:
        return self._tier.name

    @override
    async def get(self, label: Label) -> Picture | None:
        with _tracer.start_as_current_span(f"tier {self.name} get") as span:
            found = await self._tier.get(label)
            span.set_attribute("emoticon.hit", found is not None)
            return found

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        with _tracer.start_as_current_span(f"tier {self.name} put") as span:
            span.set_attribute("emoticon.bytes", len(picture.body))
            await self._tier.put(label, picture)

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        return await self._tier.forget(owners)

    @override
    def figures(self) -> TierFigures:
        return self._tier.figures()

    @override
    async def aclose(self) -> None:
        await self._tier.aclose()

    @override
    async def marked(self) -> int | None:
        return await self._tier.marked()

    @override
    async def mark(self, number: int) -> None:
        await self._tier.mark(number)

    @override
    async def count(self, owner: int) -> int:
        return await self._tier.count(owner)

    @override
    def walk(self) -> AsyncIterator[Sequence[Kept]]:
        return self._tier.walk()

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        return await self._tier.discard(kept)

    @override
    async def clear(self) -> None:
        await self._tier.clear()

    @override
    async def compact(self) -> int:
        return await self._tier.compact()

    @override
    async def extent(self) -> Extent:
        return await self._tier.extent()


class TracedGenerator(Generator):
    """Another generator, whose drawings are seen, the wait for a thread included."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    @property
    @override
    def version(self) -> int:
        return self._generator.version

    @property
    @override
    def revision(self) -> str:
        return self._generator.revision

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return self._generator.style_names

    @override
    def style(self, name: str) -> Style:
        return self._generator.style(name)

    @override
    def options(self, style: str) -> Mapping[str, Any]:
        return self._generator.options(style)

    @override
    def check(self, style: str, options: Mapping[str, Any]) -> None:
        self._generator.check(style, options)

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        with _tracer.start_as_current_span("draw") as span:
            span.set_attributes(
                {
                    "emoticon.style": look.style,
                    "emoticon.size_px": size_px,
                    "emoticon.format": picture_format.value,
                }
            )
            drawing = await self._generator.draw(look, size_px, picture_format)
            span.set_attribute("emoticon.took_ms", drawing.took_ms)
            return drawing
