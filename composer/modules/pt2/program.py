"""The program of a ``.pt2`` file: operations of ATen by name, run one by one from a list of those that are known."""

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from composer.modules.functions import RULES
from composer.modules.layers import DROP_PATHS
from composer.modules.pt2.archive import DTYPES, Archive, RefusedError
from composer.modules.tape import Call, ModuleCall, Tape, V
from composer.problems import some_of

__all__ = ["Program", "Run"]

MAX_NODES = 50_000
MAX_NUMBERS = 2**31
"""Numbers in one tensor that is made while a program runs."""

MAX_ALL = 2**34
"""Numbers in all tensors together that are made while a program runs."""

MAX_PARTS = 4_096
MAX_CONSTANT = 2**26

_PREFIX = "torch.ops.aten."

_FACTORIES = frozenset(
    {"arange", "empty", "full", "linspace", "ones", "scalar_tensor", "zeros", "eye", "empty_like", "full_like",
     "new_empty", "new_full", "new_ones", "new_zeros", "ones_like", "zeros_like", "tril_indices", "triu_indices"}
)  # fmt: skip
"""Operations that take no numbers from a tensor."""

_ON_CONSTANTS = frozenset(
    {"bitwise_and", "bitwise_not", "bitwise_or", "cumsum", "floor_divide", "logical_and", "logical_or", "meshgrid",
     "remainder", "sort", "tril", "triu", "index_put", "copy", "fill", "slice_scatter", "select_scatter", "argsort",
     "repeat_interleave", "outer", "nonzero_numpy", "ge", "gt", "le", "lt", "eq", "ne", "fmod", "trunc", "zero",
     "_log_softmax", "_softmax", "_unsafe_index", "asin", "acos", "atan2", "cartesian_prod", "bernoulli", "div",
     "affine_grid_generator", "native_layer_norm", "native_group_norm",
     "_native_batch_norm_legit_no_training", "convolution", "floor"}
)  # fmt: skip
"""Operations that have no part, and are known to run nothing but arithmetic."""

_SIZED_BY_NUMBERS = ("index", "repeat_interleave")
"""Operations that may make as much as the numbers of a tensor say."""

ATTENTION = "torch.nn.MultiheadAttention"
"""The operation that stands for all of a module of attention."""

DROP_PATH = "DropPath"
"""The operation that stands for all of a module that leaves a branch out at random: in evaluation it does nothing."""

_AT_RANDOM = re.compile("drop|stochastic", re.IGNORECASE)
"""Names of modules that may act in training alone."""

_QUESTIONS = ("sym_size", "sym_numel", "sym_stride")
_ASSERTIONS = ("_assert", "sym_constrain", "_guards")

_NUMBERS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "floordiv": operator.floordiv, "mod": operator.mod,
    "truediv": operator.truediv, "neg": operator.neg, "eq": operator.eq, "ne": operator.ne, "lt": operator.lt,
    "le": operator.le, "gt": operator.gt, "ge": operator.ge, "and_": operator.and_, "or_": operator.or_,
    "not_": operator.not_, "pow": pow, "sym_min": min, "sym_max": max, "sym_float": float, "sym_int": int, "sym_not":
    operator.not_, "trunc": math.trunc, "ceil": math.ceil, "floor": math.floor,
}  # fmt: skip
"""What may be done with sizes."""


@dataclass(frozen=True)
class _Node:
    """An operation.

    Args:
        target: Its name in full.
        name: The function in one word.
        overload: Which one of that name; empty for what is no operation of ATen.
        args: Arguments by place, as the file has them.
        kwargs: Arguments by name.
        outs: Names of what it makes; a list for an operation that makes a list of tensors.
        stack: Modules around it: (key, path, class).
    """

    target: str
    name: str
    overload: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outs: Any
    stack: tuple[tuple[str, str, str], ...]


@dataclass
class Run:
    """What a run of a program made.

    Args:
        tape: The recording.
        outputs: The outputs by name.
        sizes: Sizes of all tensors that are still held, by their names in the file.
    """

    tape: Tape
    outputs: dict[str, Tensor]
    sizes: dict[str, tuple[int, ...]]


