"""JSON read as a type: those of ``runner contract python``, dataclasses, containers."""

from __future__ import annotations

import base64
import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from typing import Any, Union

_Reader = Callable[[Any], Any]


def reader(hint: Any) -> _Reader:
    """A function that makes a value of this type from what `json` read."""
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is typing.Annotated:
        return reader(arguments[0])
    if origin is list:
        return _list(reader(arguments[0]))
    if origin is dict:
        return _dict(reader(arguments[1]))
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return _tuple([reader(one) for one in arguments])
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if isinstance(hint, type):
        from_json = getattr(hint, "from_json", None)
        if from_json is not None:
            return typing.cast(_Reader, from_json)
        if issubclass(hint, enum.Enum):
            return hint
        if hint is bytes:
            return base64.b64decode
        if dataclasses.is_dataclass(hint):
            return _dataclass(hint)
    return _same


def _same(value: Any) -> Any:
    return value


def _list(read: _Reader) -> _Reader:
    return _same if read is _same else lambda value: [read(one) for one in value]


def _dict(read: _Reader) -> _Reader:
    return _same if read is _same else lambda value: {k: read(v) for k, v in value.items()}


def _tuple(reads: list[_Reader]) -> _Reader:
    return lambda value: tuple(read(one) for read, one in zip(reads, value, strict=True))


def _union(options: tuple[Any, ...]) -> _Reader:
    """An optional type, or the classes of a variant, each with its ``tag``."""
    some = [option for option in options if option is not type(None)]
    tagged = {getattr(option, "tag", None): option for option in some}
    if None not in tagged:
        read = _tagged({tag: reader(option) for tag, option in tagged.items()})
    elif len(some) == 1:
        read = reader(some[0])
    else:
        return _same
    if len(some) == len(options):
        return read
    return lambda value: None if value is None else read(value)


def _tagged(cases: dict[Any, _Reader]) -> _Reader:
    return lambda value: cases[value["tag"]](value)


def _dataclass(kind: Any) -> _Reader:
    """Fields by their own names; further keys are left out."""
    hints = typing.get_type_hints(kind)
    readers = {f.name: reader(hints[f.name]) for f in dataclasses.fields(kind) if f.init}

    def read(value: Any) -> Any:
        given = {name: of(value[name]) for name, of in readers.items() if name in value}
        return kind(**given)

    return read
