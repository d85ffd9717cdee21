"""Facts about pictures that were sent, through real processes."""

from typing import Any

import pytest
import pyvips
from PIL import Image, ImageCms
from tests.adapters.decoding import bombs, hostile, strangers
from tests.adapters.decoding.conftest import opened
from tests.adapters.decoding.samples import SAMPLES, exif, sample, saved, scene

from emoticon.adapters.decoding.decoder import ProcessDecoder
from emoticon.domain.errors import InvalidPicture, UnsupportedPicture
from emoticon.domain.models import Box

RED, GREY, BLUE = (220, 20, 20), (18, 18, 18), (20, 20, 220)
SECRETS = (b"Anna", b"EXIF", b"Exif", b"XMP ", b"ICCP", b"ICC_PROFILE", b"sRGB", b"adobe", b"http")


def colour(image: Any, x: int, y: int) -> list[float]:
    values: list[float] = image.getpoint(x, y)
    return values


def near(found: list[float], wanted: tuple[int, ...], most: float = 12) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=False)) <= most


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_picture_becomes_a_square_webp_of_pixels_alone(
    decoder: ProcessDecoder, name: str
) -> None:
    webp = await decoder.decode(sample(name), None, side_px=512)
    assert hostile.fault(webp, 64) is None
    assert not [secret for secret in SECRETS if secret in webp]
    image = opened(webp)
    assert (image.width, image.height) == (64, 64)
    assert not {"exif-data", "xmp-data", "icc-profile-data"} & set(image.get_fields())


@pytest.mark.parametrize("name", [name for name in SAMPLES if "gr" not in name])
async def test_the_colours_are_those_of_the_first_frame(decoder: ProcessDecoder, name: str) -> None:
    image = opened(await decoder.decode(sample(name), None, side_px=512))
    if name in {"png-16-bit", "png-one-bit"}:
        assert colour(image, 8, 8)[0] < 100
    else:
        # Without a profile, ink on paper is a matter of opinion.
        most = 120 if "cmyk" in name else 60 if "palette" in name else 12
        assert near(colour(image, 8, 8), RED, most)
        assert near(colour(image, 60, 4), GREY, most)
        assert near(colour(image, 56, 56), BLUE, most)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "RGB", "RGBA"])
async def test_without_a_profile_colours_are_taken_as_they_are(
    decoder: ProcessDecoder, mode: str
) -> None:
    image = opened(await decoder.decode(saved(scene(mode), "PNG"), None, side_px=512))
    assert near(colour(image, 60, 4), GREY)
    assert near(colour(image, 8, 8), RED if mode.startswith("RGB") else (80, 80, 80))


@pytest.mark.parametrize("name", ["png-alpha", "webp-alpha", "avif-alpha"])
async def test_what_shines_through_goes_on_doing_so(decoder: ProcessDecoder, name: str) -> None:
    image = opened(await decoder.decode(sample(name), None, side_px=512))
    assert image.bands == 4
    assert colour(image, 4, 32)[3] < 80
    assert colour(image, 60, 32)[3] > 180


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_picture_is_turned_upright(
    decoder: ProcessDecoder, kind: str, orientation: int
) -> None:
    upright = scene()
    stored = upright.transpose(_STORED[orientation]) if orientation > 1 else upright
    data = saved(stored, kind, exif=exif(orientation))
    # A box in upright pixels, so that it is seen to be applied after the turning.
    image = opened(await decoder.decode(data, Box(0, 0, 40), side_px=512))
    assert near(colour(image, 10, 10), RED)
    assert near(colour(image, 36, 36), (146, 146, 146))
    image = opened(await decoder.decode(data, Box(56, 24, 40), side_px=512))
    assert near(colour(image, 30, 30), BLUE)


_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("size_px", [(600, 400), (400, 600)])
async def test_without_a_box_the_middle_is_shown(
    decoder: ProcessDecoder, size_px: tuple[int, int]
) -> None:
    image = Image.new("RGB", size_px, RED)
    left_px, top_px = (size_px[0] - 400) // 2, (size_px[1] - 400) // 2
    image.paste(BLUE, (left_px, top_px, left_px + 400, top_px + 400))
    shown = opened(await decoder.decode(saved(image, "PNG"), None, side_px=128))
    assert (shown.width, shown.height) == (128, 128)
    assert all(near(colour(shown, x, y), BLUE) for x in (2, 64, 125) for y in (2, 64, 125))


