"""Which styles take fewer bytes as lossy WebP (quality 85) than lossless, over a few seeds at one size.

Prints the bytes of both and of PNG for every style, and the set for `emoticon.adapters.generators.dicebear`:

    python bench/webp_by_style.py
"""

from statistics import mean

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.lettering import FONT_FAMILY
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.models import Format

SIZE_PX = 128
SEEDS = ("Anna", "b7", "Mehmet K", "x-3", "Олег", "zoe@example.org")
WORTH_IT = 0.7
"""Lossy only where it saves three tenths, which are the shaded styles: line art keeps its exact edges."""


def main() -> None:
    """Measure, print."""
    rasteriser = VipsRasteriser()
    library = styles.Styles()

    def size(svg: bytes, picture_format: Format, *, lossless: bool = True) -> int:
        return len(rasteriser.rasterise(svg, SIZE_PX, picture_format, lossless=lossless))

    lossy = []
    print(f"{'style':22}{'PNG':>8}{'lossless':>10}{'lossy':>8}{'ratio':>8}")
    for style in styles.names():
        drawings = [
            library.compose(style, {"seed": seed, "size": SIZE_PX, "fontFamily": FONT_FAMILY})
            for seed in SEEDS
        ]
        svgs = [drawing.encode() for drawing in drawings]
        png = mean(size(svg, Format.PNG) for svg in svgs)
        exact = mean(size(svg, Format.WEBP) for svg in svgs)
        near = mean(size(svg, Format.WEBP, lossless=False) for svg in svgs)
        print(f"{style:22}{png:8.0f}{exact:10.0f}{near:8.0f}{near / exact:8.2f}")
        if near < exact * WORTH_IT:
            lossy.append(style)
    print(f"\n{len(lossy)} lossy: {' '.join(lossy)}")


if __name__ == "__main__":
    main()
