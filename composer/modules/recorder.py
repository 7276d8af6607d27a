"""Recording a module while it runs: every function of torch, every layer, and the modules around them."""

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from composer.modules.arguments import Arguments
from composer.modules.tape import Call, ModuleCall, Tape, TapeError, V, Varying, merged

__all__ = ["DecidedError", "evaluating", "named_tensors", "recorded", "user_line"]

_FACTORIES = frozenset(
    {
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty",
        "new_tensor",
        "zeros_like",
        "ones_like",
        "full_like",
        "empty_like",
    }
)
"""Functions that take no numbers from the tensor they are called on."""

_DATA_QUESTIONS = frozenset({"__bool__", "__int__", "__float__", "__index__", "item", "tolist", "__contains__"})
"""Questions about the numbers of a tensor."""

_QUESTIONS = _DATA_QUESTIONS | frozenset(
    {
        "size",
        "dim",
        "numel",
        "stride",
        "shape",
        "dtype",
        "device",
        "layout",
        "ndim",
        "is_cuda",
        "is_cpu",
        "is_floating_point",
        "is_complex",
        "is_contiguous",
        "requires_grad",
        "is_nested",
        "is_sparse",
        "is_quantized",
        "is_meta",
        "is_mps",
        "grad_fn",
        "grad",
        "element_size",
        "get_device",
        "__len__",
        "__hash__",
        "__repr__",
        "__format__",
        "is_leaf",
        "names",
        "itemsize",
        "nbytes",
        "is_signed",
        "requires_grad_",
        "retain_grad",
        "register_hook",
        "is_inference",
    }
)
"""What is asked of a tensor, and makes no other."""

_DUNDER = {
    "iadd": "add", "radd": "add", "isub": "sub", "imul": "mul", "rmul": "mul", "truediv": "div", "itruediv": "div",
    "idiv": "div", "div": "div", "rtruediv": "rdiv", "rdiv": "rdiv", "imatmul": "matmul", "invert": "logical_not",
    "ipow": "pow",
}  # fmt: skip


