"""From the environment to settings, or to one plain line for each value that is wrong."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from emoticon.settings.knobs import PREFIX, Settings


class SettingsError(Exception):
    """The environment is wrong; `lines` says what, one readable line for each value."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def load_settings(**given: Any) -> Settings:
    """Read the environment; what is `given` by field name wins over it.

    Raises:
        SettingsError: something is missing or wrong. Secrets are not repeated in it.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError([_line(dict(problem)) for problem in error.errors()]) from None


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[field_name].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field_name.upper()


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the EMOTICON_ variables that mean nothing here, each with the known one that it resembles, if any."""
    known = {variable(name) for name in Settings.model_fields}
    unknown = sorted(
        name
        for name in environment
        if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    return {name: next(iter(get_close_matches(name, known, 1, 0.85)), None) for name in unknown}


def _line(problem: dict[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Input ")
    if not problem["loc"]:
        return message
    field_name = str(problem["loc"][0])
    name = field_name if field_name in _ALIASES else variable(field_name.lower())
    shown = "" if name in _secrets() else f"={str(problem['input'])[:60]!r}"
    return f"{name}{shown} {message}"


_ALIASES = {
    variable(name) for name in Settings.model_fields if not variable(name).startswith(PREFIX)
}


def _secrets() -> set[str]:
    """Return the variables whose values must not be repeated."""
    properties = Settings.model_json_schema(by_alias=False)["properties"]
    return {
        variable(name)
        for name, schema in properties.items()
        if any(part.get("format") == "password" for part in (schema, *schema.get("anyOf", ())))
    }
