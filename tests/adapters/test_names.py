"""Facts about usernames of any script; rows that hold in both modes are stated for both."""

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emoticon.adapters.names import UnicodeNames
from emoticon.domain.errors import InvalidUsername
from emoticon.domain.names import RESERVED, AsciiNames, NameRules, fold

NAMES = UnicodeNames()
BOTH = pytest.mark.parametrize(
    "rules", [pytest.param(AsciiNames(), id="ascii"), pytest.param(NAMES, id="unicode")]
)

# Text of one script is what gets through most checks.
_BLOCKS = [
    *((0x61, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58A), (0x5D0, 0x5EA)),
    *((0x620, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1000, 0x109F), (0x1100, 0x11FF)),
    *((0x1E00, 0x1FFF), (0x3040, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xADFF), (0xFF00, 0xFFEF)),
]
_ONE_SCRIPT = st.sampled_from(_BLOCKS).flatmap(
    lambda block: st.text(
        st.one_of(
            st.characters(min_codepoint=block[0], max_codepoint=block[1]),
            st.sampled_from("0._-\u0301\u0308\u030c\u0327"),
        ),
        max_size=34,
    )
)
ANY_TEXT = st.one_of(_ONE_SCRIPT, st.text(st.characters(exclude_categories=[]), max_size=140))


def refused(rules: NameRules, raw: str) -> str:
    with pytest.raises(InvalidUsername) as refusal:
        rules.new_username(raw)
    return refusal.value.detail


def accepted(raw: str) -> str | None:
    try:
        return NAMES.new_username(raw)
    except InvalidUsername:
        return None


def outcome(rules: NameRules, raw: str) -> str:
    try:
        return rules.new_username(raw)
    except InvalidUsername as refusal:
        return f"refused: {refusal.detail}"


@pytest.mark.parametrize(
    "name",
    [
        *("josé", "müller", "ñandú", "søren", "straße", "łukasz", "đorđe", "þór", "æsa", "cœur"),
        *("nguyễn", "phương", "čapek", "ışık", "ẹ́tọ́", "zoë", "é"),
        *("сергей", "юля", "александр", "андрій", "ћорђе", "иван-петров", "ю_1.2"),
        *("ελένη", "γιώργος", "παπαδόπουλος", "աննա", "გიორგი"),
        *("محمد", "علی", "فاطمة", "علي١٢", "علي12", "אברהם", "שלום", "דוד7"),
        *("राम", "लक्ष्मी", "राम१२", "সুমন", "ਗੁਰਪ੍ਰੀਤ", "ગાંધી", "தமிழ்", "తెలుగు", "ಕನ್ನಡ", "മലയാളം"),
        *("සිංහල", "สมชาย", "ที่รัก", "ລາວ", "ကျော်ကျော်", "សុខា", "བསྟན", "ሰላም", "ދިވެހި"),
        *("田中太郎", "さくら", "スーザン", "山田のりこ", "佐々木", "𠮷野"),
        *("김철수", "金철수", "王小明", "ㄅㄆ", "王ㄅ"),
    ],
)
def test_a_name_of_one_script_is_taken_as_it_is(name: str) -> None:
    assert NAMES.new_username(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Josй", None),
        ("JOSÉ", "josé"),
        ("Jose\u0301", "josé"),
        ("СЕРГЕЙ", "сергей"),
        ("ＪＯＳÉ", "josé"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ｱﾘｽ", "アリス"),
        ("か\u3099", "が"),
        ("\u1112\u1161\u11ab", "한"),
    ],
)
def test_case_width_and_composition_are_mapped(raw: str, name: str | None) -> None:
    assert accepted(raw) == name


@pytest.mark.parametrize(
    ("one", "other"), [("straße", "strasse"), ("σίσυφος", "σίσυφοσ"), ("yıldız", "yildiz")]
)
def test_two_spellings_that_can_both_be_typed_are_one_account(one: str, other: str) -> None:
    """The first to come has the account: the key is unique."""
    assert fold(NAMES.new_username(one)) == fold(NAMES.new_username(other))


@BOTH
@pytest.mark.parametrize("raw", ["alice\u200b", "\u00a0alice", "alice\u2060", "al\u00adice"])
def test_n01_a_name_with_something_invisible_is_refused(rules: NameRules, raw: str) -> None:
    refused(rules, raw)


