"""Statements for the databases that are granted to the plugin::

    from dataclasses import dataclass
    from decimal import Decimal
    from runner import sql

    @dataclass
    class Invoice:
        id: int
        total: Decimal

    rows = sql.query("main", "select id, total from invoices where customer = $1", [7])
    invoices = rows.into(Invoice)

    with sql.transaction("main") as both:
        both.add("update stock set count = count - 1 where sku = $1", ["B-7"], expect=1)
        both.add("insert into orders (sku) values ($1)", ["B-7"])

The databases are granted by name in ``queues.toml``::

    [plugins.billing.sql]
    main = "env:DATABASE_URL"

The placeholders are the database's own: ``$1`` in Postgres, ``?`` in MySQL and SQLite.

Values come exactly: `int`, `float`, `str`, `bytes`, `bool`, `None`, `Decimal`, `UUID`,
`date`, `time`, `datetime` (with ``tzinfo=UTC`` where the database has a point in time),
JSON as `json.loads` reads it, and an array of Postgres as a list. What Python's type
cannot hold, such as ``infinity`` or a year before 1, stays the database's text; so do
enums, intervals and addresses.

An uncaught error ends the attempt as it deserves: what may work later is retried, and
what cannot is rejected.
"""

from __future__ import annotations

import enum
import json as _json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any, TypeVar, overload
from uuid import UUID

from ._host import HostError, Raw, RawRows, RawStatement, host
from ._json import RawJson, dumps
from ._units import Duration, millis
from .failures import Failure, Reject, Retry

_T = TypeVar("_T")


class Error(Exception):
    """Why there is no result. It holds no value of a parameter or a row."""

    kind: str = "error"
    """Which of its classes it is, in a word: ``denied``, ``conflict``, …"""
    code: str | None = None
    """The SQLSTATE of Postgres and MySQL, the extended result code of SQLite."""
    constraint: str | None = None
    """The constraint that forbids it, where the database names it."""
    statement: int | None = None
    """The index of the statement in its transaction."""
    position: int | None = None
    """Byte of the statement's text at which the error is, where the database names it."""

    def _verdict(self) -> Failure:
        return Reject(self)


class _Passing(Error):
    def _verdict(self) -> Failure:
        return Retry(self)


class Denied(Error):
    """The database is not granted, or only for reading."""

    kind = "denied"


class Invalid(Error):
    """The statement is wrong, or a value does not fit its type."""

    kind = "invalid"


class Constraint(Error):
    """A unique key, a foreign key, a check or ``not null`` forbids it. Often an earlier
    attempt has done it already; ``on conflict do nothing`` lets that pass."""

    kind = "constraint"


class Expectation(Error):
    """A statement had another number of rows than it expects. Nothing was changed."""

    kind = "expectation"


class Limit(Error):
    """More rows, bytes, statements or parameters than the grant allows."""

    kind = "limit"


class Content(Error):
    """The rows do not fit what they were read into."""

    kind = "content"


class Conflict(_Passing):
    """It met another transaction, such as in a deadlock. Retried."""

    kind = "conflict"


class Timeout(_Passing):
    """It took longer than it may. Nothing was changed. Retried."""

    kind = "timeout"


class Unavailable(_Passing):
    """The database is not there, or closed the connection. Nothing was changed. Retried."""

    kind = "unavailable"


class Uncertain(_Passing):
    """The connection broke while the change was being committed: it may have been made or
    not. Retried, so the statement must bear to be run twice."""

    kind = "uncertain"


class Failed(_Passing):
    """The database failed in another way, named by `code`. Retried."""

    kind = "failed"


_ERRORS: dict[str, type[Error]] = {
    kind.kind: kind
    for kind in (
        Denied, Invalid, Constraint, Expectation, Limit, Conflict, Timeout, Unavailable,
        Uncertain, Failed,
    )
}  # fmt: skip


class Json:
    """A parameter that is JSON, of any value. A `dict` needs none."""

    __slots__ = ("text",)

    def __init__(self, value: Any) -> None:
        self.text = dumps(value)


