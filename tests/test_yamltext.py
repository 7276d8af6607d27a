"""YAML text to plain data and back."""

import math
import string

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.graph.file.yamltext import MAX_BYTES, MAX_DEPTH, dump, parse
from composer.problems import GraphError

FEW = settings(deadline=None, max_examples=60)

# Characters that mean something to YAML, in all places of a text.
TRICKY = st.text(
    st.sampled_from(":#-?,[]{}&*!|>'\"%@`~=<. \n\t\r\\/ab01_+é\u2028\x85\ufeff\x00\x7f\ue000\ue001🙂"), max_size=12
)
WORDS = """
    no yes on off true False NULL ~ null 1e-3 1_000 0o17 0x1f 012 1:30 190:20:30 2001-01-01 .5
    -.inf +.INF .nan . .. ...
    --- - -- = << <<: y n 1. 1.e5 +1 -0 0b1 a.out[-1] a[0] x:y http://a/b a#b #a a: :a @a %a `a !a &a *a |a >a
"""
TEXTS = st.one_of(
    st.sampled_from(WORDS.split()), TRICKY, st.text(max_size=20), st.text(string.ascii_letters + " ", max_size=200)
)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.integers(10**400, 10**500))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=25
)


def refusal(text: bytes | str) -> GraphError | None:
    try:
        parse(text)
    except GraphError as error:
        return error
    return None


def codes(text: bytes | str) -> list[str]:
    with pytest.raises(GraphError) as caught:
        parse(text, "a.yaml")
    return [problem.code for problem in caught.value.problems]


@FEW
@given(PLAIN)
def test_plain_data_comes_back_from_its_text(data: object) -> None:
    text = dump(data)
    again = parse(text)[0]
    assert again == data
    assert repr(again) == repr(data)  # 1, 1.0 and True are equal, and -0.0 and 0.0
    assert dump(again) == text


@FEW
@given(st.one_of(TEXTS, st.booleans(), st.none(), st.floats(allow_nan=False), st.integers(-(10**9), 10**9)))
def test_other_readers_of_yaml_read_the_same_scalars(value: object) -> None:
    """PyYAML's own reader follows YAML 1.1."""
    assert yaml.safe_load(dump({"a": value, "b": {"c": [value]}})) == {"a": value, "b": {"c": [value]}}


