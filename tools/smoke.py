"""Try a running service as a stranger would: sign up, sign in, look at the account, fetch the emoticon.

Usage: python smoke.py http://127.0.0.1:8000 [FILE]

Needs nothing but the standard library. Writes the picture to FILE and prints each answer.
"""

import json
import secrets
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n"


def call(
    url: str, data: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Return status and body."""
    request = urllib.request.Request(url, data, headers or {})  # noqa: S310 - the caller's own service
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return response.status, response.read()


def main(base: str, target: Path | None) -> None:
    """Go through the whole way of a new user; any other answer than the expected ends it with an error."""
    name, password = f"smoke-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
    body = json.dumps({"username": name, "password": password}).encode()
    json_type = {"Content-Type": "application/json"}
    status, _ = call(f"{base}/auth/sign-up", body, json_type)
    print(f"sign-up   {status}")
    form = urllib.parse.urlencode({"username": name, "password": password}).encode()
    status, answer = call(f"{base}/auth/sign-in", form)
    print(f"sign-in   {status}")
    token: dict[str, Any] = json.loads(answer)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    status, answer = call(f"{base}/auth/user", headers=bearer)
    print(f"user      {status} {answer.decode()}")
    status, picture = call(f"{base}/emoticon/?username={name}", headers=bearer)
    if not picture.startswith(PNG):
        sys.exit("the emoticon is not a PNG")
    print(f"emoticon  {status} {len(picture)} bytes of PNG")
    if target is not None:
        target.write_bytes(picture)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]) if len(sys.argv) > 2 else None)  # noqa: PLR2004
