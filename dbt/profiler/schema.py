"""The JSON schema of profile files, made from the dataclasses of model.py.

`python -m dbt.profiler.schema` prints it; it is kept in docs/profile.schema.json.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from dbt.profiler.model import FORMAT, VERSION, Profile

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean", NoneType: "null"}


def schema() -> dict[str, Any]:
    """The schema, in the language of JSON Schema 2020-12."""
    root = _object(Profile)
    root["properties"]["format"] = {"const": FORMAT}
    root["properties"]["version"] = {"const": VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A profile of dbt",
        **root,
    }


def _object(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    names = [item.name for item in fields(kind)]
    return {
        "type": "object",
        "properties": {name: _type(hints[name]) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _type(hint: Any) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if is_dataclass(hint):
        return _object(hint)  # type: ignore[arg-type]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return {"type": [_PLAIN[argument] for argument in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is tuple:
        items = [_type(argument) for argument in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}
    raise TypeError(f"no schema for {hint}")


def text() -> str:
    """The schema as its file has it."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    print(text(), end="")
