"""`emoticon render` and `emoticon styles`: draw without a server."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from emoticon.cli.environment import fail, run, settings_or_exit
from emoticon.domain import pictures
from emoticon.domain.errors import EmoticonError
from emoticon.domain.models import Format, Look
from emoticon.domain.sheets import contact_sheet
from emoticon.settings import Settings

_VARIATIONS = 25
_SEED_LENGTH = 200


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(render)
    app.command()(styles)


def render(
    seed: Annotated[str, typer.Argument(help="Any text; the same text gives the same picture.")],
    style: Annotated[
        str | None, typer.Option(help="See `emoticon styles`  [EMOTICON_DEFAULT_STYLE, moods]")
    ] = None,
    size: Annotated[
        int, typer.Option(min=pictures.MIN_PX, max=pictures.MAX_PX, help="Pixels.")
    ] = pictures.DEFAULT_PX,
    picture_format: Annotated[
        Format | None,
        typer.Option("--format", help="By default as the file's name ends, else png."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; standard output by default."),
    ] = None,
    *,
    sheet: Annotated[
        bool,
        typer.Option(
            "--sheet",
            help="A contact sheet of all styles; with --style of 25 variations of the seed.",
        ),
    ] = False,
) -> None:
    """Draw an emoticon, or a contact sheet, into a file."""
    settings = settings_or_exit()
    if output is None and sys.stdout.isatty():
        raise fail("say where to write the picture: -o FILE", status=2)
    if not 1 <= len(seed) <= _SEED_LENGTH:
        raise fail(f"a seed has 1 to {_SEED_LENGTH} characters", status=2)
    chosen = picture_format or _format_of(output)
    try:
        if sheet:
            data = run(_sheet(settings, seed, style, size, chosen))
        else:
            look = Look(style=style or settings.default_style, seed=seed)
            data = run(_draw(settings, look, size, chosen))
    except EmoticonError as error:
        raise fail(f"{error.detail}: {style or settings.default_style}") from None
    try:
        if output is None:
            sys.stdout.buffer.write(data)
        else:
            output.write_bytes(data)
    except OSError as error:
        raise fail(f"cannot write {output or 'standard output'}: {error.strerror}") from None


def styles(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List the styles with their artists and licences."""
    from rich.console import Console
    from rich.table import Table

    settings = settings_or_exit()
    found = run(_styles(settings))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("style", "artist", "licence", "source")
    for entry in found:
        table.add_row(entry["name"], entry["creator"], entry["license"], entry["source_url"])
    Console().print(table)


def _format_of(output: Path | None) -> Format:
    if output is None or not output.suffix:
        return Format.PNG
    try:
        return Format(output.suffix[1:].lower())
    except ValueError:
        known = ", ".join(Format)
        raise fail(f"{output.name} ends in none of {known}: give --format", status=2) from None


async def _draw(settings: Settings, look: Look, size_px: int, picture_format: Format) -> bytes:
    from emoticon.wiring import open_studio

    async with open_studio(settings) as studio:
        return (await studio.generator.draw(look, size_px, picture_format)).body


async def _sheet(
    settings: Settings, seed: str, style: str | None, size_px: int, picture_format: Format
) -> bytes:
    from rich.console import Console
    from rich.progress import track

    from emoticon.wiring import open_studio

    async with open_studio(settings) as studio:
        if style is None:
            looks = [(name, Look(style=name, seed=seed)) for name in studio.generator.style_names]
        else:
            seeds = [f"{seed}-{number}" for number in range(1, _VARIATIONS + 1)]
            looks = [(one, Look(style=style, seed=one)) for one in seeds]
        cells = []
        progress = track(
            looks,
            description="drawing",
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        for label, look in progress:
            drawing = await studio.generator.draw(look, size_px, Format.PNG)
            cells.append((label, drawing.body))
        svg, width_px = contact_sheet(cells, size_px)
        if picture_format is Format.SVG:
            return svg
        return studio.rasteriser.rasterise(svg, width_px, picture_format, lossless=False)


async def _styles(settings: Settings) -> list[dict[str, str]]:
    from dataclasses import asdict

    from emoticon.wiring import open_studio

    async with open_studio(settings) as studio:
        generator = studio.generator
        return [asdict(generator.style(name)) for name in generator.style_names]
