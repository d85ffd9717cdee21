"""An upgrade of the generator changes nobody's look by itself."""

from tests.domain.nodes import until
from tests.web.conftest import Person

from emoticon.domain.look_upgrades import LookUpgrades, Upgraded
from emoticon.domain.models import BUILT_IN, Event, Look, Origin
from emoticon.domain.services import Services

OLD = Look("glass", "Ann", '{"rotate":10}', generator_version=9)


async def set_to(services: Services, person: Person, look: Look) -> None:
    """Give the account a look as a release before this one did."""
    account = (await services.sessions.identities.of(person.token)).account
    changed = await services.looks.store.change(account.id, lambda _: look, Event.LOOK, Origin())
    assert changed is not None
    await services.looks.revocation.announce(changed[1])


async def test_a_look_of_another_version_is_shown_as_the_present_one_and_kept_nowhere(
    services: Services, person: Person
) -> None:
    await set_to(services, person, OLD)
    shown = [await person.emoticon() for _ in range(3)]
    assert {answer.headers["cache-control"] for answer in shown} == {"no-store"}
    pinned = (await person.client.get("/emoticon/look", headers=person.headers)).json()
    assert (pinned["style"], pinned["generator_version"]) == ("glass", 9)
    body = {"style": "glass", "seed": "Ann", "options": {"rotate": 10}}
    chosen = await person.client.put("/emoticon/look", json=body, headers=person.headers)
    assert chosen.json()["generator_version"] == 10
    own = await person.emoticon()
    assert own.headers["cache-control"] == "private, no-cache"
    assert {answer.content for answer in shown} == {own.content}


async def test_after_the_upgrade_of_looks_it_is_drawn_as_any_other(
    services: Services, person: Person
) -> None:
    await set_to(services, person, OLD)
    assert (await person.emoticon()).headers["cache-control"] == "no-store"
    upgrades = LookUpgrades(services.looks.store, services.looks.catalogue, Origin("operator"))
    tally = Upgraded()
    await upgrades.run(BUILT_IN, dry_run=False, tally=tally, on_progress=lambda: None)
    assert tally.changed >= 1

    async def is_kept() -> bool:
        return (await person.emoticon()).headers["cache-control"] == "private, no-cache"

    await until(is_kept)  # this node reads once a second what others have changed
    look = (await person.client.get("/emoticon/look", headers=person.headers)).json()
    assert (look["style"], look["seed"], look["options"]) == ("glass", "Ann", {"rotate": 10})
    assert look["generator_version"] == 10
