"""Which names a graph may use: ids reach state-dict keys and generated source, so they are identifiers of Python.

Any script may be used. Python compares identifiers in the normal form NFKC (PEP 3131), so only names in that form are
taken: another one would name another attribute in generated source than in the file.
"""

import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from types import MappingProxyType

__all__ = [
    "INVISIBLE",
    "MAX_NAME",
    "RESERVED",
    "alike",
    "fresh",
    "lookalike",
    "mixed_scripts",
    "name_fault",
    "normal_form",
    "snake",
]


MAX_NAME = 100
"""Longest name, in characters."""

_MODULE = """
T_destination _apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
_forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
_get_backward_hooks _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
_load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
_non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
_replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
_wrapped_call_impl add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad
"""

_COMPILED = """
_calls _checks _momentum _repr_mimebundle_ check_values code copies forward_loss forward_predict forward_tensor
frozen_paths functions graph load_weights momentum_steps node_calls node_params port_types save signatures
training_progress weights_report
"""

RESERVED = frozenset(_MODULE.split() + _COMPILED.split())
"""Attributes of ``torch.nn.Module`` and of a compiled model."""


def name_fault(name: str, *, attribute: bool = True) -> str | None:
    """What is wrong with a name, in words; None if it is legal.

    Args:
        name: The name.
        attribute: Whether it becomes an attribute of the model, so that reserved names are refused too.
    """
    if len(name) > MAX_NAME:
        return f"it is {len(name):,} characters long, at most {MAX_NAME} are allowed"
    if not name.isascii() and (fault := _unicode_fault(name)) is not None:
        return fault
    if not name.isidentifier():
        return f"{_odd_character(name)}; a name is a letter or underscore, then letters, digits and underscores"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name.startswith("__"):
        return "it starts with two underscores, which Python keeps for itself"
    if attribute and name in RESERVED:
        return "it is the name of something that every model has"
    return None


def normal_form(name: str, *, attribute: bool = True) -> str | None:
    """How Python reads a name that is not in its normal form; None if it is, or if that is no legal name either.

    Args:
        name: The name.
        attribute: Whether it becomes an attribute of the model.
    """
    normal = unicodedata.normalize("NFKC", name)
    return normal if normal != name and name_fault(normal, attribute=attribute) is None else None


def _unicode_fault(name: str) -> str | None:
    """What only a name with letters outside ASCII can have wrong."""
    hidden = INVISIBLE.search(name)
    if hidden is not None:
        return f"it contains {_described(hidden[0])}, which cannot be seen"
    normal = unicodedata.normalize("NFKC", name)
    if normal != name:
        return f"Python reads it as {normal[:40]!r} (the normal form NFKC), so two spellings would be one name"
    return mixed_scripts(name)


def _odd_character(name: str) -> str:
    if not name:
        return "it is empty"
    if name[0].isdecimal():
        return "it starts with a digit"
    odd = next((char for char in name if not f"a{char}".isidentifier()), name[0])
    return f"it contains {odd!r}" if odd.isascii() else f"it contains {_described(odd)}"


def _described(char: str) -> str:
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a character without a name').lower()})"


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


def lookalike(name: str, taken: Collection[str]) -> str | None:
    """The name among those taken that this one looks like; None if there is none."""
    found = [other for later, other in alike([*taken, name]) if later == name]
    return found[0] if found else None


_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])(?!Net|LU|Co|CL)|(?<=[A-Z])(?=[A-Z][a-z])(?!Net)")
_ODD = re.compile(r"\W+")
_LONGEST = MAX_NAME - 10


def snake(text: str) -> str:
    """A type's name as an id: ``GlobalAveragePooling`` gives ``global_average_pooling``, ``ResNet`` ``resnet``."""
    return _ODD.sub("_", _WORD_STARTS.sub("_", text)).lower().strip("_")


def fresh(wanted: str, taken: Collection[str], *, attribute: bool = True) -> str:
    """A legal name that is not taken: the wanted one, or that with a number behind it (``neck_2``).

    Args:
        wanted: What it should be called.
        taken: Names that it cannot have.
        attribute: Whether it becomes an attribute of the model.
    """
    base = wanted[:_LONGEST] or "node"
    if name_fault(base, attribute=attribute) is not None:
        base = base.lstrip("_") or "node"
        base = base if name_fault(base + "_1", attribute=attribute) is None else "node"
        base = base if name_fault(base, attribute=attribute) is None else f"{base}_1"
    if not _is_used(base, taken):
        return base
    stem = re.sub(r"_[0-9]{1,6}$", "", base) or base
    number = 2
    while _is_used(f"{stem}_{number}", taken) or name_fault(f"{stem}_{number}", attribute=attribute) is not None:
        number += 1
    return f"{stem}_{number}"


def _is_used(name: str, taken: Collection[str]) -> bool:
    return name in taken or lookalike(name, taken) is not None


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
