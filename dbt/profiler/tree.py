"""Values of model.py's dataclasses from a JSON tree that need not be right: schema.py, read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")
_Reader = Callable[[Any], Any]

_PLAIN = {int: "integer", float: "number", str: "text", bool: "truth value", NoneType: "null"}
# Addresses and counters have 64 bits; with much larger numbers arithmetic fails.
_INTEGER_END = 1 << 64


class TreeError(ValueError):
    """A tree is not what it should be.

    Args:
        wrong: what is wrong, to be read behind the place.
        place: in the tree, as `units[0].pc`.
    """

    def __init__(self, wrong: str, place: str = "") -> None:
        super().__init__(f"{place.removeprefix('.')} {wrong}")
        self._wrong = wrong
        self._place = place

    def below(self, step: str) -> TreeError:
        """The same, as it is told one step further up."""
        return TreeError(self._wrong, step + self._place)


def read(kind: type[_Value], tree: Any) -> _Value:
    """A dataclass's value of a tree, every part of it checked.

    Args:
        kind: the dataclass; its fields are plain values, dataclasses, tuples and dicts of them.
        tree: as `json.loads` made it.

    Raises:
        TreeError: it is no such tree.
    """
    hint: Any = kind
    value: _Value = _reader(hint)(tree)
    return value


@cache
def _reader(hint: Any) -> _Reader:
    if hint in _PLAIN:
        return _plain((hint,))
    if is_dataclass(hint):
        return _record(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return _plain(arguments)
    if origin is dict:
        return _dict(_reader(arguments[1]))
    if origin is tuple and arguments[-1] is Ellipsis:
        return _list(_reader(arguments[0]))
    if origin is tuple and set(arguments) == {int}:
        return _integers(len(arguments))
    raise TypeError(f"no reader for {hint}")


def _plain(kinds: tuple[Any, ...]) -> _Reader:
    wrong = f"is no {' or '.join(_PLAIN[kind] for kind in kinds)}"
    accepted = {*kinds, int} if float in kinds else {*kinds}

    def plain(value: Any) -> Any:
        kind = type(value)
        if kind not in accepted:
            raise TreeError(wrong)
        if (kind is int and not -_INTEGER_END < value < _INTEGER_END) or (
            kind is float and not math.isfinite(value)
        ):
            raise TreeError("is out of range")
        if kind is str and not value.isascii():
            _check_text(value)
        return value

    return plain


def _check_text(value: str) -> None:
    try:
        value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise TreeError("is no text") from None


def _record(kind: Any) -> _Reader:
    hints = get_type_hints(kind)
    readers = {item.name: _reader(hints[item.name]) for item in fields(kind)}

    def record(value: Any) -> Any:
        if type(value) is not dict:
            raise TreeError("is no object")
        if len(value) > len(readers):
            raise TreeError("has fields that are not known")
        values = {}
        for name, reader in readers.items():
            if name not in value:
                raise TreeError("is missing", f".{name}")
            try:
                values[name] = reader(value[name])
            except TreeError as error:
                raise error.below(f".{name}") from None
        return kind(**values)

    return record


def _list(reader: _Reader) -> _Reader:
    def rows(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise TreeError("is no list")
        found: list[Any] = []
        try:
            for row in value:
                found.append(reader(row))
        except TreeError as error:
            raise error.below(f"[{len(found)}]") from None
        return tuple(found)

    return rows


def _dict(reader: _Reader) -> _Reader:
    def entries(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise TreeError("is no object")
        found = {}
        for name, entry in value.items():
            _check_text(name)
            try:
                found[name] = reader(entry)
            except TreeError as error:
                raise error.below(f"[{name!r}]") from None
        return found

    return entries


def _integers(count: int) -> _Reader:
    kinds = [int] * count

    def integers(value: Any) -> tuple[int, ...]:
        if type(value) is not list or [*map(type, value)] != kinds:
            raise TreeError(f"is no list of {count} integers")
        if min(value) <= -_INTEGER_END or max(value) >= _INTEGER_END:
            raise TreeError("is out of range")
        return tuple(value)

    return integers
