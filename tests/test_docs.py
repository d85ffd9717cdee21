"""Facts about the documentation: what it names exists, and what exists is named."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import typer.main

from emoticon import __version__
from emoticon.cli import app
from emoticon.settings import Settings, variable

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.ru.md")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"\b(?:EMOTICON_[A-Z_]*[A-Z]|PG_[A-Z_]*[A-Z]|JWT_SECRET|[A-Z]+_URL)\b(?!\*)")
ROUTE = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[^\s`?]*)")
EXAMPLE_URL = re.compile(r"http://127\.0\.0\.1:8000(/[^\s'\"?]*)")
COMMAND = re.compile(r"(?:^|/)emoticon ([a-z]+(?: [a-z]+(?:-[a-z]+)*)?)", re.MULTILINE)

HOSTS = (
    ("pypi", "org"),
    ("python" + "hosted", "org"),
    ("npmjs", "org"),
    ("npmjs", "com"),
    ("crates", "io"),
    ("golang", "org"),
    ("rubygems", "org"),
    ("anaconda", "org"),
    ("docker", "io"),
    ("ghcr", "io"),
    ("quay", "io"),
)
REGISTRY = re.compile("|".join(r"\b" + r"\.".join(host) for host in HOSTS).encode())
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:root|home|Users|work|workspace|mnt)/(?!ann\b)\w")


def repository() -> list[Path]:
    """Return every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {ROOT / name for name in listed.split("\0") if name}
    return sorted(file for file in files if file.is_file())


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PAGES = [str(file.relative_to(ROOT)) for file in repository() if file.suffix == ".md"]


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    """The text of each page."""
    return read(request.param)


def spans(text: str) -> list[str]:
    """Return what stands between backticks in the prose."""
    return SPAN.findall(FENCE.sub("", text))


def code(text: str) -> str:
    """Return all code of a page, a span on a line of its own."""
    return "\n".join([*spans(text), *(block for _, block in FENCE.findall(text))])


