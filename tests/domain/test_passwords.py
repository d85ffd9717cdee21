"""Facts about which passwords are accepted. The meter is the real one."""

import pytest

from emoticon.adapters.passwords import ZxcvbnMeter
from emoticon.domain.errors import InvalidPassword, WeakPassword
from emoticon.domain.passwords import PasswordRules, fits

RULES = PasswordRules(ZxcvbnMeter(), min_bytes=8, min_score=2)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "plum kettle orbit",
        "tqzh vwkm xrpy",
        "x7" * 20 + "Qz!m",
        "Tr0ub4dour&3",
        "пароль из трёх слов",
        "🦊🐢🦉🐙🦔🐝🦚🐌",
        "  leading blanks count  ",
        "mnvq ztkp" + "ä" * 123 + "x",
    ],
)
def test_a_password_that_is_hard_to_guess_is_accepted(password: str) -> None:
    RULES.check(password, "alice")


@pytest.mark.parametrize("password", ["", "a", "1234567", "x" * 257, "ä" * 129, "\ud800 surrogate"])
def test_a_password_of_the_wrong_length_or_no_text_is_invalid(password: str) -> None:
    with pytest.raises(InvalidPassword, match="8 to 256 bytes"):
        RULES.check(password, "alice")


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "12345678",
        "qwertyuiop",
        "PassWord1",
        "emoticon2026",
        "alice-doe",
        "eod-ecila",
        "aaaaaaaaaaaa",
    ],
)
def test_a_password_that_is_guessed_soon_is_weak(password: str) -> None:
    with pytest.raises(WeakPassword, match="too easy to guess"):
        RULES.check(password, "alice-doe")


def test_what_fits_is_text_of_at_most_256_bytes() -> None:
    assert fits("")
    assert fits("x" * 256)
    assert fits("ä" * 128)
    assert not fits("x" * 257)
    assert not fits("ä" * 129)
    assert not fits("\udfff")
