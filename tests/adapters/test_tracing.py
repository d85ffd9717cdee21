"""Facts about tiers and generators that are seen: they do what those inside of them do."""

from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.drawings import drawn, label_of

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tracing import TracedGenerator, TracedTier
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.models import Format, Look
from emoticon.domain.workers import Workers


async def test_a_traced_tier_keeps_and_forgets_like_the_tier_itself(tmp_path: Path) -> None:
    disk = DiskTier(
        tmp_path / "pictures.db", max_bytes=1 << 20, clock=ManualClock(), min_free_fraction=0
    )
    tier = TracedTier(disk)
    label = label_of(1, owner=7)
    assert tier.name == disk.name == "disk"
    assert await tier.get(label) is None
    await tier.put(label, drawn(1, 500))
    await disk.flush()
    assert await tier.get(label) == drawn(1, 500)
    assert await tier.count(7) == 1
    assert tier.figures() == disk.figures()
    assert (await tier.extent()) == (await disk.extent())
    await tier.mark(5)
    assert await tier.marked() == 5
    (batch,) = [batch async for batch in tier.walk()]
    assert await tier.discard(batch) == 1
    await tier.put(label, drawn(1, 500))
    await disk.flush()
    assert await tier.forget([7]) == 1
    await tier.put(label, drawn(1, 500))
    await disk.flush()
    await tier.clear()
    assert await tier.get(label) is None
    assert await tier.compact() >= 0
    await tier.aclose()


@pytest.fixture
def drawing() -> Workers:
    return Workers("draw", threads=1, queue=10, busy=DrawingBusy)


async def test_a_traced_generator_draws_what_the_generator_draws(drawing: Workers) -> None:
    real = DiceBearGenerator(VipsRasteriser(), drawing, deadline_s=10)
    traced = TracedGenerator(real)
    look = Look(style="moods", seed="ann")
    assert traced.revision == real.revision
    assert traced.style_names == real.style_names
    assert traced.style("moods") == real.style("moods")
    assert (await traced.draw(look, 64, Format.SVG)).body == (
        await real.draw(look, 64, Format.SVG)
    ).body
    drawing.close()
