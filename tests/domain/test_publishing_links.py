"""What is published for share links, until when, and that no news come too late."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.drawings import drawn

from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.domain.floors import Floors
from emoticon.domain.models import Change, Format, Picture
from emoticon.domain.publishing import KEPT_S, LINK_LETTERS, LINK_S, Publishing
from emoticon.domain.verified import VerifiedTokens

TOKEN = "l" * LINK_LETTERS
VERSION = "0123456789ab"
ACCOUNT = 7
STALE_S = 5
PICTURE = drawn(1)


@dataclass
class Node:
    """An edge with its floors, as fresh as can be."""

    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.edge = MemoryEdge(10**6, self.clock)
        self.floors = Floors(self.clock, life_s=600, stale_s=STALE_S, withdraw=[self.edge.withdraw])
        self.publishing = Publishing(
            self.edge, self.edge, self.floors, VerifiedTokens(10), self.clock
        )
        self.floors.refreshed(self.clock.elapsed_ms())

    def publish(
        self,
        version: str = "",
        *,
        life_s: int | None = None,
        picture: Picture = PICTURE,
        began: int | None = None,
    ) -> None:
        now_s = self.clock.ms // 1000
        self.publishing.publish_link(
            TOKEN,
            version,
            ACCOUNT,
            None if life_s is None else now_s + life_s,
            picture,
            began=self.floors.news if began is None else began,
        )

    def find(self, version: str = "") -> Picture | None:
        return self.publishing.find_link(TOKEN, version, 128, Format.PNG)

    def after(self, seconds: float) -> None:
        self.clock.ms += int(seconds * 1000)
        self.floors.refreshed(self.clock.elapsed_ms())

    def hear_of(self, account_id: int = ACCOUNT) -> None:
        self.floors.merge(Change(account_id, revision=self.floors.news + 1))


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.mark.parametrize("version", ["", VERSION])
def test_what_was_given_is_found_by_the_same_link_version_size_and_format(
    node: Node, version: str
) -> None:
    assert node.find(version) is None
    node.publish(version)
    assert node.find(version) is PICTURE
    find = node.publishing.find_link
    assert find(TOKEN, "ba9876543210", 128, Format.PNG) is None
    assert find(TOKEN, version, 64, Format.PNG) is None
    assert find(TOKEN, version, 128, Format.WEBP) is None
    assert find(TOKEN[:-1] + "x", version, 128, Format.PNG) is None


def test_the_token_of_a_link_is_nobody_s_access_token(node: Node) -> None:
    node.publish(VERSION)
    assert node.publishing.find(TOKEN, VERSION, 128, Format.PNG) is None


def test_news_of_the_account_withdraw_it_and_what_is_read_afterwards_is_published(
    node: Node,
) -> None:
    node.publish()
    node.hear_of()
    assert node.find() is None
    node.publish()
    assert node.find() is PICTURE


def test_news_between_reading_and_publishing_let_nothing_be_published(node: Node) -> None:
    node.hear_of()
    began = node.floors.news
    node.hear_of()
    node.publish(began=began)
    assert node.edge.used_bytes == 0


def test_news_of_other_accounts_do_not_matter(node: Node) -> None:
    began = node.floors.news
    node.hear_of(ACCOUNT + 1)
    node.publish(began=began)
    assert node.find() is PICTURE


def test_nothing_is_found_or_published_while_floors_are_stale(node: Node) -> None:
    node.publish()
    node.clock.ms += STALE_S * 1000 + 1
    node.publish(VERSION)
    assert node.find() is None
    node.after(0)
    assert node.find() is PICTURE
    assert node.find(VERSION) is None


def test_what_stands_in_the_place_of_another_picture_is_not_published(node: Node) -> None:
    node.publish(picture=replace(PICTURE, stand_in=True))
    assert node.edge.used_bytes == 0


def test_the_application_is_asked_again_after_ten_minutes(node: Node) -> None:
    node.publish()
    node.after(LINK_S - 0.001)
    assert node.find() is PICTURE
    node.after(0.001)
    assert node.find() is None
    node.publish()
    assert node.find() is PICTURE


def test_a_link_that_expires_is_published_while_its_picture_may_be_kept_for_a_minute(
    node: Node,
) -> None:
    node.publish(life_s=KEPT_S + 100)
    node.after(99.999)
    assert node.find() is PICTURE
    node.after(0.001)
    assert node.find() is None


@pytest.mark.parametrize(
    "publish",
    [
        lambda node: node.publish(VERSION, life_s=10_000),
        lambda node: node.publish(life_s=KEPT_S),
        lambda node: node.publish(life_s=1),
    ],
    ids=["by a version", "in its last minute", "in its last second"],
)
def test_a_link_that_expires_is_not_published_otherwise(
    node: Node, publish: Callable[[Node], None]
) -> None:
    publish(node)
    assert node.edge.used_bytes == 0


def test_an_edge_that_others_ask_is_published_to_and_never_asked(node: Node) -> None:
    node.publishing = replace(node.publishing, asked=None)
    node.publish()
    assert node.find() is None
    assert node.edge.used_bytes > 0
