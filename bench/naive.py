"""The naive service that cold drawings are measured beside: FastAPI, DiceBear's library, resvg-py, and nothing else.

Styles are loaded once, and the library of fonts is left out, which is how somebody would write it who has measured.
"""

import json
from functools import cache
from importlib.resources import files

import resvg_py
from dicebear import Avatar, Style
from fastapi import FastAPI, Response

app = FastAPI()


@cache
def _style(name: str) -> Style:
    return Style(json.loads(files("dicebear_styles").joinpath(f"{name}.json").read_text("utf-8")))


@app.get("/a/{style}/{seed}.{picture_format}")
def picture(style: str, seed: str, picture_format: str, size: int = 128) -> Response:
    """Draw a picture."""
    svg = str(Avatar(_style(style), {"seed": seed, "size": size}))
    if picture_format == "svg":
        return Response(svg, media_type="image/svg+xml")
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, skip_system_fonts=True)
    return Response(bytes(png), media_type="image/png")
