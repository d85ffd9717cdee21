"""What the OpenAPI document cannot say: a password is 8 to 256 bytes and not easy to guess."""

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format(
    "password", st.integers(10**20, 10**30).map(lambda number: f"pw {number:x} ok")
)