@FEW
@given(st.text() | st.binary() | TRICKY)
def test_any_text_is_read_or_refused(text: bytes | str) -> None:
    error = refusal(text)
    assert error is None or error.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("~", None),
        ("Null", None),
        ("", None),
        ("nULL", "nULL"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("12", 12),
        ("-7", -7),
        ("+7", 7),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("-0x1", "-0x1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("1,5", "1,5"),
        ("1e-3", 1e-3),
        ("1E3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e+3", -1500.0),
        ("1e999", math.inf),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.Inf", math.inf),
        ("inf", "inf"),
        (".", "."),
        ("1e", "1e"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("٣", "٣"),
        ("=", "="),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = parse(f"a: {text}\n")[0]["a"]
    assert (type(found), found) == (type(value), value)


def test_nan_is_read_and_equals_itself_in_collections() -> None:
    assert math.isnan(parse(".nan")[0])
    assert parse("[.nan]")[0] == parse("[.NaN]")[0]
    assert dump([math.nan]) == "- .nan\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("no", '"no"'),
        ("On", '"On"'),
        ("1e-3", '"1e-3"'),
        ("1_000", '"1_000"'),
        ("0b1", '"0b1"'),
        ("1:30", '"1:30"'),
        ("", '""'),
        ("~", '"~"'),
        ("<<", '"<<"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        (" a", '" a"'),
        ("- a", '"- a"'),
        ("a", "a"),
        ("a b", "a b"),
        ("arXiv:2003.04297", "arXiv:2003.04297"),
        ("$width", "$width"),
        ("é", "é"),
        ("3x3", "3x3"),
        ("it's", "it's"),
        ("50 %", "50 %"),
        ("a \u2013 b", "a \u2013 b"),
        ("\x00\x7f\x85", '"\\u0000\\x7f\\x85"'),
        ("\ufeff", '"\\ufeff"'),
        (1e-3, "0.001"),
        (1e-5, "1.0e-05"),
        (1e22, "1.0e+22"),
        (1.0, "1.0"),
        (-math.inf, "-.inf"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_scalars_are_quoted_only_where_they_must_be(value: object, text: str) -> None:
    assert dump({"a": value}) == f"a: {text}\n"


def test_nested_values_are_written_on_one_line_if_they_fit() -> None:
    short = {"type": "ResNet", "params": {"depth": 50}, "inputs": {"feature": "backbone.out[-1]"}}
    long = {"type": "X", "params": {f"parameter_{index}": index for index in range(9)}}
    assert dump({"schema": 1, "nodes": {"a": short, "b": long}, "data_samples": {}, "classes": ["cat", "dog"]}) == (
        "schema: 1\n"
        "nodes:\n"
        '  a: {type: ResNet, params: {depth: 50}, inputs: {feature: "backbone.out[-1]"}}\n'
        "  b:\n"
        "    type: X\n"
        "    params:\n" + "".join(f"      parameter_{index}: {index}\n" for index in range(9)) + "data_samples: {}\n"
        "classes: [cat, dog]\n"
    )


def test_lines_are_at_most_120_columns_where_data_can_be_broken() -> None:
    data = {"nodes": {f"n{size}": {"type": "X", "params": {"p": list(range(size))}} for size in range(60)}}
    lines = dump(data).splitlines()
    assert max(map(len, lines)) <= 120
    assert any(len(line) > 110 for line in lines)


def test_texts_of_several_lines_stand_below_their_key() -> None:
    assert dump({"about": "One.\n\n  Two: #3\n"}) == "about: |\n  One.\n\n    Two: #3\n"
    assert dump({"about": "One.\nTwo."}) == "about: |-\n  One.\n  Two.\n"
    assert dump({"about": " One.\nTwo."}) == 'about: " One.\\nTwo."\n'


def test_every_key_and_entry_has_its_line_and_column() -> None:
    lines = parse("schema: 1\nnodes:\n  a: {type: X}\n  b:\n    - c\n    - [d, {e: 1}]\n")[1]
    assert dict(lines) == {
        ("schema",): (1, 1),
        ("nodes",): (2, 1),
        ("nodes", "a"): (3, 3),
        ("nodes", "a", "type"): (3, 7),
        ("nodes", "b"): (4, 3),
        ("nodes", "b", 0): (5, 7),
        ("nodes", "b", 1): (6, 7),
        ("nodes", "b", 1, 0): (6, 8),
        ("nodes", "b", 1, 1): (6, 11),
        ("nodes", "b", 1, 1, "e"): (6, 12),
    }
    assert len(lines) == 10
    assert ("nodes", "z") not in lines
    assert ("schema", "z") not in lines


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("{a: b.out[-1]}", {"a": "b.out[-1]"}),
        ("{a: b[0], c: [d[1], e.f[-2]]}", {"a": "b[0]", "c": ["d[1]", "e.f[-2]"]}),
        ("{a: b.out[-1] }", {"a": "b.out[-1]"}),
        ("a: 'x, b[1], c'", {"a": "x, b[1], c"}),
        ('a: "{b[1]}"', {"a": "{b[1]}"}),
        ("a: |\n  {b[1]}\n", {"a": "{b[1]}\n"}),
        ("a: b[1], c[2]", {"a": "b[1], c[2]"}),
        ("[1]", [1]),
        ("{a: [1]}", {"a": [1]}),
        ("{a: b.out[-1]} # {c[2]}", {"a": "b.out[-1]"}),
    ],
)
def test_a_reference_to_a_level_may_stand_bare_in_braces(text: str, data: object) -> None:
    assert parse(text)[0] == data


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: &x 1", ["yaml-anchor"]),
        ("a: *x", ["yaml-alias"]),
        (
            "a: &x 1\nb: *x\nc: !!int 3\n<<: {}\na: 2\n1: 2",
            ["yaml-anchor", "yaml-alias", "yaml-tag", "yaml-merge-key", "duplicate-key", "yaml-key"],
        ),
        ("a: 1\n---\nb: 2", ["multiple-documents"]),
        ("# nothing", ["empty-file"]),
        ("a: 1\n  b: 2", ["yaml-syntax"]),
        ("a: \x07", ["yaml-syntax"]),
        ("a: \ud800", ["not-utf8"]),
        (b"a: \xe9", ["not-utf8"]),
        ("a: " + "9" * 601, ["huge-number"]),
        ("[" * (MAX_DEPTH + 1), ["too-deep"]),
        (b"#" * (MAX_BYTES + 1), ["too-large"]),
    ],
)
def test_anchors_aliases_tags_and_merge_keys_are_refused(text: bytes | str, problems: list[str]) -> None:
    assert codes(text) == problems


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: '&x'", {"a": "&x"}),
        ("'<<': 1", {"<<": 1}),
        ("a: <<", {"a": "<<"}),
        ("--- {a: 1}\n...\n", {"a": 1}),
        (b"\xef\xbb\xbfa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: " + "9" * 600, {"a": int("9" * 600)}),
        ("'1': 2", {"1": 2}),
    ],
)
def test_quoted_and_harmless_look_alikes_of_yaml_features_are_read(text: bytes | str, data: object) -> None:
    assert parse(text)[0] == data


