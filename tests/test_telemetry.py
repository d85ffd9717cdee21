"""Facts about the log."""

import json
import logging

import pytest
import structlog

from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.telemetry import LINES_PER_S, Throttle, configure_logging

LINK = "tT0-_" * 8 + "abc"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
REFRESH = HmacRefreshSigner([b"k" * 32]).seal("0123456789abcdef" * 2, 7)


@pytest.fixture(autouse=True)
def restore_logging() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json_is_one_object_a_line_whoever_logs(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    structlog.get_logger("a").info("first\nline", number=1)
    logging.getLogger("b").warning("second %s", "text", extra={"more": 2})
    logging.getLogger("b").debug("unheard")
    first, second = lines(capsys)
    assert (first["message"], first["level"], first["number"]) == ("first\nline", "info", 1)
    assert (second["message"], second["logger"], second["more"]) == ("second text", "b", 2)


def test_a_traceback_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    try:
        int(JWT)
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(capsys)
    assert "ValueError" in str(line["exception"])
    assert JWT not in str(line)


@pytest.mark.parametrize(
    "text",
    [
        f"got {JWT} here",
        f"got {REFRESH} here",
        f"/auth/refresh/{REFRESH}",
        f"token={REFRESH}&x=y",
        f"/e/{LINK}.png",
        "cannot reach postgresql://ann:hunter2@db/x",
        "redis://:hunter2@cache",
        "GET /x?access_token=hunter2&y=1",
    ],
)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_in_a_text_is_logged(
    capsys: pytest.CaptureFixture[str], text: str, log_format: str
) -> None:
    configure_logging("info", log_format)
    structlog.get_logger().info(text, note=text)
    logging.getLogger("x").info("%s", text)
    logged = capsys.readouterr().err
    assert "[redacted]" in logged
    assert "hunter2" not in logged
    assert JWT not in logged
    assert REFRESH not in logged
    assert LINK not in logged


def test_a_digest_is_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    digest = "AQ" + "0" * 62
    logging.getLogger("x").info("picture %s", digest)
    assert digest in str(lines(capsys))


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "refresh_token", "jwt_secret", "cookie"]
)
def test_no_value_of_a_telling_name_is_logged(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    configure_logging("info", "auto")
    structlog.get_logger().info("event", **{name: "hunter2", "username": "ann"})
    (line,) = lines(capsys)
    assert line[name] == "[redacted]"
    assert line["username"] == "ann"


def test_libraries_are_quiet_unless_one_debugs(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    logging.getLogger("alembic.runtime").info("chatter")
    assert lines(capsys) == []
    logging.getLogger("alembic").setLevel(logging.NOTSET)
    configure_logging("debug", "json")
    logging.getLogger("alembic.runtime").info("chatter")
    assert len(lines(capsys)) == 1


def test_a_warning_that_comes_again_and_again_is_cut_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("info", "json")
    plain, structured = logging.getLogger("a"), structlog.get_logger("b")
    shown = 0
    for number in range(20):  # seconds go by meanwhile, as they like
        for _ in range(5 * LINES_PER_S):
            plain.warning("down: %s", number)
            structured.warning("gone", number=number)
        shown = len(capsys.readouterr().err.splitlines())
        if shown == 0:
            break
    assert shown == 0
    found: list[dict[str, object]] = []
    while len(found) < 2:  # until the next second
        plain.warning("down: %s", "at last")
        structured.warning("gone", number="at last")
        found += lines(capsys)
    assert {line["logger"] for line in found[:2]} == {"a", "b"}
    assert all(int(str(line["left_out"])) > 5 * LINES_PER_S for line in found[:2])


def test_what_is_no_warning_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    for _ in range(5 * LINES_PER_S):
        logging.getLogger("a").info("fine")
    assert len(lines(capsys)) == 5 * LINES_PER_S


def test_a_throttle_remembers_only_so_many_kinds() -> None:
    throttle = Throttle(1)
    for number in range(10_000):
        assert throttle.left_out(f"kind {number}") == 0
    assert len(throttle.kinds) <= 1000
