"""Config files of OpenMMLab: what they say, what they inherit, and that nothing in them ever runs."""

import json
import os
import time
from pathlib import Path

import pytest

from composer import GraphError
from composer.openmmlab.config_file import read_config


@pytest.fixture
def files(tmp_path):
    """Writes files and gives the path of the first."""

    def write(*contents, **named):
        names = {"config.py": contents[0]} if contents else {}
        names |= {name.replace("__", "."): text for name, text in named.items()}
        for name, text in names.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / next(iter(names))

    return write


def value_of(path, name="x"):
    return read_config(path).data[name]


def problems_of(path):
    with pytest.raises(GraphError) as caught:
        read_config(path)
    return caught.value.problems


ACCEPTED = {
    "number": ("x = -1.5", -1.5),
    "arithmetic": ("x = 2 * 3 + 1 / 4 - 7 // 2 % 2", 5.25),
    "power": ("x = 2 ** -1", 0.5),
    "constants": ("x = [None, True, 'a' 'b']", [None, True, "ab"]),
    "tuple becomes list": ("x = (1, (2, 3))", [1, [2, 3]]),
    "dict call": ("x = dict(a=1, b=dict())", {"a": 1, "b": {}}),
    "dict of a dict": ("a = dict(p=1, q=2)\nx = dict(a, q=3)", {"p": 1, "q": 3}),
    "dict of pairs": ("x = dict([('a', 1)])", {"a": 1}),
    "unpacked call": ("a = dict(p=1)\nx = dict(**a, q=2)", {"p": 1, "q": 2}),
    "unpacked display": ("a = {'p': 1}\nx = {**a, 'p': 2}", {"p": 2}),
    "united": ("x = {'a': 1} | {'b': 2}", {"a": 1, "b": 2}),
    "numbers as keys": ("x = {6: 'a'}", {6: "a"}),
    "starred": ("a = [1, 2]\nx = [0, *a]", [0, 1, 2]),
    "joined": ("x = [1] + [2] * 2", [1, 2, 2]),
    "text": ("n = 3\nx = f'{n:02d} {n!r}' + '-' * 2", "03 3--"),
    "format": ("x = 'layers.{} {name}'.format(1, name='a')", "layers.1 a"),
    "literal braces": ("x = f'{{a}}'", "{a}"),
    "several targets": ("a = x = 1", 1),
    "unpacking": ("a, (b, x) = 1, (2, 3)", 3),
    "annotated": ("x: int = 1\ny: str", 1),
    "item": ("a = dict(m=[1, 2, 3])\nx = a['m'][-1]", 3),
    "slice": ("a = [1, 2, 3]\nx = a[::-1]", [3, 2, 1]),
    "set item": ("x = dict()\nx['a'] = [1]\nx['a'][0] = 2", {"a": [2]}),
    "augmented": ("x = [1]\nx += [2]\nx[0] *= 3", [3, 2]),
    "two names for one dict": ("a = dict()\nx = a\na.update(p=1)", {"p": 1}),
    "copied": ("import copy\na = [dict(p=1)]\nx = copy.deepcopy(a)\na[0]['p'] = 2", [{"p": 1}]),
    "copied by its own name": ("from copy import deepcopy as c\na = [1]\nx = c(a)\na.append(2)", [1]),
    "own update is flat": ("x = dict(a=dict(p=1))\nx.update(a=dict(q=2))", {"a": {"q": 2}}),
    "merge is deep": ("x = dict(a=dict(p=1))\nx.merge(dict(a=dict(q=2)))", {"a": {"p": 1, "q": 2}}),
    "list methods": ("x = [1]\nx.append(3)\nx.extend([4])\nx.insert(1, 2)\nx.pop()", [1, 2, 3]),
    "dict methods": ("a = dict(p=1, q=2)\na.pop('p')\nx = [a.get('r', 0), *a.keys(), *a.values()]", [0, "q", 2]),
    "deleted": ("a = dict(p=1, q=2)\ndel a['p']\nx = a\ndel a", {"q": 2}),
    "condition": ("a = False\nx = 1 if not a else 2", 1),
    "branch": ("a = 3\nif a > 2 and a != 4:\n    x = 'big'\nelse:\n    x = open('f')", "big"),
    "chained comparison": ("x = 1 < 2 < 2", False),
    "membership": ("x = [1 in [1], 2 not in (1,), None is None]", [True, True, True]),
    "functions": ("x = [round(1.6), int(3.9), len('ab'), max(1, 2), sum([1, 2])]", [2, 3, 2, 2, 3]),
    "infinity": ("x = float('-inf') < 0", True),
    "comprehension": ("x = [round(i) for i in (0.6, 1.2) if i > 1]", [1]),
    "nested comprehension": (
        "x = {f'{i}.{j}': i * j for i, d in enumerate([1, 2]) for j in range(d)}",
        {"0.0": 0, "1.0": 0, "1.1": 1},
    ),
    "comprehension in a call": ("x = tuple(i for i in range(2))", [0, 1]),
    "names of classes": ("from torch.nn import GELU as Act\nx = dict(type=Act)", {"type": "GELU"}),
    "names in modules": ("import torch.nn as nn\nx = dict(type=nn.GELU)", {"type": "GELU"}),
    "environment": ("x = ['{{ $ANY_NAME:data }}/a', {{'$ANY_NUMBER:80'}}, {{$ANY_BARE:5}}]", ["data/a", 80, 5]),
    "name of the file": (
        "x = '{{ fileBasename }} {{fileBasenameNoExtension}} {{fileExtname}}'",
        "config.py config .py",
    ),
    "docstring": ("'''About.'''\nx = 1\n'''More.'''\npass", 1),
    "main block": ("x = 1\nif __name__ == '__main__':\n    import os\n    os.remove('f')", 1),
    "windows": ("\ufeffx = 1\r\ny = 2\r\n", 1),
}