@dataclass(frozen=True)
class Other:
    """A parameter of which the database finds out the type: an enum, an interval."""

    text: str
    """The value in the database's own form."""


class Row(tuple[Any, ...]):
    """A row: its values in the order of the columns, also by name.

    ``row[0]``, ``row["id"]``, ``row.id``, ``id, name = row``. Of two columns with one
    name the last counts; a name that is a method of `tuple` is found by ``row["count"]``.
    """

    _columns: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return tuple.__getitem__(self, self._columns[key])
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        at = self.__dict__.get("_columns", {}).get(name)
        if at is None:
            raise AttributeError(f"the row has no column {name!r}")
        return tuple.__getitem__(self, at)

    def dict(self) -> dict[str, Any]:
        """The values by column."""
        return {name: tuple.__getitem__(self, at) for name, at in self._columns.items()}


class Rows(Sequence[Row]):
    """What a statement returned: a sequence of rows."""

    columns: list[str]
    """The names of the columns."""
    kinds: list[str]
    """The database's own names of the columns' types; empty where it has none."""
    affected: int
    """How many rows were returned or changed."""

    def __init__(self, raw: RawRows) -> None:
        self.columns = [name for name, _ in raw.columns]
        self.kinds = [kind for _, kind in raw.columns]
        self.affected = raw.affected
        places = {name: at for at, name in enumerate(self.columns)}
        self._rows: list[Row] = []
        for values in raw.rows:
            row = Row(_value(one) for one in values)
            row._columns = places
            self._rows.append(row)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...
    def __getitem__(self, at: Any) -> Any:
        return self._rows[at]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def into(self, kind: Callable[..., _T]) -> list[_T]:
        """Each row as an object: a dataclass gets the columns that are fields of it, any
        other type all columns, by their names.

        Raises `Content` when a field has no column.
        """
        return [self._one(kind, at, row) for at, row in enumerate(self._rows)]

    def first(self) -> Row | None:
        """The first row, if there is one."""
        return self._rows[0] if self._rows else None

    def one(self) -> Row:
        """The only row.

        Raises `Expectation` if there is none or more than one.
        """
        if len(self._rows) != 1:
            found = len(self._rows)
            raise Expectation(f"one row was expected, and the statement returned {found}")
        return self._rows[0]

    def _one(self, kind: Callable[..., _T], at: int, row: Row) -> _T:
        given = row.dict()
        if is_dataclass(kind):
            wanted = [one for one in fields(kind) if one.init]
            given = {one.name: given[one.name] for one in wanted if one.name in given}
            for one in wanted:
                optional = one.default is not MISSING or one.default_factory is not MISSING
                if one.name not in given and not optional:
                    name = getattr(kind, "__name__", str(kind))
                    raise Content(f"row {at + 1} has no column {one.name!r}, which {name} needs")
        return kind(**given)


def query(
    database: str,
    text: str,
    parameters: Iterable[Any] = (),
    *,
    expect: int | None = None,
    timeout: Duration | None = None,
) -> Rows:
    """Run a statement and read all its rows. A change is committed before it returns.

    With `expect`, it must return or change that many rows; otherwise it is undone and
    raises `Expectation`. `timeout` sets a limit below the grant's own.

    Raises an `Error`.
    """
    statement = _statement(text, parameters, expect)
    return Rows(_asked(lambda: host().sql_query(database, statement, _limit(timeout))))


def execute(
    database: str,
    text: str,
    parameters: Iterable[Any] = (),
    *,
    expect: int | None = None,
    timeout: Duration | None = None,
) -> int:
    """Run a statement for its effect, and return how many rows it changed.

    Raises an `Error`.
    """
    statement = _statement(text, parameters, expect)
    return _asked(lambda: host().sql_execute(database, statement, _limit(timeout)))


