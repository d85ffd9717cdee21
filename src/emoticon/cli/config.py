"""`emoticon config`: what can be set, and what is set."""

from typing import Any

import typer
from pydantic import SecretStr

from emoticon.cli.environment import settings_or_exit
from emoticon.settings import Settings, variable

config = typer.Typer(help="Settings: all that there are, and those in force.", no_args_is_help=True)

_GROUPS = {
    "host": "Serving",
    "database_url": "Accounts",
    "limits": "Limits",
    "jwt_secret": "Tokens",
    "edge_dir": "Edge",
    "access_log_share": "Observation",
    "default_style": "Looks",
    "uploads": "Uploads and links",
    "public_generator": "Other generators",
    "draw_threads": "Pictures",
}
_DEFAULTS_IN_WORDS = {
    "data_dir": "`~/.local/share/emoticon`",
    "draw_threads": "one for each core",
    "trusted_proxies": "none",
    "styles": "all",
    "palette": "none",
}


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(config, name="config")


@config.command()
def reference() -> None:
    """Print every setting as a Markdown page: variable, default, bounds, meaning."""
    typer.echo(reference_page(), nl=False)


@config.command()
def show() -> None:
    """Print the settings in force, secrets hidden."""
    settings = settings_or_exit()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        shown = "(hidden)" if isinstance(value, SecretStr) else value
        if isinstance(value, tuple):
            shown = ",".join(map(str, value))
        typer.echo(f"{variable(name)}={'' if value is None else shown}")


def reference_page() -> str:
    """Return docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "All settings are environment variables; an empty one counts as not set. A wrong value ends the program with",
        "status 2 and one line that names it. This page is printed by `emoticon config reference`;",
        "`emoticon config show` prints the values in force.",
    ]
    for name, field in Settings.model_fields.items():
        if name in _GROUPS:
            header = ["| variable | default | values | meaning |", "|---|---|---|---|"]
            lines += ["", f"## {_GROUPS[name]}", "", *header]
        default = _DEFAULTS_IN_WORDS.get(name) or (
            "" if field.default is None else f"`{field.default}`"
        )
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{variable(name)}` | {default} | {_values(name)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _values(name: str) -> str:
    """Return what the JSON schema of the field allows, in words."""
    schema: dict[str, Any] = Settings.model_json_schema(by_alias=False)["properties"][name]
    for part in [schema, *schema.get("anyOf", [])]:
        if "enum" in part:
            return ", ".join(f"`{value}`" for value in part["enum"])
        if "minimum" in part:
            top = f"{part['maximum']:g}" if "maximum" in part else ""
            kind = "number" if part["type"] == "number" else "whole number"
            return f"{kind}, {part['minimum']}..{top}" if top else f"{kind}, from {part['minimum']}"
    return ""
