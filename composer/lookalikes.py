"""Names that look like other names: what Unicode calls confusable (UTS 39, sections 4 and 5).

A name may be written in any script. Two names of one scope that look alike are refused, and so is a word whose letters
come from scripts that look alike, as ``b`` and a Cyrillic ``a``. Which letters look alike is what ``confusables.txt``
of UTS 39 says for the scripts that share their shapes with Latin, and for Katakana beside Han.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

__all__ = ["INVISIBLE", "alike", "mixed_scripts"]

INVISIBLE = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that are not drawn (``Default_Ignorable_Code_Point``)."""

_PAIRS = (
    # letters, and what they look like, one for one
    ("АВЕЅІЈКМНОРСТУХҮԌԚԜѴӀЬ", "ABESIJKMHOPCTYXYGQWVlb"),
    ("аеоруѕсхіјһԁԛԝӏѵгѡ", "aeopyscxijhdqwlvrw"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αοιρνγσυ", "aoipvyou"),
    ("ՍՕՏԼոսօհգզյցք", "UOSLnuohqqjgf"),
    ("ᎪᏴᏟᎠᎬᎡᎢᎫᏦᏞᎷᎻᏢᏚᎳᏤᏃᎦ", "ABCDERTJKLMHPSWVZS"),
    ("ⲞⲢⲤⲦⲔⲘⲎⲂⲀⲈⲒⲚⲬⲟⲣⲥⲓⲕ", "OPCTKMHBAEINXopcik"),
    ("ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜ", "ABCDEFGHIJKLMNOPRSTUVWXYZ"),
    ("ıɑɡɩʋɯ", "iagivw"),
    ("ニハヘベペロエカタトオクチムリ", "二八へべぺ口工力夕卜才ク千ムり"),
)
_LIKE: Mapping[str, str] = MappingProxyType(
    {letter: other for letters, others in _PAIRS for letter, other in zip(letters, others, strict=True)}
)
_SHARE_SHAPES = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN", "LISU"})
_EAST_ASIAN = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "KATAKANA", "LATIN"})
_OF_NO_SCRIPT = frozenset({"COMBINING", "IDEOGRAPHIC", "KATAKANA-HIRAGANA", "MIDDLE", "MODIFIER"})


def mixed_scripts(name: str) -> str | None:
    """What is wrong with a name whose words mix letters that look alike; None if none does.

    Words stand between underscores, so ``conv_узел`` is fine. Japanese, Chinese and Korean are written with several
    scripts, also beside Latin, and Greek letters that look like no other go with Latin (``Δx``).

    Args:
        name: An identifier.
    """
    for word in name.split("_"):
        scripts = {script for char in word if (script := _script(char)) is not None}
        if len(scripts) < 2 or scripts <= _EAST_ASIAN or len(scripts & _SHARE_SHAPES) < 2:
            continue
        odd = [char for char in word if char in _LIKE and _script(char) != "LATIN"]
        if not odd and scripts == {"GREEK", "LATIN"}:
            continue
        char = odd[0] if odd else next(char for char in word if _script(char) in scripts - {"LATIN"})
        looks = f", which looks like {_LIKE[char]!r}" if char in _LIKE else ""
        kinds = " and ".join(sorted(script.title() for script in scripts))
        return (
            f"{word[:40]!r} mixes letters of {kinds}: {char!r} is U+{ord(char):04X} "
            f"({unicodedata.name(char, '').lower()}){looks}"
        )
    return None


def alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """The names that look like one before them, each with that one.

    Args:
        names: Identifiers of one scope.
    """
    listed = list(names)
    if all(name.isascii() for name in listed):
        return []
    first: dict[str, str] = {}
    found = []
    for name in listed:
        other = first.setdefault(_shape(name), name)
        if other != name:
            found.append((name, other))
    return found


def _shape(name: str) -> str:
    """What a name looks like: names that look alike have the same."""
    return "".join(_LIKE.get(char, char) for char in unicodedata.normalize("NFKC", name))


@cache
def _script(char: str) -> str | None:
    """The script of a letter, by the first word of its name in Unicode; None for digits, marks and underscores."""
    if not char.isalpha():
        return None
    word = unicodedata.name(char, "").partition(" ")[0]
    return None if word in _OF_NO_SCRIPT else word
