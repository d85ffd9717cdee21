"""What is remembered of tokens that were checked, and what is forgotten first."""

from collections import OrderedDict

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from emoticon.domain.models import Account, Claims, Identity, Look
from emoticon.domain.verified import VerifiedTokens


def identity(account_id: int = 1) -> Identity:
    account = Account(account_id, "alice", "alice", "", Look("moods", "x"), "private", 1, 1, 0)
    return Identity(account, Claims(account_id, "alice", "a", 1, 0, 600))


def test_a_token_gives_what_was_put_and_another_nothing() -> None:
    verified = VerifiedTokens(2)
    alice = identity()
    verified.put("alice's", alice)
    assert verified.get("alice's") is alice
    assert verified.get("bob's") is None


def test_of_more_than_fit_the_one_used_longest_ago_goes() -> None:
    verified = VerifiedTokens(2)
    for token in ("one", "two"):
        verified.put(token, identity())
    verified.get("one")
    verified.put("three", identity())
    assert [verified.get(token) is not None for token in ("one", "two", "three")] == [
        True,
        False,
        True,
    ]


def test_dropping_forgets_one_and_takes_unknown_ones() -> None:
    verified = VerifiedTokens(9)
    for token in ("one", "two"):
        verified.put(token, identity())
    verified.drop("one")
    verified.drop("one")
    verified.drop("never put")
    assert verified.get("one") is None
    assert verified.get("two") is not None


def test_withdrawing_forgets_all_of_an_account_and_nothing_else() -> None:
    verified = VerifiedTokens(9)
    for token, account_id in (("one", 1), ("two", 1), ("three", 2)):
        verified.put(token, identity(account_id))
    verified.withdraw(1)
    verified.withdraw(1)
    verified.withdraw(77)
    assert len(verified) == 1
    assert verified.get("three") is not None
    verified.put("one", identity(1))
    assert verified.get("one") is not None


steps = st.one_of(
    st.tuples(st.sampled_from(["put", "get", "drop"]), st.integers(0, 8)),
    st.tuples(st.just("withdraw"), st.integers(0, 2)),
)


@pytest.mark.parametrize("capacity", [1, 3])
@given(st.lists(steps, max_size=40))
def test_it_never_holds_more_than_it_may_nor_anything_that_was_taken_back(
    capacity: int, done: list[tuple[str, int]]
) -> None:
    verified = VerifiedTokens(capacity)
    model: OrderedDict[str, int] = OrderedDict()
    for step, number in done:
        token, account_id = str(number), number % 3
        if step == "put" and token not in model:  # as its user does
            verified.put(token, identity(account_id))
            model[token] = account_id
            if len(model) > capacity:
                model.popitem(last=False)
                event("full")
        elif step == "get":
            assert (verified.get(token) is not None) == (token in model)
            if token in model:
                model.move_to_end(token)
        elif step == "drop":
            verified.drop(token)
            model.pop(token, None)
        elif step == "withdraw":
            verified.withdraw(number)
            model = OrderedDict((key, owner) for key, owner in model.items() if owner != number)
        assert len(verified) == len(model) <= capacity
    for account_id in range(3):
        verified.withdraw(account_id)
    assert len(verified) == 0
    assert not verified._tokens, "an index that only grows"
