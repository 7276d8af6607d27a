"""The canvas as a Gradio component: it mounts the bundle of ``frontend/`` and hands it the server's functions."""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

__all__ = ["graph_canvas"]

_ON_LOAD = """
const pushes = [];
let listener = null;
const push = () => { if (listener) listener(props.value); else pushes.push(props.value); };
watch("value", push);
const host = {
    server,
    trigger: (event, payload) => trigger(event, payload),
    pushed: (callback) => { listener = callback; pushes.splice(0).forEach(callback); },
};
const events = ["document_change"];  // named here, so that Python may listen to them
import(props.bundle).then((bundle) => {
    window.composerCanvas = bundle;
    bundle.mount(element.querySelector(".composer-root"), host);
}).catch((error) => {
    element.querySelector(".composer-root").textContent = "The canvas could not be loaded: " + error;
});
"""


def graph_canvas(functions: Mapping[str, Callable[[Any], Any]], bundle: str, styles: str, elem_id: str) -> gr.HTML:
    """The canvas with its toolbar, palette and inspector.

    Its value is what Python pushes to it: ``{"revision": int, "kind": "open" | "replace", "label": str, "reply": ...}``
    with an ``OpenReply``. It sends the event ``document_change`` with the document while the dock is open.

    Args:
        functions: Functions of the server by name; each takes one mapping and gives one.
        bundle: Address of the bundle.
        styles: Address of its style sheet.
        elem_id: Its id in the page.
    """
    return gr.HTML(
        None,
        html_template='<div class="composer-root"></div>',
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        head=f'<link rel="stylesheet" href="{styles}">',
        server_functions=[_named(name, function) for name, function in functions.items()],
        elem_id=elem_id,
        bundle=bundle,
    )


def _named(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function under the name by which the browser calls it; names become attributes of the component."""

    def call(payload: Any) -> Any:
        return function(payload)

    call.__name__ = f"composer_{name}"
    return call
