"""Databases, keys and objects as a component imports them: only those interfaces that the
project uses. Knows the bindings that componentize-py makes of ``wit/runner``.
"""

from __future__ import annotations

import importlib
from typing import Any

from componentize_py_types import Err

from ._host import Condition, HostError, Raw, RawObject, RawRows, RawStatement


class _Absent:
    """An interface that the component was built without."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, _: str) -> Any:
        raise RuntimeError(
            f"this component was built without runner.{self._name}: write `from runner import "
            f"{self._name}` in a module of the project, where the build finds it"
        )


def _interface(name: str) -> Any:
    try:
        return importlib.import_module(f"wit_world.imports.{name}")
    except ImportError:
        return _Absent(name)


_sql = _interface("sql")
_kv = _interface("kv")
_blobs = _interface("blobs")


class Reach:
    """The part of a `runner._host.Host` that they are."""

    def sql_query(self, database: str, of: RawStatement, timeout: int | None) -> RawRows:
        statement = _statement(of)
        try:
            return _rows(_sql.query(database, statement, timeout))
        except Err as error:
            raise _refused_sql(error.value) from None

    def sql_execute(self, database: str, of: RawStatement, timeout: int | None) -> int:
        statement = _statement(of)
        try:
            changed: int = _sql.execute(database, statement, timeout)
            return changed
        except Err as error:
            raise _refused_sql(error.value) from None

    def sql_transaction(
        self, database: str, of: list[RawStatement], timeout: int | None
    ) -> list[RawRows]:
        statements = [_statement(one) for one in of]
        try:
            return [_rows(one) for one in _sql.transaction(database, statements, timeout)]
        except Err as error:
            raise _refused_sql(error.value) from None

    def kv_get(self, key: str) -> tuple[bytes, int | None] | None:
        entry = _told(_kv.get, key)
        return None if entry is None else (entry.value, entry.ttl)

    def kv_set(self, key: str, value: bytes, ttl: int | None) -> None:
        _told(_kv.set, key, value, ttl)

    def kv_compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, ttl: int | None
    ) -> bool:
        done: bool = _told(_kv.compare_and_set, key, expected, value, ttl)
        return done

    def kv_increment(self, key: str, by: int, ttl: int | None) -> int:
        total: int = _told(_kv.increment, key, by, ttl)
        return total

    def kv_expire(self, key: str, ttl: int | None) -> bool:
        held: bool = _told(_kv.expire, key, ttl)
        return held

    def kv_delete(self, key: str) -> bool:
        held: bool = _told(_kv.delete, key)
        return held

    def kv_list(self, prefix: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        page = _told(_kv.list_keys, prefix, cursor, limit)
        return page.keys, page.cursor

    def blob_get(
        self, store: str, key: str, span: tuple[int, int] | None
    ) -> tuple[bytes, RawObject]:
        content = _told(_blobs.get, store, key, None if span is None else _blobs.Range(*span))
        return content.bytes, _object(content.object)

    def blob_head(self, store: str, key: str) -> RawObject:
        return _object(_told(_blobs.head, store, key))

    def blob_put(
        self,
        store: str,
        key: str,
        content: bytes,
        condition: Condition,
        content_type: str | None,
    ) -> str | None:
        options = _options(condition, content_type)
        etag: str | None = _told(_blobs.put, store, key, content, options)
        return etag

    def blob_begin(
        self, store: str, key: str, condition: Condition, content_type: str | None
    ) -> _Upload:
        return _Upload(_told(_blobs.begin, store, key, _options(condition, content_type)))

    def blob_delete(self, store: str, key: str) -> None:
        _told(_blobs.delete, store, key)

    def blob_list(
        self, store: str, prefix: str, cursor: str | None, limit: int
    ) -> tuple[list[RawObject], str | None]:
        page = _told(_blobs.list_objects, store, prefix, cursor, limit)
        return [_object(one) for one in page.objects], page.cursor

    def blob_presign(self, store: str, key: str, access: str, seconds: int) -> str:
        url: str = _told(
            _blobs.presign, store, key, _blobs.Access[access.upper()], min(seconds, 2**32 - 1)
        )
        return url


class _Upload:
    """An object that is being written."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def append(self, content: bytes) -> None:
        _told(self._resource.append, content)

    def finish(self) -> str | None:
        etag: str | None = _told(self._resource.finish)
        return etag


def _told(function: Any, *arguments: Any) -> Any:
    """Call what fails with a case of a variant."""
    try:
        return function(*arguments)
    except Err as error:
        case = type(error.value).__name__.removeprefix("Error_")
        raise HostError(case, error.value.value) from None


def _refused_sql(error: Any) -> HostError:
    refused = HostError(error.kind.name.lower(), error.message)
    refused.details = {
        "code": error.code,
        "constraint": error.constraint,
        "statement": error.statement,
        "position": error.position,
    }
    return refused


def _statement(of: RawStatement) -> Any:
    return _sql.Statement(of.text, [_parameter(one) for one in of.parameters], of.expect)


def _parameter(raw: Raw) -> Any:
    kind, value = raw
    if kind == "array":
        return _sql.Value_Array([_scalar(one) for one in value])
    return _sql.Value_Scalar(_scalar(raw))


def _scalar(raw: Raw) -> Any:
    kind, value = raw
    case = getattr(_sql, f"Scalar_{kind.capitalize()}")
    return case() if kind == "null" else case(value)


def _rows(of: Any) -> RawRows:
    columns = [(one.name, one.kind) for one in of.columns]
    return RawRows(columns, [[_raw(one) for one in row] for row in of.rows], of.affected)


def _raw(value: Any) -> Raw:
    if isinstance(value, _sql.Value_Array):
        return "array", [_raw_scalar(one) for one in value.value]
    return _raw_scalar(value.value)


def _raw_scalar(scalar: Any) -> Raw:
    kind = type(scalar).__name__.removeprefix("Scalar_").lower()
    return kind, getattr(scalar, "value", None)


def _object(of: Any) -> RawObject:
    return RawObject(of.key, of.size, of.modified, of.etag)


def _options(condition: Condition, content_type: str | None) -> Any:
    case, tag = condition
    kind = getattr(_blobs, f"Condition_{case.capitalize()}")
    return _blobs.WriteOptions(kind() if tag is None else kind(tag), content_type)
