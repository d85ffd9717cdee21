"""Setting many variables, and reading what is wrong with them."""

import pytest

from emoticon.settings import SettingsError, load_settings


def set_all(environment: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        environment.setenv(name, value)


def refused(**given: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(**given)
    return caught.value.lines
