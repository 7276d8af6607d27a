"""Prints the JSON schema of the payloads, from which the front end's types are generated."""

import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from composer.web import payloads, setup_payloads
from composer.web.runs import payloads as run_payloads
from composer.web.training import payloads as training_payloads

__all__ = ["payload_schema"]


def payload_schema() -> str:
    """The schema of every payload as JSON, as json-schema-to-typescript reads it."""
    parts = (payloads, run_payloads, setup_payloads, training_payloads)
    models = [getattr(part, name) for part in parts for name in part.__all__]
    inputs: list[Any] = [
        (model, "validation" if model.__name__.endswith("Request") else "serialization")
        for model in models
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not payloads.Payload
    ]
    _, schema = models_json_schema(inputs, ref_template="#/definitions/{model}")
    definitions = {name: {"title": name, **_plain(item)} for name, item in sorted(schema["$defs"].items())}
    return json.dumps({"title": "Payloads", "definitions": definitions, "not": {}}, indent=1) + "\n"


def _plain(schema: Any) -> Any:
    """A schema without titles of properties (each would become a type), and with tuples as older drafts have them."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: {name: _plain(item) for name, item in value.items()} if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
    if "op" in found.get("properties", {}):  # has a default in Python; in the browser it distinguishes them
        found["required"] = ["op", *found.get("required", [])]
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    if found and not found.keys() - {"default", "description"}:  # anything at all, which is no mapping
        found["tsType"] = "unknown"
    return found


if __name__ == "__main__":
    sys.stdout.write(payload_schema())