class _Recorder(TorchFunctionMode):
    """Writes calls to a tape.

    Args:
        module: The module that is called.
        is_layer: Whether a module is called as one, without a look inside.
    """

    def __init__(self, module: nn.Module, is_layer: Callable[[nn.Module], bool]) -> None:
        super().__init__()
        self.tape = Tape(root=ModuleCall("", type(module).__name__))
        self.caller = self.tape.root
        self.is_layer = is_layer
        self.paths = {id(part): path for path, part in module.named_modules()}
        self.numbers = WeakIdKeyDictionary()
        self.views = WeakIdKeyDictionary()
        self.paused = False
        self.depends: set[int] = set()
        self.weights = {id(item): (name, "parameter") for name, item in module.named_parameters()}
        self.weights |= {id(item): (name, "buffer") for name, item in module.named_buffers()}
        self.names = {name for name, _ in self.weights.values()}
        for name, item in module.named_parameters(remove_duplicate=False):
            if name not in self.names:
                self.tape.aliases[name] = self.weights[id(item)][0]
        self.read: set[str] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        name = _name_of(func)
        if name in _QUESTIONS:
            if name in _DATA_QUESTIONS and self._depends(args):
                self._look(name)
            return func(*args, **kwargs)
        if name in ("getitem", "setitem"):
            args = (args[0], _with_lists_as_tensors(args[1]), *args[2:])
        shown = self._shown(args), self._shown(kwargs)
        before = self._fixed_before(name, args, kwargs)
        out = func(*args, **kwargs)
        made = args[0] if name == "setitem" else out  # a tensor that was written into is another one from here on
        self._write(name, _shown_name(func, name), *shown, made, before)
        if name == "getitem" and isinstance(out, Tensor):
            self.views[out] = (args[0], shown[0][1])
        elif args and out is args[0]:
            self._write_back(out)
        return out

    def _look(self, name: str) -> None:
        """What is decided by numbers that depend on the inputs is another function for other inputs.

        Raises:
            DecidedError: Always, unless it is a check that fails or does nothing.
        """
        line, text = _user_frame()
        where = f"{self.caller.path or 'the module'} looks at numbers that depend on its inputs ({name}) at {line}"
        if not text.startswith("assert "):
            raise DecidedError(where)
        self._note(f"{where}, a check that the graph does not make")

    def _write_back(self, tensor: Tensor) -> None:
        """What a tensor is a part of is another one after something was written into the part."""
        found = self.views.get(tensor)  # type: ignore[no-untyped-call]
        if found is None:
            return
        whole, index = found
        shown = (self.number(whole), index, self.number(tensor))
        fixed = not self._depends((whole, tensor))
        self._write("setitem", "Tensor.setitem", shown, {}, whole, fixed)
        self._write_back(whole)

    def layer(self, module: nn.Module, call: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        """Call a module as one layer."""
        shown = self._shown(args), self._shown(kwargs)
        path = self.paths[id(module)]
        self.paused = True
        try:
            out = call()
        finally:
            self.paused = False
        self.read.update(name for name in self.names if name.startswith(f"{path}."))
        self._write("layer", path, *shown, out, False, module, path)
        return out

    def given(self, name: str, tensor: Tensor) -> None:
        """Take a tensor as an input."""
        value = self.tape.tensor(tensor.shape, tensor.dtype, "input", name)
        self.numbers[tensor] = value.id
        self.depends.add(value.id)
        self.tape.inputs[name] = value.id

    def number(self, tensor: Tensor) -> V:
        """The number of a tensor; one that was never seen is a weight or a constant."""
        if tensor not in self.numbers:
            name, origin = self.weights.get(id(tensor), ("", "constant"))
            self.read.add(name)
            data = None if origin == "parameter" else tensor.detach().clone()
            value = self.tape.tensor(
                tensor.shape, tensor.dtype, origin, name, data=data, requires_grad=tensor.requires_grad
            )
            self.numbers[tensor] = value.id
            if origin == "parameter" or (origin == "buffer" and tensor.is_floating_point()):
                self.depends.add(value.id)
        return V(self.numbers[tensor])

    def _shown(self, item: Any) -> Any:
        """Arguments as the tape has them."""
        if isinstance(item, Tensor):
            return self.number(item)
        if isinstance(item, torch.Size):
            return tuple(item)
        if isinstance(item, Mapping):
            return {key: self._shown(part) for key, part in item.items()}
        if isinstance(item, list | tuple):
            return tuple(self._shown(part) for part in item)
        if isinstance(item, slice):
            return slice(self._shown(item.start), self._shown(item.stop), self._shown(item.step))
        return item

    def _depends(self, item: Any) -> bool:
        if isinstance(item, Tensor):
            return self.number(item).id in self.depends
        if isinstance(item, Mapping):
            return any(map(self._depends, item.values()))
        return isinstance(item, list | tuple) and any(map(self._depends, item))

    def _fixed_before(self, name: str, args: Any, kwargs: Any) -> bool:
        """Whether what comes out has the same numbers for every input."""
        if name in _FACTORIES:
            return not self._depends((args[1:], kwargs))
        return not self._depends((args, kwargs))

    def _write(
        self,
        name: str,
        target: str,
        args: Any,
        kwargs: Any,
        out: Any,
        fixed: bool,
        module: nn.Module | None = None,
        path: str = "",
    ) -> None:
        results = [item for item in _leaves(out) if isinstance(item, Tensor)]
        if not results:
            return
        if fixed:
            for tensor in results:
                value = self.tape.tensor(tensor.shape, tensor.dtype, "constant", data=tensor.detach().clone())
                self.numbers[tensor] = value.id
            return
        for tensor in results:
            value = self.tape.tensor(tensor.shape, tensor.dtype)
            self.numbers[tensor] = value.id
            self.depends.add(value.id)
        self.tape.calls.append(Call(name, target, args, kwargs, self._shown(out), self.caller, module, path))

    def _note(self, text: str) -> None:
        if text not in self.tape.notes:
            self.tape.notes.append(text)


class DecidedError(Exception):
    """A module decides by numbers that depend on its inputs; the text says where."""


def record(module: nn.Module, arguments: Arguments, is_layer: Callable[[nn.Module], bool]) -> Tape:
    """Run a module once in evaluation mode and write down what it calls.

    Args:
        module: The module; it is left as it was.
        arguments: Arguments of its forward; tensors become inputs, all else is fixed.
        is_layer: Whether a module is called as one, without a look inside.

    Raises:
        TapeError: It returns something that holds no tensors.
        DecidedError: It decides by numbers that depend on the inputs.
        Exception: Whatever its forward raises.
    """
    recorder = _Recorder(module, is_layer)
    for name, item in arguments.tensors.items():
        recorder.given(name, item)
    with evaluating(module), torch.no_grad(), _scopes(recorder, module), recorder:
        result = arguments.given_to(module)
    outputs = named_tensors(result)
    if not outputs:
        raise TapeError(f"{type(module).__name__} returns {type(result).__name__}: expected tensors")
    tape = recorder.tape
    tape.outputs = {name: recorder.number(item) for name, item in outputs.items()}
    tape.unused = tuple(name for name in recorder.names if name not in recorder.read)
    return tape


def recorded(module: nn.Module, arguments: Arguments, is_layer: Callable[[nn.Module], bool], fixed: str = "") -> Tape:
    """A recording in which what depends on the size of the batch is known, where the module takes any batch.

    Args:
        module: The module.
        arguments: Arguments of its forward.
        is_layer: Whether a module is called as one, without a look inside.
        fixed: Why the batch is to be fixed to that of the example; empty where it is not.
    """
    size = max(arguments.batch, 2)
    first, second = arguments.with_batch(size), arguments.with_batch(size + 1)
    if first is None or second is None:
        tape = record(module, arguments, is_layer)
        tape.notes.append("the inputs have no first axis in common: every size is fixed as in the example")
        return tape
    if not fixed:
        try:
            one, other = record(module, first, is_layer), record(module, second, is_layer)
            return merged(one, other, Varying(size, size + 1))
        except DecidedError:
            raise
        except Exception as error:  # noqa: BLE001 - a forward may refuse another batch in any way
            fixed = f"{type(error).__name__}: {error}"
    tape = record(module, arguments, is_layer)
    tape.notes.append(f"the batch is fixed to that of the example: {fixed}"[:300])
    return tape


def named_tensors(result: Any, name: str = "") -> dict[str, Tensor]:
    """The tensors that a forward returns, by name: ``out``, keys of a mapping, fields, or numbers of a sequence."""
    if isinstance(result, Tensor):
        return {name or "out": result}
    if isinstance(result, Mapping):
        parts: Iterator[tuple[str, Any]] = iter([(str(key), item) for key, item in result.items()])
    elif isinstance(result, tuple) and hasattr(result, "_fields"):
        parts = iter(zip(result._fields, result, strict=True))
    elif isinstance(result, list | tuple):
        parts = iter([(f"out_{index}" if not name else str(index), item) for index, item in enumerate(result)])
    elif result is not None and hasattr(result, "__dataclass_fields__"):
        parts = iter([(key, getattr(result, key)) for key in result.__dataclass_fields__])
    else:
        return {}
    found: dict[str, Tensor] = {}
    for key, item in parts:
        found |= named_tensors(item, f"{name}_{key}" if name else key)
    return found


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """In evaluation mode, each part put back to its own mode at the end."""
    modes = [(part, part.training) for part in module.modules()]
    buffers = [
        (part, name, item, item.detach().clone())
        for part in module.modules()
        for name, item in part.named_buffers(recurse=False)
    ]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
        with torch.no_grad():
            for part, name, item, before in buffers:
                part._buffers[name] = item
                if not torch.equal(item, before) and not (item != item).any():
                    item.copy_(before)


@contextmanager
def _scopes(recorder: _Recorder, module: nn.Module) -> Iterator[None]:
    """Calls of modules are seen while this is open."""
    plain = nn.Module.__call__

    def called(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if recorder.paused or id(self) not in recorder.paths or self is module:
            return plain(self, *args, **kwargs)
        if recorder.is_layer(self):
            return recorder.layer(self, lambda: plain(self, *args, **kwargs), args, kwargs)
        outer = recorder.caller
        recorder.caller = ModuleCall(recorder.paths[id(self)], type(self).__name__, outer)
        try:
            return plain(self, *args, **kwargs)
        finally:
            recorder.caller = outer

    nn.Module.__call__ = called  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = plain  # type: ignore[method-assign]


def _with_lists_as_tensors(index: Any) -> Any:
    """What stands in brackets, with lists of places as the tensors that they mean."""
    if isinstance(index, tuple):
        return tuple(_with_lists_as_tensors(part) for part in index)
    return torch.as_tensor(index) if isinstance(index, list | np.ndarray) else index


def user_line() -> str:
    """The line of the module's own code that is being run: file, number and text."""
    return _user_frame()[0]


def _user_frame() -> tuple[str, str]:
    """The innermost line that is neither torch's nor composer's, as it is shown, and its text."""
    skipped = (str(Path(torch.__file__).parent), str(Path(__file__).parent))
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((*skipped, "<frozen")):
        frame = frame.f_back
    file, number = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, number, frame.f_globals).strip()
    return f"{Path(file).name}, line {number}: {text[:80]}", text


def _leaves(item: Any) -> Iterator[Any]:
    if isinstance(item, Mapping):
        for part in item.values():
            yield from _leaves(part)
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _leaves(part)
    else:
        yield item


def _name_of(func: Any) -> str:
    """A function in one word: ``add`` for ``Tensor.__iadd__`` and ``Tensor.add_``, ``T`` for the property."""
    name = getattr(func, "__name__", "") or type(func).__name__
    if name in ("__get__", "__set__"):
        return getattr(getattr(func, "__self__", None), "__name__", name)
    if name in _QUESTIONS:
        return name
    if name.startswith("__") and name.endswith("__"):
        plain = name[2:-2]
        return _DUNDER.get(plain, plain)
    return name.rstrip("_").lstrip("_") or name


def _shown_name(func: Any, name: str) -> str:
    owner = getattr(func, "__module__", None) or "torch.Tensor"
    return f"{owner.removeprefix('torch.').split('.')[-1]}.{name}" if owner != "torch" else f"torch.{name}"
