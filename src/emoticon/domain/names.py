"""Usernames: how they are compared and which ones may be taken."""

import re
import unicodedata

from emoticon.domain.errors import InvalidUsername

_MAX_RAW_LENGTH = 128
_RULE = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_RULE_IN_WORDS = (
    "A username is 1 to 32 letters a-z, digits, dots, hyphens or underscores"
    " and starts with a letter or a digit"
)

RESERVED = frozenset(
    """
    abuse account admin administrator anonymous api auth emoticon everyone favicon.ico help hostmaster
    localhost login logout mailer-daemon me moderator no-reply nobody noreply official openapi.json
    operator ops owner postmaster privacy public robots.txt root security self sign-in sign-out sign-up
    signin signout signup sitemap.xml staff static superuser support sys sysadmin system unknown webmaster
    www aux con lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 com1 com2 com3 com4 com5 com6 com7 com8 com9
    nul prn false nan none null true undefined
    """.split()
)
"""Names that would be mistaken for the operator, for a route, or for a value of a program."""


def fold(raw: str) -> str:
    """Return the form under which names are compared: compatibility forms and case are gone. Idempotent.

    Raises:
        InvalidUsername: blank, longer than any name can be, or with code points that no name has (control, unassigned,
            private, surrogate, format).

    """
    if len(raw) > _MAX_RAW_LENGTH:
        raise InvalidUsername(_RULE_IN_WORDS)
    folded = raw
    # Case folding can undo a composition and the reverse; three rounds reach the fixed point.
    for _ in range(3):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    if not folded.strip() or any(unicodedata.category(char).startswith("C") for char in folded):
        raise InvalidUsername(_RULE_IN_WORDS)
    return folded


def new_username(raw: str) -> str:
    """Return the name that an account made for `raw` gets; it is its own folded form.

    Only case is folded here: what looks like another letter is refused, so that everybody sees the name they typed.

    Raises:
        InvalidUsername: the name breaks the rule or is reserved.
    """
    name = raw.lower() if raw.isascii() else ""
    if not _RULE.fullmatch(name):
        raise InvalidUsername(_RULE_IN_WORDS)
    if name in RESERVED:
        raise InvalidUsername("This username is reserved")
    return name
