"""Which names a graph may use: ids reach state-dict keys and generated source, so they are plain identifiers."""

import keyword
import re
import unicodedata

__all__ = ["MAX_NAME", "RESERVED", "name_fault"]

MAX_NAME = 100
"""Longest name, in characters."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

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
_frozen_paths _functions _momentum _params _signatures code copies forward_loss forward_predict forward_tensor graph
load_weights momentum_steps save training_progress weights_report
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
    if not _NAME.fullmatch(name):
        return f"{_odd_character(name)}; a name is a letter or underscore, then letters, digits and underscores (ASCII)"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name.startswith("__"):
        return "it starts with two underscores, which Python keeps for itself"
    if attribute and name in RESERVED:
        return "it is the name of something that every model has"
    return None


def _odd_character(name: str) -> str:
    if not name:
        return "it is empty"
    if name[0].isascii() and name[0].isdigit():
        return "it starts with a digit"
    odd = next(char for char in name if not (char.isascii() and (char.isalnum() or char == "_")))
    if odd.isascii():
        return f"it contains {odd!r}"
    return f"it contains {odd!a} ({unicodedata.name(odd, 'no ASCII letter').lower()})"