@BOTH
@pytest.mark.parametrize("raw", ["Alice", "ALICE"])
def test_n01_another_case_is_the_same_account(rules: NameRules, raw: str) -> None:
    assert rules.new_username(raw) == "alice"


def test_n01_full_width_letters_are_the_same_account() -> None:
    assert NAMES.new_username("ａｌｉｃｅ") == NAMES.new_username("ＡＬＩＣＥ") == "alice"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("name", ["josé", "сергей", "nguyễn", "한국", "がく", "alíce"])
def test_n01_all_forms_of_unicode_are_the_same_account(name: str, form: str) -> None:
    spelling = unicodedata.normalize(form, name)  # type: ignore[arg-type]
    assert NAMES.new_username(spelling) == name
    assert fold(spelling) == fold(name)


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        *("аlice", "αlice", "аliсе", "alicе", "сергeй", "γεorge", "иvan", "аλфа", "աnna", "שлом"),
        *("田a", "aさ", "さ김", "김ㄅ", "ひㄅ", "राम১", "राम1१", "علي१", "ю١", "a١"),
    ],
)
def test_n02_letters_and_digits_of_several_scripts_are_refused(rules: NameRules, raw: str) -> None:
    detail = refused(rules, raw)
    if rules is NAMES:
        assert "one script" in detail


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        *("аlісе".replace("l", "ӏ"), "сосо", "оса", "рау", "һеу", "сёса", "рурі", "оса-1.2"),
        *("ανα", "ουρα", "ноно".replace("н", "һ"), "սոս", "ااه"),
        *("ɑlice", "ɡoogle", "pɑypɑl", "ƽelf", "ɩan", "ʋan", "andrɪé"),
    ],
)
def test_n02_what_could_be_read_as_latin_is_refused(rules: NameRules, raw: str) -> None:
    detail = refused(rules, raw)
    if rules is NAMES:
        assert "mistaken" in detail
        assert raw not in detail


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        *("a\0b", "ж\0б", "\ud800", "ж\udfff", "\ufffe", "ж\ufffe", "\u0378", "\U000e0fff"),
        *("\u202ealice", "\u202eж", "\u2066ж", "\u200fж", "ж\U000e0061", "ж\u034f", "\u3164"),
        *(
            "ж\ufe0f",
            "✌\ufe0f",
            "葛\U000e0100",
            "👩\u200d💻",
            "🙂",
            "ж🙂",
            "क्\u200dष",
            "می\u200cخ",
            "\ue000",
        ),
    ],
)
def test_n05_what_is_no_letter_is_refused(rules: NameRules, raw: str) -> None:
    refused(rules, raw)


@BOTH
@pytest.mark.parametrize("letter", ["a", "ж"])
@pytest.mark.parametrize(
    "form",
    [
        *("../{}", "..%2f{}", "{}/b", "{}\\b", "{}?x=1", "{}#b", "{};b", "%2e%2e%2f{}", "{}%00"),
        *(".{}", "-{}", "_{}", "．{}", "{}／b", "{}＼b", "{}？", "{}․․／", "{}·{}"),
    ],
)
def test_n06_a_path_is_refused(rules: NameRules, letter: str, form: str) -> None:
    refused(rules, form.replace("{}", letter))


@BOTH
@pytest.mark.parametrize(
    "raw", ["@ж.example/", "\\@ж", ":8080ж", "ж HTTP/1.1\r\nX: y", "＠ж", "ж：80", "ж@ж"]
)
def test_n07_an_address_is_refused(rules: NameRules, raw: str) -> None:
    refused(rules, raw)


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        *("ж\r\nSet-Cookie: x=1", "\x1b[31mж", "${ж:x}", "%nж", "{{ж}}", "<ж>", "＜ж＞", "=ж()"),
        *("ж\u2028", "ж\u0085", "ж ж", "ж\u3000", "ж\t", "ж\n"),
    ],
)
def test_n08_control_characters_and_code_are_refused(rules: NameRules, raw: str) -> None:
    refused(rules, raw)


@BOTH
@pytest.mark.parametrize(
    "letter", ["", "ж" * 33, "𠮷" * 33, "ж" * 10**6, "ж" * 129, "\ufdfa" * 128]
)
def test_n09_a_name_that_is_too_long_or_empty_is_refused(rules: NameRules, letter: str) -> None:
    refused(rules, letter)


