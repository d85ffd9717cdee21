"""Usernames in any one script that is in everyday use.

PRECIS (RFC 8264, RFC 8265) says which code points a name may have and how they are mapped; Unicode's tables of scripts
and of confusable characters (UTS 39) say what may stand beside what, and what could be read as something else. These
two are the data files of `confusable_homoglyphs`: it would keep 14 MB of them, answers for single characters only, and
imports a web client, so the files are read here and most of them is let go.

Look-alikes within one script that living languages need are twins in `fold`; others, as two Han characters that differ
by the length of a stroke, are two names.
"""

import json
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

from typing_extensions import override

from emoticon.domain.errors import InvalidUsername
from emoticon.domain.names import (
    MAX_LENGTH,
    RESERVED,
    RESERVED_IN_WORDS,
    AsciiNames,
    NameRules,
    fold,
)

_RULE_IN_WORDS: Final = (
    "A username is 1 to 32 letters of one script, digits, dots, hyphens or underscores"
    " and starts with a letter or a digit"
)
_MIXED: Final = "The letters and digits of a username are of one script"
_MISREAD: Final = "This username could be mistaken for one in plain Latin letters"

# UAX 31, table 5. Where no font has the letters of the others, all of them look the same: an empty box.
_SCRIPTS: Final = frozenset(
    """
    ARABIC ARMENIAN BENGALI BOPOMOFO CYRILLIC DEVANAGARI ETHIOPIC GEORGIAN GREEK GUJARATI GURMUKHI HAN HANGUL HEBREW
    HIRAGANA KANNADA KATAKANA KHMER LAO LATIN MALAYALAM MYANMAR ORIYA SINHALA TAMIL TELUGU THAANA THAI TIBETAN
    """.split()
)
_TOGETHER: Final = (  # in one language; UTS 39 section 5.2, without the Latin letters that it allows beside them
    {"HAN", "HIRAGANA", "KATAKANA"},
    {"HAN", "HANGUL"},
    {"HAN", "BOPOMOFO"},
)
# The tables have these in Common, as more than one script uses them.
_OWNERS: Final = {"\N{KATAKANA-HIRAGANA PROLONGED SOUND MARK}": "KATAKANA"} | {
    chr(digit): "ARABIC" for digit in range(0x0660, 0x066A)
}
_NEUTRAL: Final = frozenset("0123456789._-")

_ACCENTED: Final = {"LATIN", "GREEK", "CYRILLIC"}
_ACCENTS: Final = frozenset(
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331"
)
_POINTED: Final = {"ARABIC", "HEBREW"}  # with and without its vowel points it is the same word

# L letter, M mark, D digit. Burmese needs four marks; two accents are looked for apart, in the decomposed form.
_SHAPE: Final = re.compile(r"(?:LM{0,4}|D)(?:LM{0,4}|D|[._-])*")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_THREE_ACCENTS: Final = re.compile("[\u0300-\u036f]{3}")
_DOT_ON_DOT: Final = re.compile(
    "[ij\u0131\u0249\u0268\u029d\u03f3\u0456\u0458][\u0300-\u036f]*\u0307"
)
_PHONETIC_OR_HISTORIC: Final = re.compile(
    # The first of these are read as letters that the tables do not link them with: b, j and small capitals.
    "[\u0185\u0237\u0262\u0274\u0276\u0280\u0281\u0299\u029b\u029c\u029f\U0001df00-\U0001dfff"
    "\u1c80-\u1c8f\u1d00-\u1dbf\u2c60-\u2c7f\u2de0-\u2dff\ua640-\ua69f\ua720-\ua7ff\uab30-\uab6f]"
)

_READABLE: Final = re.compile("[A-Za-z0-9._-]+")
_NO_LOOK_ALIKES: Final = frozenset(
    "\u0131\u00e6\u0153"
)  # dotless i is a twin of i; ae and oe stand out


