"""Contact sheets: many emoticons with their names in one picture."""

import base64
import math
from collections.abc import Sequence
from html import escape

_LABEL_PX = 26
_GAP_PX = 16


def contact_sheet(cells: Sequence[tuple[str, bytes]], cell_px: int) -> tuple[bytes, int]:
    """Return a square SVG document of labelled PNG pictures and its width in pixels.

    The pictures are embedded as they are: as SVG, the ids of one drawing would reach into the next.
    """
    columns = math.ceil(math.sqrt(len(cells)))
    step_px = cell_px + _GAP_PX
    rows = math.ceil(len(cells) / columns)
    width_px = max(columns * step_px, rows * (step_px + _LABEL_PX)) + _GAP_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{width_px}">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    left_px = (width_px - columns * step_px + _GAP_PX) // 2
    for index, (label, png) in enumerate(cells):
        x = left_px + index % columns * step_px
        y = _GAP_PX + index // columns * (step_px + _LABEL_PX)
        data = base64.b64encode(png).decode()
        parts.append(
            f'<image x="{x}" y="{y}" width="{cell_px}" height="{cell_px}"'
            f' href="data:image/png;base64,{data}"/>'
            f'<text x="{x + cell_px / 2:g}" y="{y + cell_px + 16}" font-family="Noto Sans, sans-serif"'
            f' font-size="12" text-anchor="middle" fill="#333">{escape(label)}</text>'
        )
    return "".join([*parts, "</svg>"]).encode(), width_px
