"""Hostile uploads without end, the same ones from the same seed: `uploads(seed)` yields a name and bytes.

Most are real pictures with a change that a decoder notices late: bits turned over, parts cut out, spliced, doubled,
headers edited with right checksums. The rest are pictures that are something else as well, files of other formats, and
bombs. `samples.MARKER` stands in all metadata and behind the end of files; no answer may have it.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from tests.adapters.decoding import bombs, samples, strangers

_BOMBS_PER_MILLE = 20


def uploads(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield hostile uploads; no two runs with one seed differ."""
    chance = random.Random(seed)  # noqa: S311 - it has to be the same each time
    number = 0
    while True:
        number += 1
        kind, data = _upload(chance)
        yield f"{number} {kind}", data


def _upload(chance: random.Random) -> tuple[str, bytes]:
    if chance.randrange(1000) < _BOMBS_PER_MILLE:
        return _one_of(chance, bombs.bombs())
    if chance.randrange(20) == 0:
        return _one_of(chance, bombs.floods())
    if chance.randrange(20) == 0:
        return _one_of(chance, strangers.unknown())
    name = chance.choice(tuple(samples.SAMPLES))
    mutation = chance.choice(_MUTATIONS)
    data = mutation(chance, samples.sample(name))
    if chance.randrange(4) == 0:
        second = chance.choice(_MUTATIONS)
        return f"{name}, {mutation.__name__}, {second.__name__}", second(chance, data)
    return f"{name}, {mutation.__name__}", data


def _one_of(chance: random.Random, files: dict[str, bytes]) -> tuple[str, bytes]:
    name = chance.choice(tuple(files))
    return name, files[name]


def _bits_turned(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64))):
        place = chance.randrange(len(changed))
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _head_turned(chance: random.Random, data: bytes) -> bytes:
    """Turn bits where formats say what they are."""
    return _bits_turned(chance, data[:64]) + data[64:]


def _bytes_set(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    start = chance.randrange(len(changed))
    count = chance.choice((1, 2, 4, 16, 256))
    changed[start : start + count] = bytes([chance.choice((0, 0x7F, 0x80, 0xFF))]) * count
    return bytes(changed)


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(1, len(data) + 1)]


def _part_gone(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.choice((1, 4, 16, 256)) :]


def _part_doubled(chance: random.Random, data: bytes) -> bytes:
    start, end = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return data[:end] + data[start:end] * chance.choice((1, 2, 100)) + data[end:]


def _noise_between(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + chance.randbytes(chance.choice((1, 4, 64, 4096))) + data[start:]


def _spliced(chance: random.Random, data: bytes) -> bytes:
    other = samples.sample(chance.choice(tuple(samples.SAMPLES)))
    return data[: chance.randrange(1, len(data) + 1)] + other[chance.randrange(len(other)) :]


def _with_tail(chance: random.Random, data: bytes) -> bytes:
    tails = strangers.tails()
    return data + tails[chance.choice(tuple(tails))]


def _behind_a_tail(chance: random.Random, data: bytes) -> bytes:
    tails = strangers.tails()
    return tails[chance.choice(tuple(tails))] + data


def _untouched(_chance: random.Random, data: bytes) -> bytes:
    return data


def _another_header(chance: random.Random, data: bytes) -> bytes:
    """Let the header say another size, depth or colour, with a right checksum."""
    sizes = (0, 1, 15, 16, 17, 95, 97, 500, 4096, 16384, 65535, 2**31 - 1)
    width_px, height_px = chance.choice(sizes), chance.choice(sizes)
    for signature, edit in _HEADERS.items():
        place = data.find(signature, 0, 4096)
        if place >= 0:
            return edit(chance, data, place, width_px, height_px)
    return data


def _png_header(
    chance: random.Random, data: bytes, place: int, width_px: int, height_px: int
) -> bytes:
    if chance.randrange(2):
        width_px, height_px = 96, 64
    form = bytes(chance.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(2)) + b"\0\0"
    head = b"IHDR" + struct.pack("!II", width_px, height_px) + form + bytes([chance.randrange(3)])
    return data[:place] + head + struct.pack("!I", zlib.crc32(head)) + data[place + 21 :]


def _jpeg_header(
    _chance: random.Random, data: bytes, place: int, width_px: int, height_px: int
) -> bytes:
    size = struct.pack("!HH", height_px & 0xFFFF, width_px & 0xFFFF)
    return data[: place + 5] + size + data[place + 9 :]


def _gif_header(
    _chance: random.Random, data: bytes, place: int, width_px: int, height_px: int
) -> bytes:
    size = struct.pack("<HH", width_px & 0xFFFF, height_px & 0xFFFF)
    return data[: place + 6] + size + data[place + 10 :]


def _webp_header(
    _chance: random.Random, data: bytes, place: int, width_px: int, height_px: int
) -> bytes:
    size = struct.pack("<I", width_px & 0xFFFFFF)[:3] + struct.pack("<I", height_px & 0xFFFFFF)[:3]
    return data[: place + 12] + size + data[place + 18 :]


def _avif_header(
    _chance: random.Random, data: bytes, place: int, width_px: int, height_px: int
) -> bytes:
    return data[: place + 8] + struct.pack("!II", width_px, height_px) + data[place + 16 :]


_HEADERS: dict[bytes, Callable[[random.Random, bytes, int, int, int], bytes]] = {
    b"IHDR": _png_header,
    b"VP8X": _webp_header,
    b"GIF8": _gif_header,
    b"ispe": _avif_header,
    b"\xff\xc0": _jpeg_header,
    b"\xff\xc2": _jpeg_header,
}
_MUTATIONS = (
    *(_bits_turned, _head_turned, _bytes_set, _cut, _part_gone, _part_doubled, _noise_between),
    *(_spliced, _with_tail, _behind_a_tail, _untouched, _another_header),
)


@cache
def first(count: int, seed: int) -> tuple[tuple[str, bytes], ...]:
    """Return the first uploads of a seed."""
    return tuple(upload for upload, _ in zip(uploads(seed), range(count), strict=False))
