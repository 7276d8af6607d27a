"""A model as one Python file that needs torch alone: what ``composer export --to python`` writes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from textwrap import indent, wrap

from torch import nn

from composer.export.standalone.forward import named_inputs, sample_fields
from composer.export.standalone.layout import INDENT, WIDTH, literal
from composer.export.standalone.modules import Imported, SourceError
from composer.export.standalone.parts import build_lines, part_classes
from composer.export.standalone.slice import Slice, Slicer
from composer.graph import Graph
from composer.model import Model
from composer.model.emit import function_name
from composer.model.momentum import PROGRESS, momentum_copy, momentum_update, scheduled_decay
from composer.problems import GraphError, Problem, Where

__all__ = ["Standalone", "standalone_source"]

_OUTSIDE = {
    "torch": Imported("torch"),
    "nn": Imported("torch", "nn"),
    "Any": Imported("typing", "Any"),
}


@dataclass(frozen=True)
class Standalone:
    """A model as Python source.

    Args:
        text: The source of the file.
        class_name: The class in it that is the model.
        packages: What it imports beside torch and the standard library.
    """

    text: str
    class_name: str
    packages: tuple[str, ...]


def standalone_source(model: Model) -> Standalone:
    """The source of a model without composer: its components' classes, and one class that is the graph.

    The class takes no arguments, has the same names in its state dict, the same modes, and in each the same generated
    forward. Port types become plain tensors, bounds of parameters plain types.

    Args:
        model: A compiled model.

    Raises:
        GraphError: The source of a component cannot be taken out of its file.
    """
    try:
        return _Writer(model).write()
    except SourceError as error:
        name = model.graph.name or "graph"
        raise GraphError(Problem("export-source", Where(name), f"no stand-alone file: {error}")) from error


class _Writer:
    """Writes one file."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.graph = model.graph
        self.modes = {mode: model.signatures[mode] for mode in model.code}
        self.classes = dict.fromkeys(part_classes(model).values())
        self.title = _plain(self.graph.name) or "without a name"
        self.fields = any(signature.fields for signature in self.modes.values())

    def write(self) -> Standalone:
        slicer = Slicer(cls.__module__.split(".")[0] for cls in self.classes)
        fixed = {name: self._take_import(slicer, name, thing) for name, thing in _OUTSIDE.items()}
        things = {cls: slicer.add(cls, cls.__name__) for cls in self.classes}
        functions = [named_inputs, *([sample_fields] if self.fields else [])]
        functions += [momentum_copy, momentum_update] if self.model.copies else []
        functions += [scheduled_decay] if PROGRESS in self.model._buffers else []
        taken = [slicer.add(function, function.__name__) for function in functions]
        found = slicer.write([*fixed.values(), *taken, *things.values()])
        name = self._class_name(found)
        names = {cls: found.names[thing] for cls, thing in things.items()}
        lines = "\n".join(self._model(name, names))
        text = f"{self._header(name)}\n{found.imports}\n\n{found.definitions.lstrip()}\n\n# The graph\n\n\n{lines}\n"
        return Standalone(text, name, found.packages)

    def _take_import(self, slicer: Slicer, name: str, thing: Imported) -> Imported:
        slicer.add_import(thing, name)
        return thing

    def _class_name(self, found: Slice) -> str:
        """The graph's name in the style of a class: ``moco_v2`` gives ``MocoV2``."""
        parts = re.findall(r"[a-zA-Z0-9]+", self.graph.name)
        name = "".join(part[0].upper() + part[1:] for part in parts)
        name = name if name[:1].isalpha() else f"Model{name}"
        while name in found.names.values():
            name += "Model"
        return name

    def _header(self, name: str) -> str:
        paragraphs = [
            *self._about(WIDTH - 6),
            f"Written by composer {_version()} from the graph {self.title}; it needs torch and nothing of composer. "
            "Classes and functions that come from composer's own components are under the Apache License 2.0 "
            "(https://www.apache.org/licenses/LICENSE-2.0), others under that of their authors.",
            "Weights that composer saved load into it by name::",
        ]
        wrapped = [_wrapped(text, "") for text in paragraphs]
        code = (
            "    from safetensors.torch import load_file\n\n"
            f"    model = {name}()\n"
            '    model.load_state_dict(load_file("weights.safetensors"))'
        )
        return '"""' + "\n\n".join([*wrapped, code]) + '\n"""\n'

    def _about(self, width: int) -> list[str]:
        """What the graph is, in one line, or in one line and a paragraph."""
        title = f"The graph {self.title}."
        about = _plain(self.graph.about) or title
        about = about if about.endswith(".") else f"{about}."
        return [about] if len(about) <= width else [title, about]

    def _model(self, name: str, names: Mapping[type[nn.Module], str]) -> Iterator[str]:
        yield f"class {name}(nn.Module):"
        about = [_wrapped(text, INDENT) for text in self._about(WIDTH - 10)]
        yield f'{INDENT}"""' + f"\n\n{INDENT}".join(about) + ('"""' if len(about) == 1 else f'\n{INDENT}"""')
        yield f"\n{INDENT}def __init__(self) -> None:\n{INDENT * 2}super().__init__()"
        yield from build_lines(self.model, names)
        yield ""
        yield from self._forward()
        for text in self.model.code.values():
            yield "\n" + indent(text.rstrip(), INDENT)
        yield from self._train(name)

    def _forward(self) -> Iterator[str]:
        body = INDENT * 2
        modes = ", ".join(f"``{mode}``" for mode in self.modes)
        taken = 'self, inputs: Any, data_samples: Any = None, mode: str = "tensor"'
        yield f"{INDENT}def forward({taken}) -> dict[str, Any]:"
        yield f'{body}"""Run one mode: {modes}.'
        yield f"\n{body}Args:"
        yield f"{body}{INDENT}inputs: {_inputs_text(self.graph)}"
        yield f"{body}{INDENT}data_samples: {_fields_text(self.graph)}"
        yield f"{body}{INDENT}mode: What to compute.\n{body}" + '"""'
        yield f"{body}given = named_inputs(inputs, {literal(list(self.graph.inputs))})"
        for mode, signature in self.modes.items():
            yield f'{body}if mode == "{mode}":'
            arguments = [f'given["{name}"]' for name in signature.inputs]
            if signature.fields:
                arguments.append("*fields")
                yield f"{body}{INDENT}fields = {self._fields(mode)}"
            yield f"{body}{INDENT}return self.{function_name(mode)}({', '.join(arguments)})"
        yield f'{body}raise ValueError(f"mode is {{mode!r}}, expected one of {", ".join(self.modes)}")'

    def _fields(self, mode: str) -> str:
        signature = self.modes[mode]
        lists = sorted(signature.lists & {*signature.fields})
        given = ["data_samples", literal(list(signature.fields))]
        given += [f"lists={literal(lists)}"] if lists else []
        given += [f'device=given["{signature.inputs[0]}"].device'] if signature.inputs else []
        return f"sample_fields({', '.join(given)})"

    def _train(self, name: str) -> Iterator[str]:
        if not self.model.frozen_paths:
            return
        parts = ", ".join(f"self.{path}" for path in self.model.frozen_paths)
        body = INDENT * 2
        yield f'\n{INDENT}def train(self, mode: bool = True) -> "{name}":'
        yield f'{body}"""Set training mode; frozen parts stay as they are."""'
        yield f"{body}super().train(mode)\n{body}for part in [{parts}]:\n{body}{INDENT}part.eval()\n{body}return self"


def _inputs_text(graph: Graph) -> str:
    names = ", ".join(graph.inputs)
    if len(graph.inputs) == 1:
        return f"A tensor ({names}), or a mapping by that name."
    return f"A sequence in the order {names}, or a mapping by these names."


def _fields_text(graph: Graph) -> str:
    if not graph.data_samples:
        return "Not used."
    return f"A mapping with {', '.join(graph.data_samples)}, or a list with one a sample; only some modes need it."


def _wrapped(text: str, margin: str) -> str:
    return f"\n{margin}".join(wrap(text, WIDTH - len(margin), break_long_words=False, break_on_hyphens=False))


def _plain(text: str) -> str:
    """A text on one line that can stand in a docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _version() -> str:
    try:
        return version("graph-composer")
    except PackageNotFoundError:
        return "(development)"
