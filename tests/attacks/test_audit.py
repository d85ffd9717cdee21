"""What the audit says of each act, and who can change what it says (O04)."""

from typing import Any

import pytest
from tests.attacks.forging import claims_of
from tests.attacks.world import PASSWORD, Pair, World, new_name, pair_of, refused

OTHER = "eight red lanterns by the quay"
WRONG = "nine brown boats at midnight"
ADDRESS = "127.0.0.1"


class Person:
    """Somebody whose requests can be told apart by their agent and by their ids."""

    def __init__(self, world: World) -> None:
        self.world, self.name = world, new_name()
        self.asked: list[str] = []

    def send(self, method: str, path: str, **options: Any) -> Pair | None:
        """Send a request with an id of its own; return the tokens of the answer when it has some."""
        self.asked.append(f"{self.name}.{len(self.asked)}")
        headers = {"User-Agent": f"agent of {self.name}", "X-Request-ID": self.asked[-1]}
        answer = self.world.send(method, path, headers=headers, **options)
        given = answer.is_success and "access_token" in answer.text
        return pair_of(self.name, answer, answer.status_code) if given else None

    def tokens(self, method: str, path: str, **options: Any) -> Pair:
        """Send a request whose answer has tokens; return when they are good everywhere."""
        pair = self.send(method, path, **options)
        assert pair is not None
        self.world.settled(pair.at, 200)
        return pair


def test_o04_every_act_of_a_person_is_written_down_with_its_request(world: World) -> None:
    person = Person(world)
    credentials = {"username": person.name, "password": PASSWORD}
    first = person.tokens("POST", "/auth/sign-up", json=credentials)
    person.send("POST", "/auth/sign-in", data={**credentials, "password": WRONG})
    pair = person.tokens("POST", "/auth/sign-in", data=credentials)
    second = person.tokens("POST", "/auth/refresh", data={"refresh_token": pair.rt})
    person.tokens("POST", "/auth/refresh", data={"refresh_token": second.rt})
    person.send("POST", "/auth/refresh", data={"refresh_token": pair.rt})
    pair = person.tokens("POST", "/auth/sign-in", data=credentials)
    person.send("POST", "/auth/sign-out", at=pair.at)
    pair = person.tokens("POST", "/auth/sign-in", data=credentials)
    person.send("DELETE", "/auth/sessions", at=pair.at)
    pair = person.tokens("POST", "/auth/sign-in", data=credentials)
    wrong = {"current_password": WRONG, "new_password": OTHER}
    person.send("PUT", "/auth/password", at=pair.at, json=wrong)
    right = {**wrong, "current_password": PASSWORD}
    pair = person.tokens("PUT", "/auth/password", at=pair.at, json=right)
    person.send("DELETE", "/auth/user", at=pair.at, json={"password": OTHER})
    account = claims_of(first.at)["sub"]
    rows = world.sql(
        "SELECT event, address, user_agent, request_id FROM audit"  # noqa: S608 - the test's own number
        f" WHERE account_id = {account} ORDER BY id"
    )
    events = [
        *("sign_up", "sign_in_failed", "sign_in", "refresh", "refresh", "refresh_reuse"),
        *("sign_in", "sign_out", "sign_in", "sign_out_everywhere", "sign_in"),
        *("password_failed", "password", "deletion"),
    ]
    agent = f"agent of {person.name}"
    assert rows == [
        f"{event}|{ADDRESS}|{agent}|{asked}"
        for event, asked in zip(events, person.asked, strict=True)
    ]


def test_o04_who_tries_a_name_that_nobody_has_is_written_down_and_the_name_is_not(
    world: World,
) -> None:
    person = Person(world)
    person.send("POST", "/auth/sign-in", data={"username": person.name, "password": WRONG})
    (row,) = world.sql(
        "SELECT event, account_id, address, user_agent FROM audit"  # noqa: S608 - the test's own
        f" WHERE request_id = '{person.asked[0]}'"
    )
    assert row == f"sign_in_failed||{ADDRESS}|agent of {person.name}"


def test_o04_every_act_of_an_operator_is_written_down(world: World) -> None:
    name = world.sign_up().username
    acts = [("disable", name), ("enable", name), ("sign-out", name), ("delete", "--yes", name)]
    (account,) = world.sql(f"SELECT id FROM accounts WHERE username = '{name}'")  # noqa: S608 - as above
    for act in acts:
        world.command("account", *act)
    rows = world.sql(
        "SELECT event, user_agent FROM audit"  # noqa: S608 - as above
        f" WHERE account_id = {account} AND event <> 'sign_up' ORDER BY id"
    )
    events = ["disabled", "enabled", "sign_out_everywhere", "deletion"]
    assert rows == [
        f"{event}|emoticon account {act[0]}" for event, act in zip(events, acts, strict=True)
    ]


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("x" * 5000, "x" * 200),
        ("a\tb", "a?b"),
        (b"\xff\xfe\x85", "\u00ff\u00fe?"),
        ("'); DELETE FROM audit; --", "'); DELETE FROM audit; --"),
        ("=cmd()", "=cmd()"),
    ],
)
def test_o04_an_agent_is_kept_short_and_printable(
    world: World, agent: str | bytes, kept: str
) -> None:
    name = new_name()
    headers = {"User-Agent": agent, "X-Forwarded-For": "203.0.113.9", "X-Request-ID": name}
    form = {"username": name, "password": WRONG}
    refused(world.send("POST", "/auth/sign-in", data=form, headers=headers), 401)
    rows = world.sql(
        f"SELECT address, user_agent FROM audit WHERE request_id = '{name}'"  # noqa: S608 - as above
    )
    assert rows == [f"{ADDRESS}|{kept}"]
