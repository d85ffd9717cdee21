"""What can be set, and how it is read from the environment."""

from emoticon.settings.environment import (
    SettingsError,
    load_settings,
    unknown_variables,
    variable,
)
from emoticon.settings.knobs import PREFIX, Settings

__all__ = [
    "PREFIX",
    "Settings",
    "SettingsError",
    "load_settings",
    "unknown_variables",
    "variable",
]