class Transaction:
    """Statements of which all take effect or none does; made by `transaction`."""

    results: list[Rows]
    """What each statement returned, once all have run."""

    def __init__(self, database: str, timeout: Duration | None) -> None:
        self._database = database
        self._timeout = timeout
        self._statements: list[RawStatement] = []
        self.results = []

    def add(self, text: str, parameters: Iterable[Any] = (), *, expect: int | None = None) -> None:
        """Add a statement. With `expect`, it must return or change that many rows;
        otherwise all statements are undone, and `Expectation` is raised."""
        self._statements.append(_statement(text, parameters, expect))

    def commit(self) -> list[Rows]:
        """Run all statements, and return what each returned.

        Raises an `Error` whose `statement` is the index of the one that failed.
        """
        statements, self._statements = self._statements, []
        limit = _limit(self._timeout)
        raw = _asked(lambda: host().sql_transaction(self._database, statements, limit))
        self.results = [Rows(one) for one in raw]
        return self.results

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._statements:
            self.commit()


def transaction(database: str, *, timeout: Duration | None = None) -> Transaction:
    """Several statements of which all take effect or none does.

    They run with `commit`, or at the end of a ``with`` block that raises nothing; before
    that, nothing has been sent.
    """
    return Transaction(database, timeout)


def _asked(ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except HostError as error:
        raised = _ERRORS.get(error.case, Failed)(error.reason)
        for name, value in error.details.items():
            setattr(raised, name, value)
        raise raised from None


def _limit(timeout: Duration | None) -> int | None:
    return None if timeout is None else min(millis(timeout), 2**32 - 1)


def _statement(text: str, parameters: Iterable[Any], expect: int | None) -> RawStatement:
    if isinstance(parameters, (str, bytes)):
        raise Invalid("the parameters are a list of values, not one value")
    return RawStatement(text, [raw(one, at) for at, one in enumerate(parameters)], expect)


def raw(value: Any, at: int) -> Raw:
    """A value as the host takes it; `at` is its place among the parameters."""
    if isinstance(value, (list, tuple)):
        return "array", [_scalar(one, at) for one in value]
    return _scalar(value, at)


def _scalar(value: Any, at: int) -> Raw:
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None:
        return "null", None
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int):
        return ("integer", value) if -(2**63) <= value < 2**63 else ("numeric", str(value))
    if isinstance(value, float):
        return "float", value
    if isinstance(value, str):
        return "text", value
    if isinstance(value, Decimal):
        return "numeric", format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes", bytes(value)
    if isinstance(value, UUID):
        return "uuid", str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return "timestamp", value.isoformat()
        utc = value.astimezone(timezone.utc).replace(tzinfo=None)
        return "timestamptz", utc.isoformat() + "Z"
    if isinstance(value, date):
        return "date", value.isoformat()
    if isinstance(value, time) and value.tzinfo is None:
        return "time", value.isoformat()
    if isinstance(value, dict):
        return "json", dumps(value)
    if isinstance(value, (Json, RawJson)):
        return "json", value.text
    if isinstance(value, Other):
        return "other", value.text
    is_array = isinstance(value, (list, tuple))
    what = "an array in an array" if is_array else repr(type(value).__name__)
    raise Invalid(
        f"parameter {at + 1} is {what}, which is no value of SQL; sql.Json makes JSON of it, and "
        "sql.Other takes a text in the database's own form"
    )


def _value(raw: Raw) -> Any:
    kind, value = raw
    if kind == "array":
        return [_value(one) for one in value]
    read = _READ.get(kind)
    if read is None or value is None:
        return value
    try:
        return read(value)
    except ValueError:
        # Such as `infinity`, `24:00:00`, a year before 1.
        return value


def _full(text: str) -> str:
    """A time with all digits of its fraction, which Python before 3.11 asks for."""
    whole, dot, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}" if dot else text


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(_full(text.removesuffix("Z")))
    return moment.replace(tzinfo=timezone.utc)


_READ: dict[str, Callable[[Any], Any]] = {
    "numeric": Decimal,
    "json": _json.loads,
    "uuid": UUID,
    "date": date.fromisoformat,
    "time": lambda text: time.fromisoformat(_full(text)),
    "timestamp": lambda text: datetime.fromisoformat(_full(text)),
    "timestamptz": _instant,
}