class Program:
    """The program of an archive.

    Args:
        archive: The archive.

    Attributes:
        inputs: For each input its name, sizes (None where one is free) and number format.
        title: Class of the module that was exported.
        lost: What acts in training alone and left no trace, since the program was exported in evaluation.
        batch: Size of the batch in the file; None where the inputs have no first axis in common.
        free: Whether the size of the batch is free in the file.

    Raises:
        RefusedError: It is damaged, or something in it is not known here.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        module = _mapping(archive.program.get("graph_module"), "graph_module")
        graph = _mapping(module.get("graph"), "graph")
        signature = _mapping(module.get("signature"), "signature")
        major = _mapping(archive.program.get("schema_version"), "schema_version").get("major")
        if major != 8:
            raise RefusedError(f"its schema has the version {major!r:.20}, 8 is known here (torch 2.5 to 2.14)")
        nodes = _sequence(graph.get("nodes"), "nodes")
        if len(nodes) > MAX_NODES:
            raise RefusedError(f"it has {len(nodes):,} operations: at most {MAX_NODES:,} are read")
        self.values = _mapping(graph.get("tensor_values"), "tensor_values")
        self.symbols = _mapping(graph.get("sym_int_values", {}), "sym_int_values")
        self.weights: dict[str, tuple[str, str]] = {}
        self.given: list[str] = []
        self.inputs: dict[str, tuple[tuple[int | None, ...], torch.dtype]] = {}
        self._read_inputs(_sequence(signature.get("input_specs"), "input_specs"))
        self.results = self._read_outputs(_sequence(signature.get("output_specs"), "output_specs"))
        self.result_names = _output_names(module, len(self.results))
        self.nodes = [_read_node(_mapping(item, "a node")) for item in nodes]
        self.layers: list[_Node] = []
        firsts = [(shape[0] if shape else 0) for shape, _ in self.inputs.values()]
        hints = {self._hint(name) for name in self.given}
        self.free = bool(firsts) and all(first is None for first in firsts)
        self.batch = next(iter(hints)) if len(hints) == 1 and None not in hints else None
        self.title = next((node.stack[0][2] for node in self.nodes if node.stack), "Module")
        self._check_names()
        self.lost = tuple(self._lost(_sequence(module.get("module_call_graph", []), "module_call_graph")))
        self.nodes = self._joined(DROP_PATHS, self._drop_path)
        self.layers = self._joined((nn.MultiheadAttention.__name__,), self._attention)

    def _lost(self, modules: Sequence[Any]) -> Iterator[str]:
        """What a program that was exported in evaluation does not say of training."""
        if any(node.args[place] is True for node in self.nodes for place in _training_flag(node)):
            return
        acting = {path.partition("@")[0] for node in self.nodes for _, path, _ in node.stack}
        paths = (str(_mapping(entry, "a module").get("fqn", "")) for entry in modules)
        silent = [path[:80] for path in paths if path not in acting and _AT_RANDOM.search(path.rpartition(".")[2])]
        if silent:
            what = f"the program was exported in evaluation, in which {some_of(silent, 10)} did nothing"
            yield f"{what}: what they do in training is lost. Export in training mode (net.train()) to keep it"
        attention = [node for node in self.nodes if node.name == "scaled_dot_product_attention"]
        if attention and not any(node.args[4:5] for node in attention):
            what = "the program was exported in evaluation: a dropout of attention weights, if there is one,"
            yield f"{what} leaves no trace in it. Export in training mode (net.train()) to keep it"

    def _joined(
        self, kinds: tuple[str, ...], join: "Callable[[tuple[Any, ...], Sequence[_Node]], _Node | None]"
    ) -> list[_Node]:
        """The operations, with those of each call of a module of these kinds as one, where that can be."""
        found: list[_Node] = []
        for key, group in groupby(self.nodes, key=lambda node: _module_of(node, kinds)):
            nodes = list(group)
            sizes, rest = _sizes_first(nodes)
            whole = join(key, rest) if key is not None and rest else None
            found.extend(nodes if whole is None else [*sizes, whole])
        return found

    def _ends(self, nodes: Sequence[_Node]) -> tuple[list[str], list[str]]:
        """What operations read from elsewhere, and what others read of theirs."""
        made = {name for node in nodes for name in _flat(node.outs)}
        read = {name for node in nodes for kind, name in _names_of(node) if kind == "tensor"} - made
        inside = {id(node) for node in nodes}
        outside = {name for node in self.nodes if id(node) not in inside for _, name in _names_of(node)}
        return sorted(read), sorted(made & (outside | set(self.results)))

    def _drop_path(self, key: tuple[Any, ...], nodes: Sequence[_Node]) -> _Node | None:
        """A branch that is left out at random, in a program that was exported in training, as one operation."""
        read, gives = self._ends(nodes)
        rates = [node.args[1] for node in nodes if node.name.startswith("bernoulli") and len(node.args) > 1]
        if len(rates) != 1 or type(rates[0]) is not float or len(read) != 1 or len(gives) != 1:
            return None
        return _Node(DROP_PATH, "drop_path", "", (_Name(read[0]), 1 - rates[0]), {}, gives[0], key)

    def _attention(self, key: tuple[Any, ...], nodes: Sequence[_Node]) -> _Node | None:
        """Self-attention as one operation; None where it is none, or has a mask."""
        read, gives = self._ends(nodes)
        inputs = [name for name in read if name not in self.weights]
        weights = {self.weights[name][1].rpartition(".")[2]: name for name in read if name in self.weights}
        path = key[-1][1].partition("@")[0]
        heads = [node for node in nodes if node.name == "scaled_dot_product_attention"]
        names = {self.weights[name][1] for name in weights.values()}
        needed = {f"{path}.in_proj_weight", f"{path}.out_proj.weight"} if path else set()
        if len(inputs) != 1 or len(gives) != 1 or len(heads) != 1 or not needed <= names or len(heads[0].args) > 5:
            return None
        query = heads[0].args[0]
        shape = self._meta(query.name)[0] if isinstance(query, _Name) else ()
        ranks = {len(self._meta(name)[0]) for name in (inputs[0], gives[0])}
        if len(shape) != 4 or ranks != {3} or type(shape[1]) is not int:
            return None
        mask, dropout = [*heads[0].args[3:5], None, 0.0][:2] if len(heads[0].args) > 3 else (None, 0.0)
        if mask is not None or len(heads[0].args) == 4:
            return None
        first = nodes[0].name in ("transpose", "permute") and nodes[0].args[0] == _Name(inputs[0])
        names_of = {self.weights[name][1].removeprefix(f"{path}."): _Name(name) for name in weights.values()}
        kwargs = {"num_heads": shape[1], "dropout": float(dropout), "batch_first": first, "weights": names_of}
        return _Node(ATTENTION, "attention_layer", "", (_Name(inputs[0]),), kwargs, gives[0], key)

    def _read_inputs(self, specs: Sequence[Any]) -> None:
        for spec in specs:
            kind, entry = _single(spec, "an input")
            if kind == "user_input":
                argument = _single(_mapping(entry, "an input").get("arg"), "an input")
                if argument[0] != "as_tensor":
                    raise RefusedError(f"an input is no tensor ({argument[0]:.20})")
                name = _text(_mapping(argument[1], "an input").get("name"))
                self.given.append(name)
                self.inputs[name] = self._meta(name)
            elif kind in ("parameter", "buffer", "tensor_constant"):
                name = _text(_mapping(_mapping(entry, kind).get("arg"), kind).get("name"))
                source = _text(_mapping(entry, kind).get(f"{kind}_name"))
                held = self.archive.tensors.get(source, self.archive.constants.get(source))
                if held is None:
                    raise RefusedError(f"it lacks the {kind.replace('_', ' ')} '{source:.80}'")
                shape, dtype = self._meta(name)
                if tuple(held.shape) != shape or held.dtype != dtype:
                    raise RefusedError(
                        f"'{source:.80}' has the sizes {list(held.shape)} and {held.dtype} in its file, the program "
                        f"declares {list(shape)} and {dtype}"
                    )
                self.weights[name] = (kind, source)
            elif kind != "constant_input":
                raise RefusedError(f"an input of the kind {kind:.40}, which is not known here")
        if not self.given:
            raise RefusedError("its program has no inputs")

    def _read_outputs(self, specs: Sequence[Any]) -> list[str]:
        found = []
        for spec in specs:
            kind, entry = _single(spec, "an output")
            if kind != "user_output":
                continue  # buffers that training changes
            argument = _single(_mapping(entry, "an output").get("arg"), "an output")
            if argument[0] == "as_tensor":
                found.append(_text(_mapping(argument[1], "an output").get("name")))
        if not found:
            raise RefusedError("its program returns no tensor")
        return found

    def _meta(self, name: str) -> tuple[tuple[int | None, ...], torch.dtype]:
        meta = _mapping(self.values.get(name), f"the sizes of {name:.60}")
        dtype = DTYPES.get(meta.get("dtype", 0))
        if dtype is None:
            raise RefusedError(f"'{name:.80}' has numbers of a format that is not known here")
        sizes: list[int | None] = []
        for item in _sequence(meta.get("sizes"), "sizes"):
            size = _mapping(item, "a size").get("as_int")
            if size is not None and (type(size) is not int or not 0 <= size < 2**40):
                raise RefusedError(f"'{name:.80}' has a size {size!r:.40}")
            sizes.append(size)
        return tuple(sizes), dtype

    def _hint(self, name: str) -> int | None:
        """The first size of an input, as it was when it was exported."""
        sizes = _sequence(_mapping(self.values[name], name).get("sizes"), "sizes")
        if not sizes:
            return None
        first = _mapping(sizes[0], "a size")
        size = first.get("as_int")
        if size is None:
            hint = _mapping(_mapping(first.get("as_expr"), "a size").get("hint", {}), "a size")
            size = hint.get("as_int")
        return size if type(size) is int and 0 < size <= 4_096 else None

    def _check_names(self) -> None:
        """Refuse operations that read what is not there yet, or make what is there."""
        known = {*self.weights, *self.given}
        for node in self.nodes:
            for kind, name in _names_of(node):
                if name not in known and kind != "symbol":
                    raise RefusedError(f"{node.target:.60} reads '{name:.60}', which nothing has made")
            for name in _flat(node.outs):
                if name in known:
                    raise RefusedError(f"{node.target:.60} makes '{name:.60}', which is there already")
                known.add(name)
        for name in self.results:
            if name not in known:
                raise RefusedError(f"the output '{name:.60}' is made by nothing")

    def example(self, batch: int, device: str, seed: int = 0) -> dict[str, Tensor]:
        """Random inputs.

        Args:
            batch: Size of the first axis, where that is the batch.
            device: Where they are made.
            seed: For their numbers.

        Raises:
            RefusedError: They are too large, or a size other than the batch is free.
        """
        generator = torch.Generator().manual_seed(seed)
        found = {}
        for name, (shape, dtype) in self.inputs.items():
            sizes = list(shape)
            if sizes and (sizes[0] is None or self.batch is not None):
                sizes[0] = batch
            for axis, item in enumerate(_sequence(_mapping(self.values[name], name).get("sizes"), "sizes")):
                if sizes[axis] is None:
                    hint = _mapping(_mapping(item, "a size").get("as_expr", {}), "a size").get("hint") or {}
                    sizes[axis] = hint.get("as_int") if type(hint.get("as_int")) is int else 1
            whole = [size or 0 for size in sizes]
            if math.prod(whole) > MAX_NUMBERS:
                raise RefusedError(f"the input '{name:.60}' has the sizes {whole}, which is more than is run here")
            if device == "meta":
                found[name] = torch.empty(whole, dtype=dtype, device="meta")
            elif dtype.is_floating_point:
                found[name] = torch.randn(whole, generator=generator).to(dtype)
            else:
                found[name] = torch.zeros(whole, dtype=dtype)
        return found

    def run(self, inputs: Mapping[str, Tensor], *, like: "Mapping[str, Sequence[int]] | None" = None) -> Run:
        """Run the program in evaluation mode and write down what it calls.

        Args:
            inputs: The inputs by name, on the CPU or without numbers (meta).
            like: For a batch of another size than the file's: the sizes of all tensors with the file's.

        Raises:
            RefusedError: An operation fails, or makes more than is run here.
        """
        return _Interpreter(self, inputs, like).run()


def _read_node(item: Mapping[str, Any]) -> _Node:
    target = _text(item.get("target"))
    name, overload = target.rpartition(".")[2], ""
    if target.startswith(_PREFIX):
        name, _, overload = target.removeprefix(_PREFIX).partition(".")
    args, kwargs = [], {}
    for entry in _sequence(item.get("inputs"), "arguments"):
        entry = _mapping(entry, "an argument")
        value = _argument(entry.get("arg"))
        if entry.get("kind") == 2:
            kwargs[_text(entry.get("name"))] = value
        else:
            args.append(value)
    outs: list[Any] = []
    for out in _sequence(item.get("outputs"), "results"):
        kind, entry = _single(out, "a result")
        if kind == "as_tensors":
            outs.append([_text(_mapping(one, "a result").get("name")) for one in _sequence(entry, "results")])
        elif kind in ("as_tensor", "as_sym_int", "as_sym_bool", "as_sym_float", "as_optional_tensor"):
            inner = _mapping(entry, "a result")
            inner = _mapping(inner.get("as_tensor", inner), "a result")
            outs.append(_text(inner.get("name", inner.get("as_name"))))
        elif kind == "as_none":
            outs.append(None)
        else:
            raise RefusedError(f"{target:.60} makes {kind:.40}, which is not known here")
    only = outs[0] if len(outs) == 1 else outs
    return _Node(target, name, overload, tuple(args), kwargs, only, _stack(item.get("metadata")))


def _sizes_first(nodes: Sequence[_Node]) -> tuple[list[_Node], list[_Node]]:
    """The operations on sizes of what comes from elsewhere, and all others."""
    made = {name for node in nodes for name in _flat(node.outs)}
    sizes: list[_Node] = []
    for node in nodes:
        is_size = node.name in _QUESTIONS or node.target.startswith(("_operator.", "math.", "torch.sym_"))
        if is_size and not _read_by(node) & made:
            sizes.append(node)
            made -= set(_flat(node.outs))
    return sizes, [node for node in nodes if node not in sizes]


def _module_of(node: _Node, kinds: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The modules down to one of these kinds, for an operation within it."""
    for place, entry in enumerate(node.stack):
        if entry[2].endswith(kinds):
            return node.stack[: place + 1]
    return None


