"""Usernames: how they are compared and which ones may be taken."""

import re
import unicodedata
from typing import Protocol

from typing_extensions import override

from emoticon.domain.errors import InvalidUsername

MAX_LENGTH = 32
RESERVED_IN_WORDS = "This username is reserved"
_MAX_RAW_LENGTH = 128  # no composed letter has more than four parts
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

# Letters that look much the same within one script, where living languages need both: whoever comes second finds the
# name taken. In the decomposed form: Latin dotless i, caron and breve, cedilla and comma, rare letters; Greek stigma;
# Cyrillic; yeh, kaf, heh, teh and digits of Arabic and Persian; kana beside Han and beside each other.
_TWINS = str.maketrans(
    dict(
        pair.split("=")
        for pair in """
        \u0131=i \u030c=\u0306 \u0327=\u0326 \u01dd=\u0259 \u021d=\u0292 \u01bf=\u00fe \u2184=\u0254 \u03db=\u03c3
        \u04af=\u0443 \u04bd=\u0435 \u0473=\u04e9 \u0511=\u0454 \u04cc=\u04b7 \u04ca=\u04c8
        \u0649=\u064a \u06cc=\u064a \u06a9=\u0643 \u06aa=\u0643 \u06be=\u0647 \u06c1=\u0647 \u06d5=\u0647 \u06c3=\u0629
        \u06f0=\u0660 \u06f1=\u0661 \u06f2=\u0662 \u06f3=\u0663 \u06f4=\u0664
        \u06f5=\u0665 \u06f6=\u0666 \u06f7=\u0667 \u06f8=\u0668 \u06f9=\u0669
        \u30cb=\u4e8c \u30ed=\u53e3 \u30ab=\u529b \u30a8=\u5de5 \u30bf=\u5915 \u30c8=\u535c \u30cf=\u516b \u30fc=\u4e00
        \u30d8=\u3078
        """.split()
    )
)


def fold(raw: str) -> str:
    """Return the form under which names are compared, for no eye to see. Idempotent.

    Compatibility forms and case are gone (`straße` is `strasse`), and of letters that look the same within one script
    there is one.

    Raises:
        InvalidUsername: blank, longer than any name can be, or with code points that no name has (control, unassigned,
            private, surrogate, format).

    """
    if len(raw) > _MAX_RAW_LENGTH:
        raise InvalidUsername(_RULE_IN_WORDS)
    folded = raw
    # Case folding can undo a composition and the reverse; three rounds reach the fixed point.
    for _ in range(3):
        cased = unicodedata.normalize("NFKC", folded).casefold()
        folded = unicodedata.normalize(
            "NFKC", unicodedata.normalize("NFKD", cased).translate(_TWINS)
        )
    if not folded.strip() or any(unicodedata.category(char).startswith("C") for char in folded):
        raise InvalidUsername(_RULE_IN_WORDS)
    return folded


class NameRules(Protocol):
    """Which names may be taken."""

    def new_username(self, raw: str) -> str:
        """Return the name that an account made for `raw` gets; both fold to the same, its `username_key`.

        Raises:
            InvalidUsername: the name breaks the rule or is reserved.
        """
        ...


class AsciiNames(NameRules):
    """Names of a-z, digits, dots, hyphens and underscores; each is its own folded form.

    Only case is folded: what looks like another letter is refused, so that everybody sees the name they typed.
    """

    @override
    def new_username(self, raw: str) -> str:
        name = raw.lower() if raw.isascii() else ""
        if not _RULE.fullmatch(name):
            raise InvalidUsername(_RULE_IN_WORDS)
        if name in RESERVED:
            raise InvalidUsername(RESERVED_IN_WORDS)
        return name


new_username = AsciiNames().new_username
