"""Curves as SVG or PNG, with matplotlib where it is installed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Literal

from emoticon.cli.environment import WRONG_SETTINGS, fail

SUFFIXES = (".svg", ".png")
_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # told apart by all eyes
_MARKERS = "osD^vP"
_WIDE = 1000
_THOUSAND = 1000
_MANY = 100 * _THOUSAND


class Scale(StrEnum):
    """What an axis shows. All but shares are logarithmic."""

    BYTES = "bytes"
    SHARE = "share"
    """Of 1, from 0, in percent."""
    SHARES = "shares"
    """The same, over several powers of ten."""
    NUMBER = "number"


@dataclass(frozen=True)
class Panel:
    """Curves as (x, y) over a common axis; `levels` are lines across, for comparison."""

    title: str
    x: tuple[str, Scale]
    y: tuple[str, Scale]
    curves: Mapping[str, Sequence[tuple[float, float]]]
    levels: Mapping[str, float] = field(default_factory=dict)


def check(path: Path) -> None:
    """End the program with a message when a plot cannot be made under this name, before any work is done for it."""
    if path.suffix.lower() not in SUFFIXES:
        raise fail(f"a plot's name ends in {' or '.join(SUFFIXES)}: {path.name}", WRONG_SETTINGS)
    if find_spec("matplotlib") is None:
        raise fail("plots need matplotlib: pip install 'emoticon[plots]'")


def draw(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """Draw panels side by side into a file; the same arguments give the same bytes. Raises OSError."""
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    def scale(axes: Axes, letter: Literal["x", "y"], label: str, kind: Scale) -> None:
        axis = axes.xaxis if letter == "x" else axes.yaxis
        axes.set(**{f"{letter}label": label})
        if kind is Scale.SHARE:
            axes.set(**{f"{letter}lim": (0, None)})
        else:
            axes.set(**{f"{letter}scale": "log"})
            low, high = axes.get_xlim() if letter == "x" else axes.get_ylim()
            subs = (1.0,) if high > low * _WIDE else (1.0, 3.0)
            axis.set_major_locator(LogLocator(subs=subs, numticks=12))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _WORDS[kind](value)))

    def fill(axes: Axes, panel: Panel) -> None:
        for (name, points), colour, marker in zip(
            panel.curves.items(), cycle(_COLOURS), cycle(_MARKERS), strict=False
        ):
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, label=name, color=colour, marker=marker, markersize=4.5)
        for (name, level), dashes in zip(
            panel.levels.items(), cycle(("--", ":", "-.")), strict=False
        ):
            axes.axhline(level, label=name, color="#555555", linestyle=dashes, linewidth=1.3)
        scale(axes, "x", *panel.x)
        scale(axes, "y", *panel.y)
        axes.set_title(panel.title)
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, frameon=False, fontsize=9
        )

    style = rc_context(
        {
            "svg.hashsalt": "emoticon",  # otherwise each file has other ids
            "font.size": 10,
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.alpha": 0.3,
        }
    )
    with style:
        figure = Figure(figsize=(6 * len(panels), 5), layout="constrained")
        figure.suptitle(title)
        subplots = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(subplots, panels, strict=True):
            fill(axes, panel)
        kind = path.suffix.lower()[1:]
        figure.savefig(path, format=kind, dpi=120, metadata=_UNDATED[kind])


_UNDATED: Mapping[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def _size(value_bytes: float) -> str:
    from rich.filesize import decimal

    return decimal(round(value_bytes)).replace(".0 ", " ")


def _number(value: float) -> str:
    if value < _MANY:
        return f"{value:,g}"
    millions = value / _THOUSAND**2
    return f"{millions:,g} M" if millions >= 1 else f"{value / _THOUSAND:g} k"


_WORDS: Mapping[Scale, Callable[[float], str]] = {
    Scale.BYTES: _size,
    Scale.SHARE: lambda value: f"{value:.0%}",
    Scale.SHARES: lambda value: f"{value * 100:g} %",
    Scale.NUMBER: _number,
}