@pytest.mark.parametrize("side_px", [512, 100, 64, 33])
async def test_a_box_is_shown_alone(decoder: ProcessDecoder, side_px: int) -> None:
    image = Image.new("RGB", (500, 400), RED)
    image.paste(BLUE, (300, 200, 400, 300))
    data = saved(image, "PNG")
    shown = opened(await decoder.decode(data, Box(300, 200, 100), side_px=side_px))
    assert shown.width == shown.height == min(side_px, 100)
    last = shown.width - 3
    assert all(near(colour(shown, x, y), BLUE) for x in (2, last) for y in (2, last))


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (Box(-1, 0, 20), "box"),
        (Box(0, -1, 20), "box"),
        (Box(77, 0, 20), "box"),
        (Box(0, 45, 20), "box"),
        (Box(0, 0, 65), "box"),
        (Box(10**30, 0, 20), "box"),
        (Box(0, 0, 15), "few"),
        (Box(0, 0, 0), "few"),
        (Box(0, 0, -20), "few"),
    ],
)
async def test_a_box_that_is_not_in_the_picture_is_refused(
    decoder: ProcessDecoder, box: Box, reason: str
) -> None:
    with pytest.raises(InvalidPicture, match=reason):
        await decoder.decode(sample("png"), box, side_px=512)


async def test_a_small_picture_keeps_its_size(decoder: ProcessDecoder) -> None:
    data = saved(Image.new("RGB", (16, 40)), "GIF")
    assert opened(await decoder.decode(data, None, side_px=512)).width == 16


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
async def test_a_picture_that_is_cut_off_is_refused(
    decoder: ProcessDecoder, kind: str, share: float
) -> None:
    data = saved(Image.effect_noise((200, 300), 80).convert("RGB"), kind)
    with pytest.raises(InvalidPicture):
        await decoder.decode(data[: int(share * len(data))], None, side_px=64)


async def test_colours_of_a_profile_become_those_of_screens(decoder: ProcessDecoder) -> None:
    plain = pyvips.Image.new_from_memory(bytes((200, 50, 20)) * 1024, 32, 32, 3, "uchar")
    wide = plain.copy(interpretation="srgb").icc_transform("p3", input_profile="srgb")
    assert not near(colour(wide, 9, 9), (200, 50, 20))
    image = opened(await decoder.decode(wide.pngsave_buffer(), None, side_px=64))
    assert near(colour(image, 9, 9), (200, 50, 20), 4)


@pytest.mark.parametrize("profile", ["cut off", "noise", "of another space", "huge"])
async def test_a_profile_that_is_none_does_no_harm(decoder: ProcessDecoder, profile: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = {
        "cut off": lab[:200],
        "noise": b"x" * 1000,
        "of another space": lab,
        "huge": lab + bytes(1_000_000),
    }[profile]
    image = opened(await decoder.decode(saved(scene(), "JPEG", icc_profile=data), None, side_px=64))
    assert near(colour(image, 8, 8), RED, 30)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("tail", strangers.tails())
async def test_what_stands_behind_a_picture_is_gone(
    decoder: ProcessDecoder, kind: str, tail: str
) -> None:
    behind = strangers.tails()[tail]
    webp = await decoder.decode(saved(scene(), kind) + behind, None, side_px=64)
    assert hostile.fault(webp, 64) is None
    assert behind not in webp
    assert webp == await decoder.decode(saved(scene(), kind), None, side_px=64)


async def test_a_script_that_is_a_gif_is_a_script_no_more(decoder: ProcessDecoder) -> None:
    webp = await decoder.decode(strangers.script_gif(), None, side_px=64)
    assert hostile.fault(webp, 64) is None
    assert b"alert" not in webp


async def test_a_picture_of_another_format_is_unsupported(decoder: ProcessDecoder) -> None:
    for data in strangers.unknown().values():
        with pytest.raises(UnsupportedPicture):
            await decoder.decode(data, None, side_px=64)


@pytest.mark.parametrize("name", bombs.bombs())
async def test_a_bomb_does_not_go_off(decoder: ProcessDecoder, name: str) -> None:
    try:
        webp = await decoder.decode(bombs.bombs()[name], None, side_px=64)
    except InvalidPicture:
        return
    assert hostile.fault(webp, 64) is None


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
async def test_the_largest_pictures_are_taken(
    decoder: ProcessDecoder, options: dict[str, Any]
) -> None:
    data = saved(Image.new("RGB", (5000, 5000), BLUE), "JPEG", **options)
    image = opened(await decoder.decode(data, None, side_px=512))
    assert image.width == 512
    assert near(colour(image, 256, 256), BLUE)


async def test_hostile_uploads_end_in_a_picture_or_in_a_refusal(decoder: ProcessDecoder) -> None:
    outcome = await hostile.run(decoder, 150, seed=3)
    assert outcome.faults == []
    assert set(outcome.counts) == {"pictures", "invalid_picture", "unsupported_picture"}