@pytest.mark.parametrize(("source", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_literals_and_plain_expressions_are_read(files, source, expected):
    found = value_of(files(source))
    assert found == expected and type(found) is type(expected)


REFUSED = {
    "a call": ("x = open('f')", 1, 5, "open()"),
    "a method of a call": ("x = open('f').read()", 1, 5, "open()"),
    "an import by name": ("__import__('os').system('true')", 1, 1, "__import__()"),
    "an imported function": ("import os\n\nx = [1,\n     os.getcwd()]", 4, 6, "os.getcwd()"),
    "an imported class": ("from torch.nn import GELU\nx = GELU()", 2, 5, "GELU()"),
    "eval": ("x = eval('1')", 1, 5, "eval()"),
    "a lambda": ("x = lambda: 1", 1, 5, "lambda"),
    "a function": ("y = 1\ndef f():\n    return 1", 2, 1, "'def'"),
    "a class": ("class A: pass", 1, 1, "'class'"),
    "a loop": ("for i in [1]:\n    x = i", 1, 1, "'for'"),
    "an endless loop": ("while True: pass", 1, 1, "'while'"),
    "try": ("try:\n    x = 1\nexcept E:\n    x = 2", 1, 1, "'try'"),
    "a file opened": ("with open('f') as f:\n    pass", 1, 1, "'with'"),
    "assert": ("assert False", 1, 1, "'assert'"),
    "an unknown name": ("x = [1, y]", 1, 9, "y is not defined"),
    "a misspelt key": ("a = dict(mean=1)\nx = a['maen']", 2, 5, "did you mean 'mean'"),
    "an index beyond the end": ("x = [1][3]", 1, 5, "index out of range"),
    "classes of values": ("x = ().__class__", 1, 5, "no __class__"),
    "attributes in a format": ("x = '{0.__class__}'.format(1)", 1, 5, "__class__"),
    "a set": ("x = {1, 2}", 1, 5, "write a list"),
    "bytes": ("x = b'1'", 1, 5, "bytes"),
    "a complex number": ("x = 1j", 1, 5, "complex"),
    "an assignment inside": ("x = [(y := 1)]", 1, 7, "assignment"),
    "division by zero": ("x = 1 / 0", 1, 5, "division by zero"),
    "operands that do not fit": ("x = 1 + 'a'", 1, 5, "int and str"),
    "bits": ("x = 1 << 2", 1, 5, "operator"),
    "arguments that do not fit": ("x = len(1, 2)", 1, 5, "len()"),
    "a star import": ("from torch.nn import *", 1, 1, "read_base"),
    "a neighbour imported": ("from .other import x", 1, 1, "read_base"),
    "the process": ("import os\nos.environ['A'] = '1'", 2, 1, "Imported"),
    "a variable without default": ("x = '{{ $ANY_NAME: }}'", 1, 5, "ANY_NAME"),
    "after a wide character": ("x = ['ü', y]", 1, 11, "y is not defined"),
    "a base that is no path": ("_base_ = 3", 1, 1, "_base_ is a path"),
}


@pytest.mark.parametrize(("source", "line", "column", "text"), REFUSED.values(), ids=REFUSED)
def test_code_in_a_config_is_refused_with_line_and_column(files, source, line, column, text):
    path = files(source)
    (problem,) = problems_of(path)
    assert problem.code == "config-not-data"
    assert (problem.where.file, problem.where.line, problem.where.column) == (str(path), line, column)
    message, shown = problem.message.split("\n")
    assert text in message
    assert shown.strip() == source.splitlines()[line - 1].strip()


def test_all_refusals_are_reported_at_once_and_each_once(files):
    source = "a = open('f')\nb = a + 1\nc = dict(p=b, q=eval('1'), r=[exec('2')])\ndef f(): pass\nd = f\ne = c['p']\n"
    found = problems_of(files(source))
    assert [problem.where.line for problem in found] == [1, 3, 3, 4]


def test_refusals_in_bases_and_in_the_file_are_reported_together(files):
    path = files("_base_ = ['base.py', 'none.py']\nx = _base_.y\nz = eval('1')", base__py="y = eval('1')\n")
    assert [(problem.code, Path(problem.where.file).name, problem.where.line) for problem in problems_of(path)] == [
        ("config-not-data", "base.py", 1),
        ("no-file", "config.py", 1),
        ("config-not-data", "config.py", 3),
    ]


def test_code_in_a_config_is_never_executed(files, tmp_path):
    mark = tmp_path / "ran"
    source = f"import pathlib\nx = pathlib.Path({str(mark)!r}).touch()\n__import__('os').mkdir({str(mark)!r})\n"
    problems_of(files(source + f"if True:\n    open({str(mark)!r}, 'w')\n"))
    assert not mark.exists()


def test_the_environment_is_not_read(files, monkeypatch):
    monkeypatch.setenv("COMPOSER_TEST", "secret")
    found = read_config(files("x = '{{ $COMPOSER_TEST:default }}'"))
    assert found.data["x"] == "default"
    assert [note.code for note in found.notes] == ["config-environment"]


INHERITED = {
    "dicts are merged": ("x = dict(a=1, b=dict(c=2))", "x = dict(b=dict(d=3))", {"a": 1, "b": {"c": 2, "d": 3}}),
    "lists are replaced": ("x = dict(a=[1, 2])", "x = dict(a=[3])", {"a": [3]}),
    "what is not named stays": ("x = 1\ny = 2", "y = 3", 1),
    "deleted first": ("x = dict(a=1)", "x = dict(_delete_=True, b=2)", {"b": 2}),
    "deleted inside": ("x = dict(a=dict(p=1), b=2)", "x = dict(a=dict(_delete_=True))", {"a": {}, "b": 2}),
    "deleting nothing": ("y = 1", "x = dict(_delete_=True, a=1)", {"a": 1}),
    "a dict takes the place of None": ("x = dict(a=None)", "x = dict(a=dict(_delete_=True, b=1))", {"a": {"b": 1}}),
    "attributes": ("y = dict(a=[1, dict(b=2)])", "x = _base_.y.a[1].b", 2),
    "items": ("y = dict(a=1)", "x = _base_['y']['a']", 1),
    "braces": ("y = dict(a=1)", "x = dict(z={{_base_.y.a}})", {"z": 1}),
    "quoted braces": ("y = [1]", "x = '{{ _base_.y }}'", [1]),
    "braces in a text": ("y = 5", "x = 'lr-{{_base_.y}}'", "lr-5"),
    "the base is changed": ("x = dict(a=[1, 2])", "_base_.x.a[0] = 3", {"a": [3, 2]}),
    "the base is cut": ("x = dict(a=1)\ny = 1", "del _base_.x.a", {}),
    "a base's update is deep": (
        "y = dict(a=dict(p=1))",
        "x = _base_.y\nx.update(a=dict(q=2))",
        {"a": {"p": 1, "q": 2}},
    ),
}


@pytest.mark.parametrize(("base", "source", "expected"), INHERITED.values(), ids=INHERITED)
def test_bases_are_inherited_as_mmengine_does(files, base, source, expected):
    assert value_of(files(f"_base_ = './base.py'\n{source}", base__py=base)) == expected


def test_bases_may_lie_in_any_folder_and_format(tmp_path):
    texts = {
        "top/config.py": "_base_ = ['../mid/a.py', f'./{1 + 1}.json']\nx = dict(top=1)",
        "mid/a.py": "_base_ = ['../b.yaml']\nx = dict(mid='{{fileBasename}}')",
        "b.yaml": "x: {low: 1e-3, low_too: no}\nlist: [1]\n",
        "top/2.json": '{"y": {"z": [1, null]}, "_base_": []}',
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = read_config(tmp_path / "top/config.py")
    assert found.data == {
        "list": [1],
        "x": {"low": 0.001, "low_too": "no", "mid": "a.py", "top": 1},
        "y": {"z": [1, None]},
    }
    assert [os.path.relpath(path, tmp_path) for path in found.files] == [
        "top/config.py",
        "mid/a.py",
        "b.yaml",
        "top/2.json",
    ]


@pytest.mark.parametrize("name", ["config.yaml", "config.yml", "config.json"])
def test_yaml_and_json_inherit_too(files, tmp_path, name):
    files(base__py="item = dict(a=[1, 2])\nx = dict(p=1)")
    text = '{"_base_": "base.py", "x": {"q": {{ _base_.item.a }}, "r": "{{ fileBasename }}", "s": "{{_base_.item}}"}}'
    (tmp_path / name).write_text(text)
    assert value_of(tmp_path / name) == {"p": 1, "q": [1, 2], "r": name, "s": {"a": [1, 2]}}


def test_a_symbolic_link_is_a_file(files, tmp_path):
    files(real__py="x = 1")
    (tmp_path / "config.py").symlink_to("real.py")
    assert value_of(tmp_path / "config.py") == 1


NOT_INHERITED = {
    "a missing base": ("_base_ = 'none.py'", "no-file", 1, "none.py"),
    "a dict over a list": ("_base_ = 'base.py'\n\nitems = dict(a=1)", "config-merge", 3, "_delete_=True"),
    "a dict over a list inside": ("_base_ = 'base.py'\nx = dict(p=dict(q=1))", "config-merge", 2, "x.p is a dict"),
    "a key in two bases": ("_base_ = ['base.py', 'twin.py']", "config-duplicate-key", 1, "items stands in more"),
    "a file of a package": ("_base_ = 'mmdet::a/b.py'", "config-elsewhere", 1, "copy the file"),
    "a strange format": ("_base_ = 'base.toml'", "config-format", 1, "base.toml"),
    "an unknown name of a base": ("_base_ = 'base.py'\nx = {{_base_.itms}}", "config-not-data", 2, "'items'"),
    "itself": ("_base_ = 'config.py'", "config-cycle", 1, "inherits from itself"),
}


@pytest.mark.parametrize(("source", "code", "line", "text"), NOT_INHERITED.values(), ids=NOT_INHERITED)
def test_a_base_that_does_not_fit_is_refused(files, source, code, line, text):
    path = files(source, base__py="items = [1]\nx = dict(p=[1])", twin__py="items = [1]")
    (problem,) = problems_of(path)
    assert (problem.code, problem.where.file, problem.where.line) == (code, str(path), line)
    assert text in problem.message


def test_a_cycle_of_bases_is_reported_with_its_files(files):
    path = files("_base_ = 'a.py'", a__py="_base_ = 'b.py'", b__py="_base_ = 'a.py'")
    (problem,) = problems_of(path)
    assert problem.code == "config-cycle" and problem.where.file.endswith("b.py")
    assert problem.message.count("a.py") == 2 and "config.py" not in problem.message


NEW_STYLE = """
from mmengine.config import read_base

with read_base():
    from .._base_.model import *
    from .._base_.model import model as other
    from .._base_.schedule import lr

from mmpretrain.models import LabelSmoothLoss

model.update(backbone=dict(depth=50))
model.head.loss = dict(type=LabelSmoothLoss)
other.merge(dict(backbone=dict(_delete_=True, type=ResNet)))
"""


def test_configs_in_the_new_style_are_read(files):
    model = "model = dict(type='A', backbone=dict(type=ResNet, depth=18), head=dict(type=LinearClsHead))"
    model = f"from mmpretrain.models import ResNet, LinearClsHead\n{model}"
    path = files(**{"a/config.py": NEW_STYLE, "_base_/model.py": model, "_base_/schedule.py": "lr = 1\nunused = 2"})
    assert read_config(path).data == {
        "model": {
            "type": "A",
            "backbone": {"type": "mmpretrain.ResNet", "depth": 50},
            "head": {"type": "mmpretrain.LinearClsHead", "loss": {"type": "mmpretrain.LabelSmoothLoss"}},
        },
        "other": {"type": "A", "backbone": {"type": "mmpretrain.ResNet"}, "head": {"type": "mmpretrain.LinearClsHead"}},
        "lr": 1,
    }


MODEL = "model = dict(type='A', backbone=dict(type='ResNet', depth=18, style=dict(a=1)), neck=None)\nnums = [1]\n"
UNDER_READ_BASE = {
    "update is deep": ("model.update(dict(backbone=dict(depth=50)))", {"depth": 50, "style": {"a": 1}}),
    "update by names is deep": ("model.update(backbone=dict(style=dict(b=2)))", {"style": {"a": 1, "b": 2}}),
    "an attribute is replaced": ("model.backbone = dict(type='B')", {"type": "B", "depth": None, "style": None}),
    "an item is changed": ("model['backbone']['depth'] = 34", {"depth": 34}),
    "merge is deep": ("model.merge(dict(backbone=dict(_delete_=True, type='B')))", {"type": "B", "depth": None}),
    "a copy is a model of its own": ("import copy\nb = copy.deepcopy(model)\nb.backbone.depth = 1", {"depth": 18}),
    "a new dict takes its place": ("model = dict(type='C', backbone=dict(type='B'))", {"type": "B", "depth": None}),
    "a new dict with the old parts": ("model = dict(**model, b=1)\nmodel.backbone.depth = 1", {"depth": 1}),
    "without a type, and then with one": ("model = dict(backbone=dict(x=1))\nmodel.update(type='A')", {"x": 1}),
    "a name that nothing reads": ("nums = dict(a=1)", {"depth": 18}),
}


@pytest.mark.parametrize(("source", "expected"), UNDER_READ_BASE.values(), ids=UNDER_READ_BASE)
def test_names_from_read_base_are_plain_names_as_in_mmengine(files, source, expected):
    found = value_of(files(f"with read_base():\n    from .base import *\n{source}\n", base__py=MODEL), "model")
    assert {key: found["backbone"].get(key) for key in expected} == expected


@pytest.mark.parametrize("imported", ["*", "model", "nums, model"])
def test_a_model_without_a_type_in_the_place_of_a_bases_is_refused_with_its_line(files, imported):
    source = f"with read_base():\n    from .base import {imported}\n\nmodel = dict(\n    backbone=dict(depth=50))\n"
    path = files(source, base__py=MODEL)
    (problem,) = problems_of(path)
    assert (problem.code, problem.where.file, problem.where.line) == ("config-replaced-model", str(path), 4)
    assert "model.update(dict(...))" in problem.message


def test_a_module_under_read_base_may_be_named_from_its_package(files):
    source = "with read_base():\n    from pack.configs.base import x"
    assert value_of(files(**{"pack/configs/sub/config.py": source, "pack/configs/base.py": "x = 1"})) == 1


def test_a_module_under_read_base_must_be_there(files):
    (problem,) = problems_of(files("with read_base():\n    from .none import *"))
    assert (problem.where.line, problem.code) == (1, "config-not-data") and ".none" in problem.message


BOMBS = {
    "a long list": "a = [0] * 10 ** 12",
    "a long text": "a = 'a' * 10 ** 12",
    "a huge power": "a = 10 ** 10 ** 10",
    "powers of powers": "a = (2 ** 100) ** 100",
    "lists of lists": "a = [0] * 1000\nb = [a] * 1000\nc = [b] * 1000",
    "names that double": "a0 = [0, 0]\n" + "\n".join(f"a{i + 1} = [a{i}, a{i}]" for i in range(60)),
    "dicts that double": "a0 = dict(x=1)\n" + "\n".join(f"a{i + 1} = dict(x=a{i}, y=a{i})" for i in range(60)),
    "a text that doubles": "a = 'x'\n" + "a += a\n" * 60,
    "a list that doubles": "a = [0]\n" + "a += a\n" * 60,
    "long texts many times": "a = 'x' * 200000\nb = [a] * 100000",
    "a list in itself": "a = []\na.append(a)",
    "a dict in itself": "a = {}\na['a'] = a\nb = str(a)",
    "equal but large": "a = [0] * 1000\nb = [a] * 1000\nc = [b[:]] * 1000\nd = [b] * 1000 == c",
    "a large text of a list": "a = [0] * 1000\nb = [a] * 1000\nc = f'{b}'",
    "a wide format": "a = f'{1:>1000000000}'",
    "a wide format by name": "a = '{:>1000000000}'.format(1)",
    "a percent format": "a = '%1000000000d' % 1",
    "a long range": "a = list(range(10 ** 12))",
    "rounds of rounds": "a = [0 for x in range(500) for y in range(500) for z in range(500)]",
    "digits of a rounding": "a = round(1, -10 ** 9)",
    "many digits": "a = int('9' * 4000)",
    "too many digits": "a = " + "9" * 5000,
    "deep brackets": "a = " + "[" * 5000 + "]" * 5000,
    "deep lists": "a = " + "[" * 150 + "]" * 150,
    "a long sum": "a = " + "1 + " * 20000 + "1",
    "many signs": "a = " + "-" * 100000 + "1",
    "a long chain": "a = b" + ".c" * 50000,
    "joined texts": "a = 'x'.join(['y' * 10000] * 10000)",
    "a big file": "a = [" + "0," * 200000 + "]",
    "a null in a path": "_base_ = '\\0.py'",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_values_that_grow_without_bound_are_refused_within_seconds(files, source):
    path = files(source)
    start = time.perf_counter()
    (problem,) = problems_of(path)
    assert time.perf_counter() - start < 10
    assert problem.where.file == str(path) and len(problem.message) < 600


def test_bases_that_branch_without_end_are_read_once_each(files):
    names = {f"c{i}.py": f"_base_ = ['c{i + 1}.py', './c{i + 1}.py']" for i in range(25)}
    assert read_config(files(**names, **{"c25.py": ""})).data == {}


def test_bases_of_bases_have_an_end(files):
    names = {f"c{i}.py": f"_base_ = 'c{i + 1}.py'" for i in range(100)}
    assert problems_of(files(**names))[-1].code == "config-too-large"


def test_only_so_many_problems_are_reported(files):
    assert len(problems_of(files("open('f')\n" * 1000))) == 100


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.py", b"x = (1,"),
        ("config.py", b"x = 1\n  y = 2"),
        ("config.py", b"x = '\xff'"),
        ("config.py", b"x = '\0'"),
        ("config.json", b"{,}"),
        ("config.json", b"[1]"),
        ("config.json", b"[" * 100000),
        ("config.json", b'{"_base_": 3}'),
        ("config.yaml", b"a: &x [1]\nb: *x\n"),
        ("config.yaml", b"a: !!python/object/apply:os.getcwd []\n"),
        ("config.toml", b""),
    ],
)
def test_a_text_that_is_no_config_is_refused_with_its_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert all(problem.where.file == str(path) for problem in problems_of(path))


def test_a_file_that_is_not_there_is_reported(tmp_path):
    (problem,) = problems_of(tmp_path / "none.py")
    assert problem.code == "no-file"


def test_custom_imports_are_reported_and_never_imported(files):
    found = read_config(files("custom_imports = dict(\n    imports=['no.such_module'], allow_failed_imports=False)"))
    (note,) = found.notes
    assert (note.code, note.severity, note.where.line) == ("config-custom-imports", "warning", 1)
    assert "no.such_module" in note.message


def test_an_imported_value_in_the_model_is_reported(files):
    source = "from lab import CLASSES, ResNet\nmodel = dict(type='A', backbone=dict(type=ResNet), num_classes=CLASSES)"
    found = read_config(files(source))
    assert found.model == {"type": "A", "backbone": {"type": "lab.ResNet"}, "num_classes": "lab.CLASSES"}
    (note,) = found.notes
    assert (note.code, note.where.subject) == ("config-imported-value", "model.num_classes")


def test_a_deprecated_base_is_reported(files):
    found = read_config(files("_base_ = 'base.py'", base__py="_deprecation_ = dict(expected='new.py')\nx = 1"))
    assert found.data == {"x": 1} and [note.code for note in found.notes] == ["config-deprecated"]


@pytest.mark.parametrize(
    ("source", "package"),
    [
        ("default_scope = 'mmdet'", "mmdet"),
        ("default_scope = 'mmcls'", "mmpretrain"),
        ("default_scope = 'mmselfsup'\nmodel = dict(type='mmcls.ImageClassifier')", "mmpretrain"),
        ("from mmselfsup.models import MAE\nmodel = dict(type=MAE)", "mmselfsup"),
        ("default_scope = 'mmseg'", None),
        ("model = dict(type='MAE')", None),
    ],
)
def test_the_package_is_read_from_the_config(files, source, package):
    assert read_config(files(source)).package == package


def test_a_config_without_a_model_is_refused_with_its_keys(files):
    with pytest.raises(GraphError, match=r"config-no-model[\s\S]*did you mean 'modle'"):
        read_config(files("modle = dict(type='A')\nother = 1")).model  # noqa: B018


def test_a_data_preprocessor_beside_the_model_is_used_unless_the_model_has_one(files):
    source = "data_preprocessor = dict(mean=[1.0])\nmodel = dict(type='A')"
    assert read_config(files(source)).model == {"type": "A", "data_preprocessor": {"mean": [1.0]}}
    own = "\nmodel['data_preprocessor'] = dict(mean=[2.0])"
    assert read_config(files(source + own)).model["data_preprocessor"] == {"mean": [2.0]}


def test_the_values_of_a_config_are_json(files):
    found = read_config(files("import torch\nx = dict(a=(1, 2.5), b=torch.nn.ReLU, c=None, d='ü')"))
    assert json.loads(json.dumps(found.data)) == found.data
