"""Keeps work that began before somebody's pictures were erased from putting them back.

An age is the number of bars there were when a piece of work began.
"""

from collections import OrderedDict
from collections.abc import Sequence


class Bars:
    """Whose pictures may not be put any more by work of which age; remembered no longer than such work lasts."""

    def __init__(self) -> None:
        self.age = 0
        """That of work that begins now."""
        self._since: OrderedDict[int, int] = OrderedDict()  # by owner, the latest last
        self._lasting: OrderedDict[int, int] = OrderedDict()  # pieces of work by age

    def begin(self, age: int | None = None) -> int:
        """Return the age of a new piece of work, or that of the older one (not `barred`) which it carries on."""
        begun = self.age if age is None else age
        self._lasting[begun] = self._lasting.get(begun, 0) + 1
        return begun

    def end(self, age: int) -> None:
        """Say that a piece of work of this age is over."""
        self._lasting[age] -= 1
        if self._lasting[age] == 0:
            del self._lasting[age]
            oldest = next(iter(self._lasting), self.age)
            while self._since and next(iter(self._since.values())) <= oldest:
                self._since.popitem(last=False)

    def bar(self, owners: Sequence[int]) -> None:
        """From now on, all work that has begun may put nothing for these owners."""
        self.age += 1
        if self._lasting:
            for owner in owners:
                self._since[owner] = self.age
                self._since.move_to_end(owner)

    def barred(self, owner: int, age: int) -> bool:
        """Say whether work of this age may not put for the owner.

        True of every owner when no such work is known, for then its bars may have been forgotten.
        """
        known = age == self.age or age in self._lasting
        return not known or age < self._since.get(owner, 0)

    def __len__(self) -> int:
        return len(self._since)
