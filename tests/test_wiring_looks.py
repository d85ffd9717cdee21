"""Facts about opening a service with a brand, and about the looks that accounts begin with."""

from pathlib import Path
from typing import Any

import pytest

from emoticon.domain.models import Look
from emoticon.settings import Settings
from emoticon.wiring import StartError, open_services
from emoticon.wiring.looks import first_look


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"styles": ("moods", "gone")},
            "EMOTICON_STYLES names 'gone', which is no style; `emoticon styles` lists them",
        ),
        ({"styles": ("moods", "upstream")}, "EMOTICON_STYLES names 'upstream'"),
        ({"styles": ("moods", "original")}, "EMOTICON_STYLES names 'original'"),
        (
            {"styles": ("glass",)},
            "EMOTICON_DEFAULT_STYLE='moods' is not among EMOTICON_STYLES",
        ),
    ],
)
async def test_a_brand_that_cannot_be_kept_does_not_start(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(StartError) as caught:
        async with open_services(Settings(data_dir=tmp_path, **given)):
            pass
    assert str(caught.value).startswith(words)


async def test_a_brand_may_have_the_style_of_another_service(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        styles=("upstream", "glass"),
        default_style="upstream",
        upstream_url="http://127.0.0.1:9/{seed}",
    )
    async with open_services(settings) as services:
        assert services.looks.catalogue.names == ["glass", "upstream"]
        assert services.looks.first().style == "upstream"


def test_accounts_begin_with_the_default_style_and_the_palette() -> None:
    settings = Settings(default_style="glass", palette=("1b9e77",))
    look = first_look(settings)()
    assert look == Look("glass", look.seed, '{"backgroundColor":["1b9e77"]}')
    assert first_look(Settings())().options == "{}"


def test_accounts_that_begin_with_the_style_of_another_service_have_its_version() -> None:
    settings = Settings(
        default_style="upstream",
        upstream_version=7,
        upstream_url="http://127.0.0.1:9/{seed}",
        palette=("1b9e77",),
    )
    look = first_look(settings)()
    assert look == Look("upstream", look.seed, "{}", "upstream", 7)
