"""The databases, keys and objects of `runner.testing.Host`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from . import blobs, kv, sql
from ._host import Condition, RawObject, RawRows, RawStatement
from ._units import Duration, millis

_T = TypeVar("_T")

# What one call may carry, by wit/runner/blobs.wit.
_CALL = 8 << 20


@dataclass
class Asked:
    """A statement that was run."""

    database: str
    """The name of the database."""
    text: str
    """The text, as it was given."""
    parameters: list[Any]
    """The parameters, as they would be read back."""
    expect: int | None
    """How many rows it had to return or change."""
    place: int | None
    """Its place in its transaction; `None` if it was run by itself."""


class Outcome:
    """What a statement comes to."""

    def __init__(self, raw: RawRows | sql.Error) -> None:
        self._raw = raw

    @staticmethod
    def rows(columns: Iterable[str], *rows: Iterable[Any]) -> Outcome:
        """Rows: ``Outcome.rows(["id", "name"], [1, "Ada"], [2, "Bob"])``."""
        names = [columns] if isinstance(columns, str) else [*columns]
        values = [[sql.raw(one, at) for at, one in enumerate(row)] for row in rows]
        for row in values:
            if len(row) != len(names):
                raise TypeError(f"a row has {len(row)} values for the columns {names}")
        return Outcome(RawRows([(name, "") for name in names], values, len(values)))

    @staticmethod
    def changed(rows: int) -> Outcome:
        """So many rows were changed, and none returned."""
        return Outcome(RawRows([], [], rows))

    @staticmethod
    def error(error: sql.Error) -> Outcome:
        """An exception of `runner.sql`."""
        return Outcome(error)


class Databases:
    """They answer by a script."""

    def __init__(self, statements: list[Asked]) -> None:
        self._statements = statements
        self._expected: list[tuple[str, str, Outcome]] = []

    def expect(self, database: str, part: str, outcome: Outcome) -> None:
        """Answer one statement."""
        self._expected.append((database, part, outcome))

    def unrun(self) -> list[str]:
        """What was expected and not run."""
        return [f"{database}: {part}" for database, part, _ in self._expected]

    def run(self, database: str, of: RawStatement, place: int | None = None) -> RawRows:
        """Answer a statement."""
        read = [sql._value(one) for one in of.parameters]
        text = " ".join(of.text.split())
        for at, (to, part, outcome) in enumerate(self._expected):
            if to == database and " ".join(part.split()) in text:
                del self._expected[at]
                self._statements.append(Asked(database, of.text, read, of.expect, place))
                return self._answer(outcome, of.expect, place)
        raise AssertionError(
            f"an unexpected statement on {database!r}: {text}; expected: {self.unrun()}"
        )

    def _answer(self, outcome: Outcome, expect: int | None, place: int | None) -> RawRows:
        raw = outcome._raw
        if not isinstance(raw, sql.Error) and expect not in (None, raw.affected):
            raw = sql.Expectation(f"the statement had {raw.affected} rows instead of {expect}")
        if isinstance(raw, sql.Error):
            raw.statement = place if raw.statement is None else raw.statement
            raise raw
        return raw


class Keys:
    """Keys in memory, which end by the clock of the test."""

    refusal: kv.Error | None = None
    """While it is set, every call of `runner.kv` raises it."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[bytes, int | None]] = {}
        self._now = 0

    def advance(self, by: Duration) -> None:
        """Let time pass."""
        self._now += millis(by)

    def all(self) -> dict[str, bytes]:
        """The keys and their values."""
        return {key: self._lasting()[key][0] for key in sorted(self._lasting())}

    def _lasting(self) -> dict[str, tuple[bytes, int | None]]:
        over = [key for key, (_, end) in self._held.items() if end is not None and end <= self._now]
        for key in over:
            del self._held[key]
        return self._held

    def asked(self, key: str) -> dict[str, tuple[bytes, int | None]]:
        """The keys, for a call that is not refused."""
        if self.refusal is not None:
            raise self.refusal
        # The bound of wit/runner/kv.wit.
        size = len(key.encode())
        if not 1 <= size <= 512:
            raise kv.Invalid(f"a key has 1 to 512 bytes, not {size}")
        return self._lasting()

    def end(self, ttl: int | None) -> int | None:
        """When a time that begins now is over."""
        return None if ttl is None else self._now + ttl

    def left(self, end: int | None) -> int | None:
        """How long it is until then."""
        return None if end is None else end - self._now


@dataclass
class _Held:
    content: bytes
    content_type: str | None
    modified: int
    etag: str


class Blobs:
    """Objects in memory."""

    refusal: blobs.Error | None = None
    """While it is set, every call of `runner.blobs` raises it."""

    def __init__(self) -> None:
        self._stores: dict[str, dict[str, _Held]] = {}
        self._written = 0

    def put(self, store: str, key: str, content: bytes, content_type: str | None = None) -> str:
        """Put an object into a store. Returns its ``etag``."""
        self._written += 1
        held = _Held(content, content_type, int(time.time() * 1000), str(self._written))
        self._stores.setdefault(store, {})[key] = held
        return held.etag

    def all(self, store: str) -> dict[str, bytes]:
        """The objects of a store and their content."""
        objects = self._stores.get(store, {})
        return {key: objects[key].content for key in sorted(objects)}

    def content_type(self, store: str, key: str) -> str | None:
        """The ``Content-Type`` that an object was written with."""
        return self._stores[store][key].content_type

    def asked(self, store: str) -> dict[str, _Held]:
        """The objects of a store, for a call that is not refused."""
        if self.refusal is not None:
            raise self.refusal
        return self._stores.setdefault(store, {})

    def find(self, store: str, key: str) -> _Held:
        """An object that must be there."""
        held = self.asked(store).get(key)
        if held is None:
            raise blobs.NotFound(f"{key!r} in the store {store!r}")
        return held

    def write(
        self, store: str, key: str, content: bytes, condition: Condition, content_type: str | None
    ) -> str:
        """Write an object, if it may be."""
        held = self.asked(store).get(key)
        case, wanted = condition
        etag = None if held is None else held.etag
        if case != "always" and etag != wanted:
            why = "is not there" if held is None else "is there already or was changed"
            raise blobs.Precondition(f"{key!r} {why}")
        return self.put(store, key, content, content_type)


