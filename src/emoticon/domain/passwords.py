"""Which passwords an account may have. No composition rules (OWASP ASVS 5.0, 6.2.5): length and guessability only."""

from dataclasses import dataclass

from emoticon.domain.errors import InvalidPassword, WeakPassword
from emoticon.domain.ports import StrengthMeter

MAX_BYTES = 256


def fits(password: str) -> bool:
    """Say whether it is text of at most MAX_BYTES bytes, so that it may be hashed at all."""
    if len(password) > MAX_BYTES:
        return False
    try:
        return len(password.encode()) <= MAX_BYTES
    except UnicodeEncodeError:  # a lone surrogate
        return False


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """`min_bytes` of UTF-8 and a zxcvbn score of at least `min_score` (0..4)."""

    meter: StrengthMeter
    min_bytes: int
    min_score: int

    def check(self, password: str, username: str) -> None:
        """Return silently when the account of this name may have the password.

        Raises:
            InvalidPassword: shorter than `min_bytes`, longer than MAX_BYTES or not text.
            WeakPassword: scores below `min_score`; the detail advises.

        """
        if not fits(password) or len(password.encode()) < self.min_bytes:
            raise InvalidPassword(f"A password is {self.min_bytes} to {MAX_BYTES} bytes long")
        strength = self.meter.strength(password, [username, "emoticon"])
        if strength.score < self.min_score:
            raise WeakPassword(f"{WeakPassword.default_detail}. {strength.advice}".strip())