def routes() -> set[tuple[str, str]]:
    """Return method and path of every route, without a slash at the end, which makes no difference."""
    document = json.loads(read("docs/openapi.json"))
    found = {
        (method.upper(), path.rstrip("/"))
        for path, operations in document["paths"].items()
        for method in operations
    }
    return found | {("GET", "/openapi.json")}


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every command that does something, as it is typed after `emoticon`, with its options."""
    here: Any = group or typer.main.get_command(app)
    for name, command in here.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", {option for part in command.params for option in part.opts}


def test_the_patterns_find_what_they_look_for() -> None:
    """Otherwise every fact below would hold of nothing."""
    text = read("README.md")
    assert {"EMOTICON_X", "PG_HOST", "REDIS_URL"} == set(
        VARIABLE.findall("EMOTICON_X EMOTICON_* PG_* `PG_HOST` REDIS_URL")
    )
    assert len(ROUTE.findall(code(text))) >= 7
    assert len(EXAMPLE_URL.findall(text)) >= 4
    assert len(COMMAND.findall(code(text))) >= 9
    assert len(LINK.findall(text)) >= 9
    assert "serve" in dict(commands())
    for first, last in HOSTS:
        assert REGISTRY.search(f"https://x.{first}.{last}/".encode())
    assert MACHINE_PATH.search(b"path=/%s/bob" % b"home")
    assert not MACHINE_PATH.search(b"/home/ann")


def test_every_variable_that_a_page_names_is_a_setting(page: str) -> None:
    known = {variable(name) for name in Settings.model_fields}
    assert set(VARIABLE.findall(page)) - {"EMOTICON_TEST_REQUIRE"} <= known


def test_every_route_that_a_page_names_exists(page: str) -> None:
    named = {(method, path.rstrip("/")) for method, path in ROUTE.findall(code(page))}
    assert named <= routes()
    paths = {path.rstrip("/") for path in EXAMPLE_URL.findall(page)}
    assert paths <= {path for _, path in routes()}


@pytest.mark.parametrize("name", READMES)
def test_every_route_is_in_the_table_of_both_readmes(name: str) -> None:
    rows = [line for line in read(name).splitlines() if line.startswith("|")]
    named = {(method, path.rstrip("/")) for row in rows for method, path in ROUTE.findall(row)}
    assert named == routes()


def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.MULTILINE))
    assert {"run", "test", "check"} <= targets
    assert set(re.findall(r"^make ([a-z]+)", code(page), re.MULTILINE)) <= targets


def test_every_command_is_in_the_readme_with_options_that_it_has() -> None:
    rows = [line for line in read("README.md").splitlines() if line.startswith("| `emoticon ")]
    known = dict(commands())
    named = {
        row: [name for name in known if re.search(rf"`emoticon {name}[ `]", row)] for row in rows
    }
    assert {name for names in named.values() for name in names} == set(known)
    for row, names in named.items():
        options = {option for name in names for option in known[name]}
        assert set(re.findall(r"`(--?[a-z][a-z-]*)", row)) <= options


def test_every_command_that_a_page_names_exists(page: str) -> None:
    known = dict(commands())
    for words in COMMAND.findall(code(page)):
        assert words in known or words.split()[0] in known, words


def test_every_relative_link_leads_to_a_file() -> None:
    dead = [
        f"{name}: {target}"
        for name in PAGES
        for target in LINK.findall(FENCE.sub("", read(name)))
        if not urlsplit(target).scheme
        and not (ROOT / name).parent.joinpath(unquote(urlsplit(target).path)).exists()
    ]
    assert not dead


def test_the_translation_has_the_same_headings() -> None:
    english, russian = (
        [len(level) for level in re.findall(r"^(#+) ", FENCE.sub("", read(name)), re.MULTILINE)]
        for name in READMES
    )
    assert english == russian


def test_the_translation_has_the_same_code_but_for_comments() -> None:
    def blocks(name: str) -> list[tuple[str, str]]:
        return [
            (kind, re.sub(r"[ \t]*(?:^|(?<=\s))#.*$", "", block, flags=re.MULTILINE))
            for kind, block in FENCE.findall(read(name))
        ]

    english, russian = map(blocks, READMES)
    assert len(english) > 5
    assert english == russian
    assert Counter(spans(read("README.md"))) == Counter(spans(read("README.ru.md")))


def test_the_translation_has_the_same_links_and_each_readme_leads_to_the_other() -> None:
    english, russian = (LINK.findall(read(name)) for name in READMES)
    assert [link.replace("README.ru.md", "README.md") for link in english] == russian
    assert "README.ru.md" in english


def test_the_map_of_the_code_names_every_module_and_no_other() -> None:
    named = {
        span
        for span in spans(read("CONTRIBUTING.md"))
        if re.match(r"(?:src|tests|tools|bench|docs|requirements)/[^*]*$", span)
    }
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    package = ROOT / "src/emoticon"
    modules = [*package.iterdir(), *package.glob("domain/*"), *package.glob("adapters/*")]
    there = {
        f"{module.relative_to(ROOT)}{'/' * module.is_dir()}"
        for module in modules
        if (module.suffix == ".py" and module.name != "__init__.py")
        or (module / "__init__.py").exists()
    }
    assert there - named <= {"src/emoticon/adapters/"}


def test_every_test_that_the_page_of_attacks_names_exists() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", read("docs/security.md")))
    assert len(named) > 100
    assert named <= set(re.findall(r"def (test_\w+)", text))


def test_every_attack_that_is_tried_is_on_the_page() -> None:
    files = (ROOT / "tests/attacks").glob("test_*.py")
    tried = re.findall(r"def test_([a-z]\d\d)_", "".join(file.read_text() for file in files))
    rows = re.findall(r"^\| ([A-Z]\d\d) \|", read("docs/security.md"), re.MULTILINE)
    assert {row.upper() for row in tried} == set(rows)


def test_every_decision_is_in_the_index_and_has_its_parts_on_one_screen() -> None:
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    assert LINK.findall(read("docs/adr/README.md")) == [record.name for record in records]
    for number, record in enumerate(records, 1):
        text = record.read_text(encoding="utf-8")
        assert record.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number:04} ")
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "Alternatives"], record.name
        assert text.count("\n") <= 60, record.name


def test_the_changelog_knows_this_version() -> None:
    text = read("CHANGELOG.md")
    assert re.search(rf"\b{re.escape(__version__)}\b", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "[Unreleased]"
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    here = str(ROOT).encode() if len(ROOT.parts) > 2 else None
    found = []
    for file in repository():
        data = file.read_bytes()
        if REGISTRY.search(data) or MACHINE_PATH.search(data) or (here and here in data):
            found.append(str(file.relative_to(ROOT)))
    assert not found


def test_lock_files_have_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert text.count("--hash=") >= text.count("==") > 0
        assert "://" not in text
        assert "index-url" not in text
