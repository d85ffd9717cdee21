"""Facts about plots."""

from pathlib import Path

from emoticon.cli.plots import Panel, Scale, draw

PANELS = [
    Panel(
        "one",
        ("RAM", Scale.BYTES),
        ("hit ratio", Scale.SHARE),
        {"lru": [(1e6, 0.2), (3e6, 0.4)], "lfu": [(1e6, 0.3), (3e6, 0.5)]},
    ),
    Panel(
        "two",
        ("accounts", Scale.NUMBER),
        ("RAM", Scale.SHARES),
        {"it": [(1e3, 0.001), (1e9, 0.1)]},
        {"a level": 0.05},
    ),
]


def test_the_same_curves_give_the_same_bytes(tmp_path: Path) -> None:
    for suffix in ("svg", "png"):
        first, second = tmp_path / f"1.{suffix}", tmp_path / f"2.{suffix}"
        draw(first, "title", PANELS)
        draw(second, "title", PANELS)
        assert first.read_bytes() == second.read_bytes()


def test_a_plot_says_nothing_of_when_and_with_what_it_was_made(tmp_path: Path) -> None:
    draw(tmp_path / "a.svg", "title", PANELS)
    text = (tmp_path / "a.svg").read_text()
    assert "dc:date" not in text
    assert "Matplotlib v" not in text.partition("-->")[2]


def test_axes_have_readable_numbers(tmp_path: Path) -> None:
    draw(tmp_path / "a.svg", "title", PANELS)
    comments = (tmp_path / "a.svg").read_text()
    for label in ("1 MB", "3 MB", "40%", "10,000", "100 k", "1 M", "1,000 M", "0.1 %", "10 %"):
        assert f"<!-- {label} -->" in comments
