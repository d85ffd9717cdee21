"""What is valid when, in the simplest words: a model to compare the service with."""

from dataclasses import dataclass, field

from tests.domain.nodes import GRACE_S, IDLE_S, SESSION_S

from emoticon.domain.sessions import TokenPolicy


@dataclass(eq=False)
class Person:
    """An account."""

    name: str
    password: str
    version: int = 1
    floor: int = 1
    disabled: bool = False
    gone: bool = False
    sessions: "list[SignIn]" = field(default_factory=list)

    def issue(self, *, raise_floor: bool) -> int:
        """Return the version of the next token."""
        self.version += 1
        if raise_floor:
            self.floor = self.version
        return self.version

    def shut(self) -> int:
        """End all tokens and sessions; return the version of the next token."""
        self.end_sessions()
        return self.issue(raise_floor=True)

    def end_sessions(self) -> None:
        """End every session, and no token by that alone."""
        for session in self.sessions:
            session.open = False


@dataclass(eq=False)
class SignIn:
    """A session: its refresh tokens by their counter, and when the last of them was made."""

    person: Person
    id: str
    began_ms: int
    used_ms: int
    refresh: list[str]
    open: bool = True
    ended: bool = False
    """Ended by itself, and its access tokens with it."""

    def end(self) -> None:
        """End it and its tokens."""
        self.open, self.ended = False, True

    def is_over(self, now_ms: int) -> bool:
        """Say whether it is too old or was not used for too long."""
        return now_ms >= min(self.began_ms + SESSION_S * 1000, self.used_ms + IDLE_S * 1000)

    def is_usable(self, now_ms: int) -> bool:
        """Say whether its newest refresh token can be used."""
        return self.open and not self.is_over(now_ms)

    def use(self, counter: int, now_ms: int, policy: TokenPolicy) -> tuple[str, int]:
        """Use a refresh token; return what that is called and the version of the new access token, 0 for none."""
        current = len(self.refresh) - 1
        if not self.open:
            return "over", 0
        if self.is_over(now_ms):
            self.open = False
            return "expired", 0
        if counter == current - 1 and now_ms - self.used_ms < GRACE_S * 1000:
            return "repeated", self.person.version
        if counter != current:
            self.end()
            return "reuse", 0
        self.used_ms = now_ms
        return "rotated", self.person.issue(raise_floor=policy is TokenPolicy.ONE_TOKEN)


@dataclass(frozen=True)
class Issued:
    """An access token."""

    value: str
    session: SignIn
    version: int
    expires_ms: int

    def is_valid(self, now_ms: int) -> bool:
        """Say what every node has to say."""
        person = self.session.person
        known = self.version >= person.floor and not person.gone and not self.session.ended
        return known and now_ms < self.expires_ms