@pytest.mark.parametrize("letter", ["ж", "田", "𠮷", "한", "ế", "й"])
def test_n09_32_letters_are_possible_composed_and_decomposed(letter: str) -> None:
    """The limit is of code points after mapping, and what is mapped is not cut."""
    assert NAMES.new_username(unicodedata.normalize("NFD", letter) * 32) == letter * 32


@BOTH
@pytest.mark.parametrize(
    "raw",
    [
        *(
            "a" + "\u0301" * 100,
            "ж\u0301\u0302\u0303",
            "e\u0302\u0301\u0304",
            "ж\u0301\u0301",
            "\u0301a",
        ),
        *(
            "ж-\u0301",
            "o\u0338",
            "a\u20dd",
            "क" + "ि" * 5,
            "कंं",
            "ก่่",
            "مُحمد",
            "שָׁלוֹם",
            "ж\u0654",
            "あ\u3099",
        ),
        *("क\u0301", "ж\u0483", "i\u0307é", "і\u0307ж", "ı\u0307é"),
    ],
)
def test_n09_marks_that_no_alphabet_stacks_are_refused(rules: NameRules, raw: str) -> None:
    refused(rules, raw)


@BOTH
@pytest.mark.parametrize(
    "name", ["admin", "Root", "ME", "api", "null", "undefined", "static", "favicon.ico", "CON"]
)
def test_n10_a_reserved_name_is_refused(rules: NameRules, name: str) -> None:
    assert "reserved" in refused(rules, name)


@BOTH
def test_n10_a_hidden_file_is_refused(rules: NameRules) -> None:
    refused(rules, ".well-known")


@pytest.mark.parametrize(
    "name", ["ａｄｍｉｎ", "àdmin", "admın", "røøt", "róot", "ńull", "mé", "ＣＯＭ１"]
)
def test_n10_what_is_read_as_a_reserved_name_is_refused(name: str) -> None:
    assert "reserved" in refused(NAMES, name)


@pytest.mark.parametrize(
    "raw",
    [
        *("ᎠᎡ", "ꓐꓑ", "ᐊᐱ", "𐌀𐌁", "ⲁⲃ", "ⴰⴱ"),
        *("ʻokina", "ʼж", "ﬁn", "ǆon", "ª", "²", "½", "ⅷ", "ℵ", "𝒶lice", "ⓐ"),
        *("ꜳé", "ᴀé", "ꙗж", "ᲀж", "ⱥé", "ـب", "١٢", "१", "〇", "ー-", "ース", "々木", "スーー"),
    ],
)
def test_symbols_historic_letters_and_digits_alone_are_refused(raw: str) -> None:
    refused(NAMES, raw)


@pytest.mark.parametrize("raw", ["1שלום", "שלום-", "אa", "علي१", "-אב"])
def test_a_name_that_would_be_shown_out_of_order_is_refused(raw: str) -> None:
    """RFC 5893: signs and digits at the edge of a name written from right to left move to the other edge."""
    refused(NAMES, raw)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
@example("alice")
@example("admin")
@example("a" * 33)
def test_ascii_names_follow_the_same_rule_in_both_modes(raw: str) -> None:
    assert outcome(NAMES, raw) == outcome(AsciiNames(), raw)


@given(ANY_TEXT)
@example("\ud800")
@example("ᾧ" * 32)
@example("İ")
@example("ΣΑΣ")
@example("ﾞ")
def test_a_name_that_is_accepted_keeps_the_promises(raw: str) -> None:
    name = accepted(raw)
    if name is None:
        return
    assert 1 <= len(name) <= 32
    assert len(name.encode()) <= 128
    assert name == unicodedata.normalize("NFC", name)
    assert NAMES.new_username(name) == name
    key = fold(name)
    assert key == fold(raw) == fold(key) == fold(name.upper())
    assert key not in RESERVED
    assert all(char in "._-" or unicodedata.category(char)[0] in "LMN" for char in name)
    assert unicodedata.category(name[0]) in {"Ll", "Lo", "Nd"}


@given(_ONE_SCRIPT)
def test_every_spelling_of_an_accepted_name_is_found(raw: str) -> None:
    name = accepted(raw)
    if name is None:
        return
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, name)) == fold(name)


def test_the_module_alone_loads_no_tables() -> None:
    code = "import sys, emoticon.adapters.names; print('precis_i18n' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
