"""Every fact about access tokens holds for both algorithms."""

from typing import cast

import pytest
from tests.adapters.signers.forging import Forge, Signing, new_forge


@pytest.fixture(scope="session", params=["hs256", "ed25519"])
def signing(request: pytest.FixtureRequest) -> Signing:
    return cast("Signing", request.param)


@pytest.fixture(scope="session")
def forge(signing: Signing) -> Forge:
    return new_forge(signing)
