"""Facts about the routes for operators."""

import asyncio
from dataclasses import replace

from httpx2 import ASGITransport, AsyncClient

from emoticon.app import create_app
from emoticon.domain.errors import StoreUnavailable
from emoticon.domain.services import Readiness, Services
from emoticon.settings import Settings


async def test_the_process_is_alive(client: AsyncClient) -> None:
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


async def test_a_service_with_its_database_is_ready(client: AsyncClient) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert [check["name"] for check in answer.json()["checks"]] == ["database", "floors"]


async def test_a_part_that_fails_or_hangs_makes_the_service_not_ready(
    settings: Settings, services: Services
) -> None:
    async def down() -> None:
        raise StoreUnavailable

    async def hanging() -> None:
        await asyncio.Event().wait()

    async def fine() -> None:
        return

    parts = Readiness({"down": down, "hanging": hanging, "fine": fine}, timeout_s=0.05)
    app = create_app(settings, replace(services, readiness=parts))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://service.test") as client,
    ):
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    checks = {check["name"]: check for check in answer.json()["checks"]}
    assert checks["fine"]["ok"]
    assert not checks["down"]["ok"]
    assert checks["hanging"]["detail"] == "no answer within 0.05 s"