class UnicodeNames(NameRules):
    """ASCII names as in `AsciiNames`; others by PRECIS UsernameCaseMapped, of one script, and not to be misread.

    Reads its tables when it is made (about 30 ms).
    """

    def __init__(self) -> None:
        from precis_i18n import get_profile  # noqa: PLC0415 - a service with ASCII names does not pay

        self._profile = get_profile("UsernameCaseMapped")
        self._ascii = AsciiNames()
        self._readings = _readings()
        self._starts, self._ranges = _script_ranges()

    @override
    def new_username(self, raw: str) -> str:
        name = raw if raw.isascii() else self._mapped(raw)
        if name.isascii():
            return self._ascii.new_username(name)
        parts = unicodedata.normalize("NFD", name)
        if _misshapen(name, parts):
            raise InvalidUsername(_RULE_IN_WORDS)
        scripts = self._scripts(name)
        if self._misread(parts, scripts):
            raise InvalidUsername(_MISREAD)
        key = fold(name)
        if not RESERVED.isdisjoint((key, self._reading(unicodedata.normalize("NFD", key)))):
            raise InvalidUsername(RESERVED_IN_WORDS)
        return name

    def _mapped(self, raw: str) -> str:
        try:
            fold(raw)  # first, as it bounds the length
            name = self._profile.enforce(raw)
        except (InvalidUsername, UnicodeEncodeError):
            raise InvalidUsername(_RULE_IN_WORDS) from None
        if len(name) > MAX_LENGTH:  # so it has at most 128 bytes
            raise InvalidUsername(_RULE_IN_WORDS)
        return name

    def _scripts(self, name: str) -> set[str]:
        """Return the scripts of the name, which belong together.

        Raises:
            InvalidUsername: they do not, or a mark is of another script than its letter.
        """
        scripts = {self._script(char) for char in name if char not in _NEUTRAL | _ACCENTS}
        together = len(scripts) == 1 or any(scripts <= group for group in _TOGETHER)
        zeros = {ord(char) - unicodedata.decimal(char) for char in name if char.isdecimal()}
        if not together or len(zeros) > 1:
            raise InvalidUsername(_MIXED)
        marks = [char for char in name if _kind(char) == "M"]
        if (
            not scripts <= _SCRIPTS
            or (marks and scripts <= _POINTED)
            or any((mark in _ACCENTS) != (scripts <= _ACCENTED) for mark in marks)
        ):
            raise InvalidUsername(_RULE_IN_WORDS)
        return scripts

    def _script(self, char: str) -> str:
        """Return the name of the script as in Unicode's Scripts.txt, in capitals."""
        last, script = self._ranges[bisect_right(self._starts, ord(char)) - 1]
        return _OWNERS.get(char, script if ord(char) <= last else "UNKNOWN")

    def _misread(self, parts: str, scripts: set[str]) -> bool:
        """Tell whether a Latin name has a letter, or another one nothing but letters, that could be read as ASCII."""
        if scripts == {"LATIN"}:
            return any(
                _READABLE.fullmatch(self._readings.get(char, ""))
                for char in parts
                if char not in _NO_LOOK_ALIKES
            )
        return _READABLE.fullmatch(self._reading(parts)) is not None

    def _reading(self, parts: str) -> str:
        """Return what somebody reads who looks for Latin letters and overlooks accents and strokes."""
        return _ACCENT.sub("", "".join(self._readings.get(char, char) for char in parts)).lower()


def _misshapen(name: str, parts: str) -> bool:
    """Tell whether no alphabet writes so: no letter, loose, doubled or stacked marks, letters of old."""
    shape = "".join(map(_kind, name))
    return (
        not _SHAPE.fullmatch(shape)
        or "L" not in shape
        or any(one == other and _kind(one) == "M" for one, other in pairwise(parts))
        or any(bad.search(parts) for bad in (_THREE_ACCENTS, _DOT_ON_DOT, _PHONETIC_OR_HISTORIC))
    )


def _kind(char: str) -> str:
    """Return L, M or D for letters, for marks and letters that prolong or repeat, for digits; else the character."""
    category = unicodedata.category(char)
    if category == "Lm":
        return "M"
    return "D" if category == "Nd" else category[0] if category[0] in "LM" else char


def _table(name: str) -> Any:
    return json.loads(files("confusable_homoglyphs").joinpath(name).read_bytes())


def _script_ranges() -> tuple[list[int], list[tuple[int, str]]]:
    """Return where each range of code points begins, and its last one with its script."""
    table = _table("categories.json")
    scripts = table["iso_15924_aliases"]
    ranges = table["code_points_ranges"]
    return [first for first, *_ in ranges], [
        (last, scripts[script]) for _, last, script, _ in ranges
    ]


def _readings() -> dict[str, str]:
    """Return the characters that could be read as ASCII ones, and as which; strokes and accents come as marks.

    The file links each character with its prototype and back, without saying which is which. A prototype is what has
    several links or characters; of a pair it is the lower code point, as that is ASCII if one is.
    """
    links: dict[str, set[str]] = defaultdict(set)
    for char, others in _table("confusables.json").items():
        links[_bare(char)].update(_bare(other["c"]) for other in others)
    readings = {}
    for char, others in links.items():
        if len(char) > 1 or char.isascii() or len(others) > 1:
            continue
        (prototype,) = others
        lone = len(prototype) == 1 and len(links[prototype]) == 1
        if not (lone and char < prototype) and _READABLE.fullmatch(_ACCENT.sub("", prototype)):
            readings[char] = prototype
    return readings


def _bare(text: str) -> str:
    return text.strip("\N{LEFT-TO-RIGHT MARK}")