class _Upload:
    def __init__(self, of: Blobs, *arguments: Any) -> None:
        self._of = of
        self._arguments = arguments
        self._content = bytearray()

    def append(self, content: bytes) -> None:
        self._of.asked(self._arguments[0])
        self._content += _carried(content)

    def finish(self) -> str | None:
        store, key, condition, content_type = self._arguments
        return self._of.write(store, key, bytes(self._content), condition, content_type)


def _carried(content: bytes) -> bytes:
    if len(content) > _CALL:
        raise blobs.TooLarge(f"{len(content)} bytes; a call carries 8 MiB")
    return content


def _paged(
    names: Iterable[str], cursor: str | None, limit: int, make: Callable[[str], _T]
) -> tuple[list[_T], str | None]:
    """One page in the order of the names; the cursor is the last name."""
    rest = sorted(name for name in names if cursor is None or name > cursor)
    page = rest[:limit]
    return [make(name) for name in page], page[-1] if len(rest) > limit else None


class Reach:
    """The part of a `runner._host.Host` that they are."""

    def __init__(self, databases: Databases, keys: Keys, objects: Blobs) -> None:
        self._databases = databases
        self._keys = keys
        self._blobs = objects

    def sql_query(self, database: str, of: RawStatement, timeout: int | None) -> RawRows:
        return self._databases.run(database, of)

    def sql_execute(self, database: str, of: RawStatement, timeout: int | None) -> int:
        return self._databases.run(database, of).affected

    def sql_transaction(
        self, database: str, of: list[RawStatement], timeout: int | None
    ) -> list[RawRows]:
        return [self._databases.run(database, one, place) for place, one in enumerate(of)]

    def kv_get(self, key: str) -> tuple[bytes, int | None] | None:
        held = self._keys.asked(key).get(key)
        return None if held is None else (held[0], self._keys.left(held[1]))

    def kv_set(self, key: str, value: bytes, ttl: int | None) -> None:
        self._keys.asked(key)[key] = value, self._keys.end(ttl)

    def kv_compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, ttl: int | None
    ) -> bool:
        keys = self._keys.asked(key)
        if keys.get(key, (None, None))[0] != expected:
            return False
        if value is None:
            keys.pop(key, None)
        else:
            keys[key] = value, self._keys.end(ttl)
        return True

    def kv_increment(self, key: str, by: int, ttl: int | None) -> int:
        keys = self._keys.asked(key)
        value, end = keys.get(key, (b"0", self._keys.end(ttl)))
        try:
            total = int(value.decode("ascii")) + by
        except ValueError:
            raise kv.Invalid(f"{key!r} holds no integer") from None
        if not -(2**63) <= total < 2**63:
            raise kv.Invalid(f"{key!r} would exceed 64 bits")
        keys[key] = str(total).encode(), end
        return total

    def kv_expire(self, key: str, ttl: int | None) -> bool:
        keys = self._keys.asked(key)
        if key not in keys:
            return False
        keys[key] = keys[key][0], self._keys.end(ttl)
        return True

    def kv_delete(self, key: str) -> bool:
        return self._keys.asked(key).pop(key, None) is not None

    def kv_list(self, prefix: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
        names = [key for key in self._keys.asked("any") if key.startswith(prefix)]
        return _paged(names, cursor, limit, str)

    def blob_get(
        self, store: str, key: str, span: tuple[int, int] | None
    ) -> tuple[bytes, RawObject]:
        content = self._blobs.find(store, key).content
        if span is not None:
            content = content[span[0] : sum(span)]
        return _carried(content), self.blob_head(store, key)

    def blob_head(self, store: str, key: str) -> RawObject:
        held = self._blobs.find(store, key)
        return RawObject(key, len(held.content), held.modified, held.etag)

    def blob_put(
        self, store: str, key: str, content: bytes, condition: Condition, content_type: str | None
    ) -> str | None:
        return self._blobs.write(store, key, _carried(content), condition, content_type)

    def blob_begin(
        self, store: str, key: str, condition: Condition, content_type: str | None
    ) -> _Upload:
        self._blobs.asked(store)
        return _Upload(self._blobs, store, key, condition, content_type)

    def blob_delete(self, store: str, key: str) -> None:
        self._blobs.asked(store).pop(key, None)

    def blob_list(
        self, store: str, prefix: str, cursor: str | None, limit: int
    ) -> tuple[list[RawObject], str | None]:
        names = [key for key in self._blobs.asked(store) if key.startswith(prefix)]
        return _paged(names, cursor, limit, lambda key: self.blob_head(store, key))

    def blob_presign(self, store: str, key: str, access: str, seconds: int) -> str:
        self._blobs.asked(store)
        return f"https://{store}.test/{key}?access={access}&seconds={seconds}"
