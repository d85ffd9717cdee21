"""Facts about what pictures cost."""

import pytest

from emoticon.domain.models import Format
from emoticon.domain.prices import (
    BODY_BYTES,
    DRAW_MS,
    HIT_US,
    Bill,
    Prices,
    bill,
    body_bytes,
    break_even,
    cpu_s,
)

PRICES = Prices(ram_gb_month=4, ssd_gb_month=0.1, vcpu_month=25.92, busy_share=0.5)


def test_a_second_is_paid_for_with_the_time_the_processor_is_idle() -> None:
    assert PRICES.cpu_s == pytest.approx(2e-5)


def test_a_bill_is_room_and_work() -> None:
    assert bill(PRICES, ram_bytes=2e9, disk_bytes=1e10, cpu_s=1e5) == Bill(
        8, 1, 100_000 * PRICES.cpu_s
    )
    assert Bill(8, 1, 2).total == 11


def test_work_is_drawings_and_hits() -> None:
    assert cpu_s({"memory": 1e6, "disk": 1000}, 1000, 3) == pytest.approx(2 + 0.175 + 3)


def test_at_the_break_even_a_place_costs_what_it_saves() -> None:
    requests = break_even(PRICES, kept_bytes=4000, gb_month=4, saved_us=3000)
    kept = bill(PRICES, ram_bytes=4000, disk_bytes=0, cpu_s=0)
    saved = bill(PRICES, ram_bytes=0, disk_bytes=0, cpu_s=requests * 3e-3)
    assert kept.total == pytest.approx(saved.total)


def test_every_format_and_tier_has_its_figures() -> None:
    assert set(BODY_BYTES) == set(DRAW_MS) == set(Format)
    assert set(HIT_US) == {"memory", "shared", "disk"}


def test_pixels_grow_with_the_width_and_svg_does_not() -> None:
    assert body_bytes(128, Format.PNG) == BODY_BYTES[Format.PNG]
    assert body_bytes(256, Format.PNG) == 2 * BODY_BYTES[Format.PNG]
    assert body_bytes(512, Format.SVG) == body_bytes(16, Format.SVG)
