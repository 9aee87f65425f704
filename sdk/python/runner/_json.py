"""JSON as handlers read and write it: exact integers, no NaN, dataclasses and dates."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from typing import Any


class RawJson:
    """JSON text that is passed on as it is: ``return RawJson(job.text)``.

    Only as a whole result or payload, not inside of one. Runner checks that it is JSON.
    """

    __slots__ = ("text",)

    text: str
    """The text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"RawJson({self.text!r})"


def dumps(value: Any) -> str:
    """Write JSON, in UTF-8.

    Beside what `json` knows: dataclasses and types made by
    ``runner contract python``, enums by value, dates and times in ISO 8601, `Decimal`
    and `UUID` as strings, bytes as base64, sets as arrays.

    Raises `TypeError` for anything else and `ValueError` for NaN, infinity and
    circles.
    """
    if type(value) is RawJson:
        return value.text
    text = _encode(value)
    # A lone surrogate has no UTF-8, but an escape.
    return text if text.isascii() or has_utf8(text) else _escape(value)


def has_utf8(text: str) -> bool:
    """Whether a text can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str) -> str:
    """A text that can be encoded: lone surrogates are escaped."""
    if text.isascii() or has_utf8(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def plain(value: Any) -> Any:
    """What stands in JSON for a value that `json` does not know."""
    to_json = getattr(value, "to_json", None)
    if to_json is not None and not isinstance(value, type):
        return to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    raise TypeError(f"a {type(value).__qualname__} has no JSON")


_FORM: Any = {"allow_nan": False, "separators": (",", ":"), "default": plain}
_encode = json.JSONEncoder(ensure_ascii=False, **_FORM).encode
_escape = json.JSONEncoder(ensure_ascii=True, **_FORM).encode
