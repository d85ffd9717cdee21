"""Facts about the pages for operators: each alert has its section, and what they name exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from emoticon.cli import app

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
UPGRADING = (ROOT / "docs/upgrading.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"\bemoticon((?: [a-z][a-z-]+)+)((?: +(?:--[a-z-]+|[A-Z0-9]\w*))*)")


def alerts() -> dict[str, str]:
    """Return the runbook of each alert."""
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
    return {
        rule["alert"]: rule["annotations"]["runbook"]
        for group in rules["groups"]
        for rule in group["rules"]
    }


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^#{{1,2}} |\Z)", OPERATIONS, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found[1]


def anchors(page: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_alerts() -> None:
    assert len(alerts()) >= 10


@pytest.mark.parametrize("name", alerts())
def test_every_alert_has_a_section_that_says_what_to_do(name: str) -> None:
    text = " ".join(section(name).split())
    for part in ("Means", "Users notice", "Look at", "Do"):
        assert f"**{part}**:" in text
    assert alerts()[name] == f"docs/operations.md#{name.lower()}"


def test_there_is_no_section_of_an_alert_that_does_not_exist() -> None:
    _, _, runbook = OPERATIONS.partition("\n# Alerts\n")
    assert re.findall(r"^## (\w+)$", runbook, re.MULTILINE) == [*alerts()]


def test_every_command_that_the_pages_name_exists_with_its_options() -> None:
    named = [
        (words.split(), re.findall(r"--[a-z-]+", options))
        for words, options in COMMAND.findall(OPERATIONS + UPGRADING)
    ]
    assert len(named) > 20
    for words, options in named:
        found: Any = typer.main.get_command(app)
        for word in words:
            if not hasattr(found, "commands"):  # words of the sentence follow
                break
            assert word in found.commands, f"emoticon {' '.join(words)}"
            found = found.commands[word]
        known = {name for parameter in found.params for name in parameter.opts}
        assert known >= {*options}, f"emoticon {' '.join(words)} {options}"


def test_every_section_that_the_page_leads_to_exists() -> None:
    assert {*re.findall(r"\]\(#([^)]+)\)", OPERATIONS)} <= anchors(OPERATIONS)


def test_every_figure_that_the_page_names_is_in_the_list_of_metrics() -> None:
    metrics = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    named = {*re.findall(r"`(emoticon_[a-z_]+)`", OPERATIONS)}
    assert named
    assert named <= {*re.findall(r"`(emoticon_[a-z_]+)`", metrics)}