def _stack(metadata: Any) -> tuple[tuple[str, str, str], ...]:
    text = metadata.get("nn_module_stack", "") if isinstance(metadata, dict) else ""
    found = []
    for part in text.split(";") if isinstance(text, str) else ():
        fields = part.split(",")
        if len(fields) == 3:
            found.append((fields[0], fields[1], fields[2].rpartition(".")[2]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Name:
    """A tensor or a size by its name in the file."""

    name: str
    kind: str = "tensor"


def _argument(item: Any) -> Any:  # noqa: C901 - one line for each of the schema's kinds
    kind, value = _single(item, "an argument")
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return _Name(_text(_mapping(value, "a tensor").get("name")))
    if kind == "as_tensors":
        return [_Name(_text(_mapping(one, "a tensor").get("name"))) for one in _sequence(value, "tensors")]
    if kind in ("as_optional_tensor", "as_optional_tensors"):
        listed = _sequence(value, "tensors") if kind.endswith("s") else [value]
        found = [_argument(one) for one in listed]
        return found if kind.endswith("s") else found[0]
    if kind in ("as_sym_int", "as_sym_bool", "as_sym_float"):
        return _number(value)
    if kind in ("as_sym_ints", "as_sym_bools", "as_sym_floats"):
        return [_number(one) for one in _sequence(value, "sizes")]
    if kind == "as_float" and value in ("Infinity", "-Infinity", "NaN"):
        return float(value)
    if kind in ("as_int", "as_float", "as_bool", "as_string") and isinstance(value, int | float | bool | str):
        return value
    if kind in ("as_ints", "as_floats", "as_bools", "as_strings"):
        listed = list(_sequence(value, "numbers"))
        if all(isinstance(one, int | float | bool | str) for one in listed):
            return listed
    if kind == "as_scalar_type" and value in DTYPES:
        return DTYPES[value]
    if kind == "as_device":
        return torch.device("cpu")
    if kind == "as_memory_format":
        return torch.preserve_format
    if kind == "as_layout":
        return torch.strided
    raise RefusedError(f"an argument of the kind {kind:.40}, which is not known here")


def _number(item: Any) -> Any:
    kind, value = _single(item, "a size")
    return _Name(_text(value), "symbol") if kind == "as_name" else value


def _names_of(node: _Node) -> Iterator[tuple[str, str]]:
    """What an operation reads: tensors and sizes."""
    return _names_in((node.args, tuple(node.kwargs.values())))


def _read_by(node: _Node) -> set[str]:
    """Names of what an operation reads."""
    return {name for _, name in _names_of(node)}


def _names_in(item: Any) -> Iterator[tuple[str, str]]:
    if isinstance(item, _Name):
        yield item.kind, item.name
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _names_in(part)
    elif isinstance(item, dict):
        yield from _names_in(list(item.values()))


def _flat(item: Any) -> Iterator[str]:
    if isinstance(item, str):
        yield item
    elif isinstance(item, list):
        for part in item:
            yield from _flat(part)


def _output_names(module: Mapping[str, Any], count: int) -> list[str]:
    """Names of the outputs, where the module returned a mapping: its keys."""
    names: list[str] = []
    try:
        call = _mapping(_sequence(module.get("module_call_graph"), "calls")[0], "a call")
        text = _mapping(call.get("signature"), "a signature").get("out_spec")
        spec = json.loads(text)[1] if isinstance(text, str) and len(text) < 100_000 else {}
        keys = json.loads(spec["context"]) if spec.get("type") in ("builtins.dict", "collections.OrderedDict") else []
        names = [key for key in keys if isinstance(key, str) and len(key) < 80]
    except (RefusedError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        names = []
    if len(names) != count or len(set(names)) != count:
        names = ["out"] if count == 1 else [f"out_{index}" for index in range(count)]
    return names


def _mapping(item: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise RefusedError(f"{what}: expected an object, found {type(item).__name__}")
    return item


def _sequence(item: Any, what: str) -> Sequence[Any]:
    if not isinstance(item, list):
        raise RefusedError(f"{what}: expected a list, found {type(item).__name__}")
    return item


def _single(item: Any, what: str) -> tuple[str, Any]:
    """The one entry of a union."""
    found = [(key, value) for key, value in _mapping(item, what).items() if value is not None or key == "as_none"]
    if len(found) != 1:
        raise RefusedError(f"{what}: expected one entry, found {len(found)}")
    return found[0]


def _text(item: Any) -> str:
    if not isinstance(item, str) or not item or len(item) > 2_000:
        raise RefusedError(f"expected a name, found {item!r:.40}")
    return item


def _operation(node: _Node) -> Callable[..., Any] | None:
    """An operation, if it is one of those that are known to compute and do nothing else."""
    name = node.name.rstrip("_") or node.name
    if not node.overload or not (node.name in RULES or name in RULES or name in _FACTORIES or name in _ON_CONSTANTS):
        return None
    packet = getattr(torch.ops.aten, node.name, None)
    if packet is None or node.overload not in packet.overloads():
        return None
    found: Callable[..., Any] = getattr(packet, node.overload)
    return found


def _refuse_many(node: _Node, args: Sequence[Any]) -> None:
    """Refuse an operation that would make very many tensors."""
    if node.name not in ("chunk", "split", "tensor_split", "unbind", "unsafe_split") or not args:
        return
    first, numbers = args[0], [item for item in args[1:] if type(item) is int]
    largest = max(first.shape, default=0) if isinstance(first, Tensor) else 0
    step = numbers[0] if node.name.endswith("split") and node.name != "tensor_split" and numbers else 1
    parts = numbers[0] if node.name in ("chunk", "tensor_split") and numbers else largest / max(step, 1)
    if parts > MAX_PARTS and not (len(args) > 1 and isinstance(args[1], list)):
        raise RefusedError(f"{node.target} may make {parts:,.0f} parts")


def _tensors_in(item: Any) -> Iterator[Tensor]:
    if isinstance(item, Tensor):
        yield item
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _tensors_in(part)


class _Interpreter:
    """One run of a program."""

    def __init__(
        self, program: Program, inputs: Mapping[str, Tensor], like: Mapping[str, Sequence[int]] | None
    ) -> None:
        self.program = program
        self.like = like
        self.meta = next(iter(inputs.values())).is_meta
        self.tape = Tape(root=ModuleCall("", program.title))
        self.env: dict[str, Any] = {}
        self.numbers: dict[str, int] = {}
        self.depends: set[int] = set()
        self.views: dict[str, _Node] = {}
        self.spent = 0
        self.callers: list[tuple[tuple[str, str, str], ModuleCall]] = []
        for name, tensor in inputs.items():
            value = self.tape.tensor(tensor.shape, tensor.dtype, "input", name)
            self.env[name], self.numbers[name] = tensor, value.id
            self.depends.add(value.id)
            self.tape.inputs[name] = value.id
        for name, (kind, source) in program.weights.items():
            held = program.archive.tensors.get(source, program.archive.constants.get(source))
            assert held is not None
            self._weight(name, kind, source, held)

    def _weight(self, name: str, kind: str, source: str, held: Tensor) -> None:
        origin = {"tensor_constant": "constant"}.get(kind, kind)
        learned = source in self.program.archive.learned
        data = None if origin == "parameter" else held
        given = "" if origin == "constant" else source
        value = self.tape.tensor(held.shape, held.dtype, origin, given, data=data, requires_grad=learned)
        depends = origin == "parameter" or (origin == "buffer" and held.dtype.is_floating_point)
        if depends:
            self.depends.add(value.id)
        self.env[name] = held.to("meta") if self.meta and depends else held.clone()
        self.numbers[name] = value.id

    def run(self) -> Run:
        """All operations in their order."""
        nodes = self.program.layers if self.meta else self.program.nodes
        last = {name: place for place, node in enumerate(nodes) for name in _read_by(node)}
        with torch.no_grad():
            for place, node in enumerate(nodes):
                self._node(node)
                for name in () if self.meta else _read_by(node):
                    if last[name] == place and name not in self.program.results:
                        del self.env[name]
        outputs = dict(zip(self.program.result_names, self.program.results, strict=True))
        self.tape.outputs = {title: V(self.numbers[name]) for title, name in outputs.items()}
        read = {name for node in self.program.nodes for name in _read_by(node)}
        used = {source for name, (_, source) in self.program.weights.items() if name in read}
        self.tape.unused = tuple(source for kind, source in self.program.weights.values() if source not in used)
        sizes = {name: tuple(item.shape) for name, item in self.env.items() if isinstance(item, Tensor)}
        return Run(self.tape, {title: self.env[name] for title, name in outputs.items()}, sizes)

    def _node(self, node: _Node) -> None:
        if node.target.startswith(("_operator.", "math.", "torch.sym_")):
            self._size(node)
        elif node.name in _QUESTIONS:
            self._question(node)
        elif node.target in (ATTENTION, DROP_PATH):
            source = self._values(node.args[0])
            shown = self._shown(node.args), self._shown(dict(node.kwargs))
            made = source if node.target == DROP_PATH else torch.empty_like(source)
            self._take(node, made, shown, self._scope(node.stack[:-1]), False)
        elif not node.name.startswith(_ASSERTIONS):
            self._operation(node, self._scope(node.stack))

    def _operation(self, node: _Node, caller: ModuleCall) -> None:
        args, kwargs = self._values(node.args), self._values(dict(node.kwargs))
        shown = self._shown(node.args), self._shown(dict(node.kwargs))
        fixed = self._fixed(node)
        function = _operation(node)
        if function is None:
            self._unknown(node, shown, caller)
            return
        _refuse_many(node, args)
        args = self._rescaled(node, args)
        args, kwargs = _evaluating(node, args, kwargs)
        args = _with_places(node, args)
        bare = _without_numbers(args), _without_numbers(kwargs)
        try:
            made = function(*bare[0], **bare[1])  # sizes first: what is too large is not made
            for tensor in _tensors_in(made):
                self._limit(node, tensor, MAX_CONSTANT if fixed else MAX_NUMBERS)
            if fixed or not self.meta:
                made = function(*(_with_numbers(args) if fixed else args), **kwargs)
        except RefusedError:
            raise
        except Exception as error:  # an operation may refuse its arguments in any way
            if self.meta and not fixed and node.name in _SIZED_BY_NUMBERS:
                self._unknown(node, shown, caller)
                return
            raise RefusedError(f"{node.target} cannot be run: {type(error).__name__}: {error}"[:300]) from error
        self._take(node, made, shown, caller, fixed)

    def _take(self, node: _Node, made: Any, shown: Any, caller: ModuleCall, fixed: bool) -> None:
        outs = node.outs if isinstance(node.outs, list) else [node.outs]
        results = list(made) if isinstance(made, list | tuple) else [made]
        if len(outs) == 1 and isinstance(outs[0], list):
            outs = outs[0]
        if len(results) < len(outs):
            raise RefusedError(f"{node.target} made {len(results)} tensors, the file names {len(outs)}")
        listed: list[V | None] = []
        for name, tensor in zip(outs, results, strict=False):
            if name is None or not isinstance(tensor, Tensor):
                listed.append(None)
                continue
            origin, data = ("constant", tensor) if fixed and not tensor.is_meta else ("call", None)
            value = self.tape.tensor(tensor.shape, tensor.dtype, origin, data=data)
            self.env[name], self.numbers[name] = tensor, value.id
            if not fixed:
                self.depends.add(value.id)
            listed.append(V(value.id))
        if fixed:
            return
        name = node.name.rstrip("_").removeprefix("_") if node.name not in RULES else node.name
        out = listed[0] if not isinstance(node.outs, list) else tuple(listed)
        args, kwargs = shown
        kwargs = {key: item for key, item in kwargs.items() if key not in ("layout", "device", "pin_memory", "dtype")}
        self.tape.calls.append(Call(name, node.target.removeprefix("torch.ops."), args, kwargs, out, caller))
        if node.name in ("slice", "select") and isinstance(node.outs, str):
            self.views[node.outs] = node
        if node.name.endswith("_") and listed and listed[0] is not None:  # written into its first argument
            self._overwritten(node, listed[0], caller)

    def _overwritten(self, node: _Node, out: V, caller: ModuleCall) -> None:
        """Under the names of a tensor that was written into, and of what it is a part of, are others from here on."""
        first = node.args[0]
        if not isinstance(first, _Name):
            return
        old = self.numbers[first.name]
        for name, number in list(self.numbers.items()):
            if number == old:
                self.numbers[name] = out.id
        view = self.views.get(first.name)
        if view is None or not self.meta or not isinstance(view.args[0], _Name):
            return
        whole = view.args[0]
        given: list[Any] = self._values(view.args[1:])
        rank = self.env[whole.name].ndim
        part: int | slice
        if view.name == "select":
            dim, part = given
        else:
            defaults: list[Any] = [0, None, None, 1]
            dim, start, end, step = given + defaults[len(given) :]
            part = slice(start, None if end is None or end >= 2**62 else end, step)
        index = (*[slice(None)] * (dim % rank), part)
        value = self.tape.tensor(self.env[whole.name].shape, self.env[whole.name].dtype)
        self.depends.add(value.id)
        shown = (V(self.numbers[whole.name]), index, out)
        self.tape.calls.append(Call("setitem", "aten.slice_scatter", shown, {}, V(value.id), caller))
        self._overwritten(_Node("", "", "", (whole,), {}, None, ()), V(value.id), caller)

    def _limit(self, node: _Node, tensor: Tensor, most: int) -> None:
        self.spent += tensor.numel()
        if tensor.numel() > most or self.spent > MAX_ALL:
            raise RefusedError(f"{node.target} makes {tensor.numel():,} numbers, which is more than is run here")

    def _unknown(self, node: _Node, shown: Any, caller: ModuleCall) -> None:
        """An operation that is not known: what it makes has the sizes that the file declares."""
        outs = node.outs[0] if isinstance(node.outs, list) and isinstance(node.outs[0], list) else node.outs
        listed = []
        for name in _flat(outs):
            shape, dtype = self.program._meta(name)
            value = self.tape.tensor([1 if size is None else size for size in shape], dtype)
            self.env[name] = torch.empty(value.shape, dtype=dtype, device="meta")
            self.numbers[name] = value.id
            self.depends.add(value.id)
            listed.append(V(value.id))
        if not self.meta:
            raise RefusedError(f"{node.target} is not known here and is not run")
        out = tuple(listed) if isinstance(outs, list) else listed[0]
        args, kwargs = shown
        name = node.target.replace(".", "_") if node.name in RULES else node.name
        self.tape.calls.append(Call(name, node.target.removeprefix("torch.ops."), args, kwargs, out, caller))

    def _size(self, node: _Node) -> None:
        function = _NUMBERS.get(node.name)
        args = self._values(node.args)
        if function is None or not all(isinstance(item, int | float) for item in args):
            raise RefusedError(f"{node.target:.60} of sizes is not known here")
        if node.name == "pow" and (abs(args[0]) > 2**20 or abs(args[1]) > 8):
            raise RefusedError("a size to a large power")
        try:
            self.env[str(node.outs)] = function(*args)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise RefusedError(f"{node.target:.60}: {error}") from error

    def _question(self, node: _Node) -> None:
        args = self._values(node.args)
        if node.name == "sym_size" and isinstance(args[0], Tensor):
            self.env[str(node.outs)] = args[0].shape[args[1]] if len(args) > 1 else args[0].shape
        elif node.name == "sym_numel" and isinstance(args[0], Tensor):
            self.env[str(node.outs)] = args[0].numel()
        elif node.name == "sym_stride":
            raise RefusedError("its program depends on how tensors lie in memory")

    def _values(self, item: Any) -> Any:
        if isinstance(item, _Name):
            if item.name not in self.env:
                raise RefusedError(f"'{item.name:.60}' is not made yet")
            return self.env[item.name]
        if isinstance(item, dict):
            return {key: self._values(part) for key, part in item.items()}
        if isinstance(item, list | tuple):
            return [self._values(part) for part in item]
        return item

    def _shown(self, item: Any) -> Any:
        if isinstance(item, _Name):
            return V(self.numbers[item.name]) if item.name in self.numbers else self.env[item.name]
        if isinstance(item, dict):
            return {key: self._shown(part) for key, part in item.items()}
        if isinstance(item, list | tuple):
            return tuple(self._shown(part) for part in item)
        return item

    def _fixed(self, node: _Node) -> bool:
        """Whether what comes out has the same numbers for every input."""
        name = node.name.rstrip("_")
        by_format = name in _FACTORIES and (name.startswith("new_") or name.endswith("_like"))
        args = node.args[1:] if by_format else node.args
        names = [name for kind, name in _names_in((tuple(args), tuple(node.kwargs.values()))) if kind == "tensor"]
        return not any(self.numbers[name] in self.depends for name in names)

    def _scope(self, stack: tuple[tuple[str, str, str], ...]) -> ModuleCall:
        """The call of a module; the same one as before where nothing of another lay between."""
        if not stack:
            return self.callers[-1][1] if self.callers else self.tape.root
        inner = stack[1:]
        kept = 0
        while kept < min(len(inner), len(self.callers)) and self.callers[kept][0] == inner[kept]:
            kept += 1
        del self.callers[kept:]
        for entry in inner[kept:]:
            parent = self.callers[-1][1] if self.callers else self.tape.root
            self.callers.append((entry, ModuleCall(entry[1].partition("@")[0], entry[2], parent)))
        return self.callers[-1][1] if self.callers else self.tape.root

    def _rescaled(self, node: _Node, args: list[Any]) -> list[Any]:
        """Arguments that hold sizes, for a batch of another size than the file's."""
        if self.like is None:
            return args
        if node.name in ("view", "reshape", "_unsafe_view") and isinstance(node.args[0], _Name):
            before = self.like.get(node.args[0].name)
            after = self.like.get(next(_flat(node.outs)))
            if before is not None and after is not None and isinstance(args[0], Tensor):
                return [args[0], _scaled(tuple(before), tuple(args[0].shape), tuple(after))]
        if node.name == "expand" and isinstance(args[0], Tensor) and isinstance(node.args[0], _Name):
            before = self.like.get(node.args[0].name)
            sizes = list(args[1])
            lead = len(sizes) - args[0].ndim
            for axis, size in enumerate(sizes):
                own = args[0].shape[axis - lead] if axis >= lead else None
                if before is not None and axis >= lead and own != before[axis - lead]:
                    sizes[axis] = own
                elif axis == 0 and size == self.program.batch and own in (None, 1):
                    sizes[axis] = next(iter(self.tape.values.values())).shape[0]
            return [args[0], sizes, *args[2:]]
        return args


def _scaled(before: tuple[int, ...], now: tuple[int, ...], after: tuple[int, ...]) -> list[int]:
    """The sizes of a view, where one axis of what is viewed has another size than before.

    Axes that are laid out anew together have the same product. The one that changes must lead its group, and the first
    of the group changes with it.
    """
    changed = [axis for axis, pair in enumerate(zip(before, now, strict=True)) if pair[0] != pair[1]]
    if not changed:
        return list(after)
    if len(changed) > 1:
        raise RefusedError("a view of a tensor in which several sizes change with the batch")
    i = j = 0
    found = list(after)
    while i < len(before):
        start_i, start_j = i, j
        left, right = before[i], after[j] if j < len(after) else 1
        i, j = i + 1, j + 1
        while left != right:
            if left < right and i < len(before):
                left, i = left * before[i], i + 1
            elif j < len(after):
                right, j = right * after[j], j + 1
            else:
                raise RefusedError("a view that is no view")
        if start_i <= changed[0] < i:
            if changed[0] != start_i or found[start_j] * now[changed[0]] % before[changed[0]]:
                raise RefusedError("a view in which the batch is not the outermost axis")
            found[start_j] = found[start_j] * now[changed[0]] // before[changed[0]]
    return found


def _whole(items: Any) -> Iterator[int]:
    for item in items:
        if type(item) is int:
            yield abs(item)
        elif isinstance(item, list | tuple):
            yield from _whole(item)


def _without_numbers(item: Any) -> Any:
    """Tensors as those of the same sizes without numbers, and their device as the place of new ones."""
    if isinstance(item, Tensor):
        return item.to("meta")
    if isinstance(item, torch.device):
        return torch.device("meta")
    if isinstance(item, dict):
        return {key: _without_numbers(part) for key, part in item.items()}
    if isinstance(item, list | tuple):
        return [_without_numbers(part) for part in item]
    return item


def _with_places(node: _Node, args: list[Any]) -> list[Any]:
    """Arguments of an index with the places that masks of fixed numbers take: how many follows from the numbers."""
    if node.name != "index" or len(args) != 2:
        return args
    parts = [
        part.nonzero().flatten()
        if isinstance(part, Tensor) and part.dtype == torch.bool and part.ndim == 1 and not part.is_meta
        else part
        for part in args[1]
    ]
    return [args[0], parts]


def _with_numbers(args: list[Any]) -> list[Any]:
    """Arguments of an operation that takes no numbers from its first tensor: one that has some, for its format."""
    first = args[0] if args else None
    if isinstance(first, Tensor) and first.is_meta:
        return [torch.empty(first.shape, dtype=first.dtype), *args[1:]]
    return args


def _evaluating(node: _Node, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of an operation in evaluation, for a program that was exported in training."""
    for place in _training_flag(node):
        tracked = node.name != "batch_norm" or args[3] is not None
        args = [*args[:place], args[place] and not tracked, *args[place + 1 :]]
    return args, kwargs


def _training_flag(node: _Node) -> Iterator[int]:
    """The place among an operation's arguments that says whether it acts as in training."""
    place = {"batch_norm": 5, "dropout": 2, "feature_dropout": 2, "dropout_": 2}.get(node.name)
    if place is not None and len(node.args) > place:
        yield place
