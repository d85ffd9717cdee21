"""Facts about how long a drawing is expected to take."""

from emoticon.domain.drawing_times import DrawingTimes
from emoticon.domain.models import Format

PNG = Format.PNG


def test_what_was_never_drawn_is_expected_to_take_no_time() -> None:
    assert DrawingTimes().expected_ms("glass", PNG, 512) == 0


def test_the_first_times_weigh_alike() -> None:
    times = DrawingTimes()
    for took_ms in (1, 2, 6):
        times.add("glass", PNG, 512, took_ms)
    assert times.expected_ms("glass", PNG, 512) == 3


def test_styles_formats_and_sizes_are_told_apart() -> None:
    times = DrawingTimes()
    times.add("glass", PNG, 512, 40)
    assert times.expected_ms("moods", PNG, 512) == 0
    assert times.expected_ms("glass", Format.SVG, 512) == 0
    assert times.expected_ms("glass", PNG, 128) == 0


def test_a_first_time_with_the_loading_of_a_style_does_not_stay() -> None:
    times = DrawingTimes()
    times.add("moods", PNG, 128, 100)
    for _ in range(6):
        times.add("moods", PNG, 128, 3)
    assert times.expected_ms("moods", PNG, 128) < 20
    for _ in range(60):
        times.add("moods", PNG, 128, 3)
    assert times.expected_ms("moods", PNG, 128) < 3.1


def test_what_has_become_slow_is_noticed() -> None:
    times = DrawingTimes()
    for _ in range(1000):
        times.add("moods", PNG, 128, 3)
    for _ in range(8):
        times.add("moods", PNG, 128, 40)
    assert times.expected_ms("moods", PNG, 128) > 20


def test_of_more_than_the_bound_those_drawn_longest_ago_go() -> None:
    times = DrawingTimes(most=2)
    for style in ("a", "b", "a", "c"):
        times.add(style, PNG, 128, 5)
    assert [times.expected_ms(style, PNG, 128) for style in "abc"] == [5, 0, 5]
