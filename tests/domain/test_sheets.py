"""Facts about contact sheets."""

from xml.etree import ElementTree as ET

import pytest

from emoticon.domain.sheets import contact_sheet

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("count", [1, 2, 25, 61])
def test_every_cell_is_inside_of_a_square_and_none_covers_another(count: int) -> None:
    document, width_px = contact_sheet([(f"cell {n}", b"png") for n in range(count)], 64)
    root = ET.fromstring(document)  # noqa: S314 - our own text
    assert root.get("width") == root.get("height") == str(width_px)
    places = [(int(i.get("x", "")), int(i.get("y", ""))) for i in root.iter(f"{SVG}image")]
    assert len(set(places)) == count
    assert all(0 <= x <= width_px - 64 and 0 <= y <= width_px - 64 for x, y in places)
    for index, (x, y) in enumerate(places):
        for other_x, other_y in places[index + 1 :]:
            assert abs(x - other_x) >= 64 or abs(y - other_y) >= 64


def test_a_label_cannot_become_markup() -> None:
    document, _ = contact_sheet([("<script>&\"'", b"png")], 64)
    root = ET.fromstring(document)  # noqa: S314 - our own text
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<script>&\"'"]