def test_collections_may_be_64_deep() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert dump(parse(text)[0]).strip() == "- " * (MAX_DEPTH - 1) + "[]" or parse(dump(parse(text)[0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a: 1\nb: {c: 1, c: 2, d: {e: 1, e: 2}}",
            (
                "2 problems\n"
                "duplicate-key f.yaml:2:11 b.c\n"
                "    the key 'c' is here a second time; the first is on line 2: remove one\n"
                "duplicate-key f.yaml:2:27 b.d.e\n"
                "    the key 'e' is here a second time; the first is on line 2: remove one"
            ),
        ),
        (
            "a:\n  b: [1, 2\n",
            (
                "1 problem\n"
                "yaml-syntax f.yaml:3:1\n"
                "    the text is not YAML: did not find expected ',' or ']', "
                "while parsing a flow sequence that starts on line 2"
            ),
        ),
        (
            "a: !!python/name:os.system x",
            (
                "1 problem\n"
                "yaml-tag f.yaml:1:4 a\n"
                "    the tag '!!python/name:os.system' is not read: a graph file holds plain data only"
            ),
        ),
        (
            "a: x\x01",
            (
                "1 problem\n"
                "yaml-syntax f.yaml:1:5\n"
                '    the character U+0001 is not allowed in YAML: remove it, or write "\\x01" in double quotes'
            ),
        ),
        (
            b"a: 1\nb: caf\xe9",
            (
                "1 problem\nnot-utf8 f.yaml:2:7\n"
                "    the byte 0xe9 is not UTF-8 (as Latin-1 it is 'é'): save the file as UTF-8"
            ),
        ),
    ],
)
def test_problems_say_where_they_are_and_what_to_do(text: bytes | str, expected: str) -> None:
    with pytest.raises(GraphError) as caught:
        parse(text, "f.yaml")
    assert str(caught.value) == expected


PADDING = bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name: ü".encode("latin-1"), "0xfc is not UTF-8 (as Latin-1 it is 'ü'): save the file as UTF-8"),
        ("name: имя".encode("cp1251"), "is not UTF-8"),
        ("name: 名".encode("shift-jis"), "is not UTF-8"),
        ("name: ü".encode("utf-16"), "UTF-16: save it as UTF-8"),
        ("name: graph".encode("utf-16-le"), "UTF-16, without a byte order mark: save it as UTF-8"),
        ("name: graph".encode("utf-16-be"), "UTF-16, without a byte order mark: save it as UTF-8"),
        ("name: ü".encode("utf-32"), "UTF-32: save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n" + PADDING, "this is a PNG image; expected a graph file as text"),
        (b"PK\x03\x04" + PADDING, "this is a ZIP archive, as PyTorch checkpoints are"),
        (b"\x80\x04\x95" + PADDING, "this is a pickle"),
        ((40).to_bytes(8, "little") + b'{"w":{"dtype":"F32"}}' + PADDING, "this is a safetensors file"),
        (PADDING, "this is a binary file"),
    ],
)
def test_a_file_that_is_no_text_in_utf8_says_what_it_is(content: bytes, reason: str) -> None:
    with pytest.raises(GraphError) as caught:
        parse(content, "f.yaml")
    [problem] = caught.value.problems
    assert problem.code == "not-utf8" and reason in problem.message


@pytest.mark.parametrize("text", ["name: ü", "name: имя", "name: 名", "name: \U0001f989", "\ufeffname: x"])
def test_utf8_of_any_script_is_read(text: str) -> None:
    assert parse(text.encode(), "f.yaml")[0].keys() == {"name"}


def test_a_file_that_is_too_large_is_refused_with_its_size_and_the_limit() -> None:
    with pytest.raises(GraphError, match=r"too large: 20,971,520 bytes \(20 MB\).* at most 2,097,152 bytes \(2 MB\)"):
        parse(b"#" * (20 * 2**20))


def test_only_plain_data_is_written() -> None:
    with pytest.raises(TypeError, match="plain data expected, found object"):
        dump({"a": object()})
