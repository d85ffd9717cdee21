"""The one place that sees adapters: makes them from settings, hands them to use cases, closes them in reverse."""

from emoticon.wiring.database import import_reference, migrate
from emoticon.wiring.examination import examine
from emoticon.wiring.machine import StartError
from emoticon.wiring.services import open_operators, open_services
from emoticon.wiring.studio import open_studio

__all__ = [
    "StartError",
    "examine",
    "import_reference",
    "migrate",
    "open_operators",
    "open_services",
    "open_studio",
]
