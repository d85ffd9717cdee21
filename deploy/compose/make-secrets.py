"""Makes the secrets of docker-compose.yml that are not there yet, in a volume; those of the environment win.

Each file has the group of the one container that reads it beside the service itself, which owns them all.
"""

import os
import re
import secrets
import sys
from pathlib import Path

PLACE = Path("/data")
POSTGRES, VALKEY, PROMETHEUS, GRAFANA = 10002, 10003, 10004, 10005
READERS = {
    "JWT_SECRET": None,
    "PG_PASS": POSTGRES,
    "VALKEY_PASSWORD": VALKEY,
    "EMOTICON_METRICS_TOKEN": PROMETHEUS,
    "GRAFANA_PASSWORD": GRAFANA,
}
PLAIN = re.compile(r"[A-Za-z0-9._~-]{16,256}")


def put(name: str, text: str, group: int | None) -> None:
    """Write a file, whole or not at all."""
    draft = PLACE / f".{name}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        if group is not None:
            os.fchown(file.fileno(), -1, group)
            os.fchmod(file.fileno(), 0o440)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(PLACE / name)


def main() -> None:
    """Make what is missing, and say what was done without saying it."""
    PLACE.chmod(0o711)  # readers pass; nobody lists
    if (password := os.environ["VALKEY_PASSWORD"]) and not PLAIN.fullmatch(password):
        sys.exit("VALKEY_PASSWORD: 16 to 256 letters, digits or . _ ~ -")
    for name, group in READERS.items():
        given, there = os.environ[name], (PLACE / name).exists()
        if given or not there:
            put(name, given or secrets.token_hex(32), group)
        print(f"{name}: {'given' if given else 'kept' if there else 'made'}")
    put("valkey.conf", f"requirepass {(PLACE / 'VALKEY_PASSWORD').read_text()}\n", VALKEY)
    if previous := os.environ["JWT_SECRET_PREVIOUS"]:
        put("JWT_SECRET_PREVIOUS", previous, None)
    else:
        (PLACE / "JWT_SECRET_PREVIOUS").unlink(missing_ok=True)


main()
