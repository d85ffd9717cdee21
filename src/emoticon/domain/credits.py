"""Whom to thank for what is seen here, apart from the artists of the styles: those say so themselves."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Font:
    """Letters that some styles write with."""

    name: str
    creator: str
    license: str
    license_url: str


FONTS: Final = (
    Font(
        "Noto Sans",
        "Google LLC",
        "SIL Open Font License 1.1",
        "https://openfontlicense.org/open-font-license-official-text/",
    ),
    Font(
        "Droid Sans Fallback",
        "Google Corp.",
        "Apache License 2.0",
        "https://www.apache.org/licenses/LICENSE-2.0",
    ),
)

UPLOADS: Final = (
    "An uploaded picture belongs to whom it belonged to before: who uploaded it answers for it."
)
