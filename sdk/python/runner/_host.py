"""The host's functions: its real imports in a component, `runner.testing.Host` elsewhere.

The only place that tells the two apart.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Protocol

IN_COMPONENT = sys.platform == "wasi"
"""Whether this is a plugin, or being built as one."""


class HostError(Exception):
    """What the host refused: a case of a WIT variant, such as ``denied``."""

    def __init__(self, case: str, reason: str) -> None:
        super().__init__(reason)
        self.case = case
        self.reason = reason
        self.details: dict[str, Any] = {}
        """What an error of a database tells beside."""


@dataclass
class Request:
    """A request as the host takes it."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | None
    timeout: int | None
    redirects: int
    idempotent: bool


@dataclass
class Response:
    """A response as the host gives it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    url: str


@dataclass
class Added:
    """A job to add, as the host takes it."""

    queue: str
    name: str
    data: str
    options: dict[str, Any] = field(default_factory=dict)
    parent: int | None = None
    on_failure: str | None = None


Raw = tuple[str, Any]
"""A value of a database: the case of ``scalar`` in WIT and its content, or ``array`` and
such values."""


@dataclass
class RawStatement:
    """A statement as the host takes it."""

    text: str
    parameters: list[Raw]
    expect: int | None


@dataclass
class RawRows:
    """What a statement returned, as the host gives it."""

    columns: list[tuple[str, str]]
    rows: list[list[Raw]]
    affected: int


@dataclass
class RawObject:
    """What is known of an object, as the host gives it."""

    key: str
    size: int
    modified: int
    etag: str | None


class RawUpload(Protocol):
    """An object that is being written."""

    def append(self, content: bytes) -> None: ...
    def finish(self) -> str | None: ...


Condition = tuple[str, str | None]
"""What must be so for an object to be written: ``always``, ``absent``, or ``unchanged``
and its ``etag``."""


class Host(Protocol):
    """What a host does."""

    def current(self) -> Any: ...
    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None: ...
    def progress(self, percent: float, message: str | None) -> None: ...
    def progress_json(self, value: str) -> None: ...
    def send(self, request: Request) -> Response: ...
    def setting(self, key: str) -> str | None: ...
    def settings(self) -> list[tuple[str, str]]: ...
    def secret(self, name: str) -> str | None: ...
    def add(self, queue: str, jobs: list[Added]) -> list[str]: ...
    def add_flow(self, jobs: list[Added], children: bool) -> list[str]: ...
    def checkpoint(self, step: str) -> str | None: ...
    def put_checkpoint(self, step: str, value: str) -> None: ...
    def update_data(self, data: str) -> None: ...
    def children_values(self) -> list[tuple[str, str]]: ...
    def ignored_failures(self) -> list[tuple[str, str]]: ...
    def failed_children(self) -> list[str]: ...
    def dependencies(self) -> tuple[int, int, int, int]: ...
    def remove_unprocessed_children(self) -> None: ...
    def time_left(self) -> int: ...
    def sql_query(self, database: str, of: RawStatement, timeout: int | None) -> RawRows: ...
    def sql_execute(self, database: str, of: RawStatement, timeout: int | None) -> int: ...
    def sql_transaction(
        self, database: str, of: list[RawStatement], timeout: int | None
    ) -> list[RawRows]: ...
    def kv_get(self, key: str) -> tuple[bytes, int | None] | None: ...
    def kv_set(self, key: str, value: bytes, ttl: int | None) -> None: ...
    def kv_compare_and_set(
        self, key: str, expected: bytes | None, value: bytes | None, ttl: int | None
    ) -> bool: ...
    def kv_increment(self, key: str, by: int, ttl: int | None) -> int: ...
    def kv_expire(self, key: str, ttl: int | None) -> bool: ...
    def kv_delete(self, key: str) -> bool: ...
    def kv_list(
        self, prefix: str, cursor: str | None, limit: int
    ) -> tuple[list[str], str | None]: ...
    def blob_get(
        self, store: str, key: str, span: tuple[int, int] | None
    ) -> tuple[bytes, RawObject]: ...
    def blob_head(self, store: str, key: str) -> RawObject: ...
    def blob_put(
        self, store: str, key: str, content: bytes, condition: Condition, content_type: str | None
    ) -> str | None: ...
    def blob_begin(
        self, store: str, key: str, condition: Condition, content_type: str | None
    ) -> RawUpload: ...
    def blob_delete(self, store: str, key: str) -> None: ...
    def blob_list(
        self, store: str, prefix: str, cursor: str | None, limit: int
    ) -> tuple[list[RawObject], str | None]: ...
    def blob_presign(self, store: str, key: str, access: str, seconds: int) -> str: ...


_installed: Host | None = None


def install(host: Host | None) -> Host | None:
    """Let this host answer from now on; returns the one before it."""
    global _installed
    before, _installed = _installed, host
    return before


def host() -> Host:
    """Who answers.

    Raises `RuntimeError` where nobody does.
    """
    if _installed is None:
        raise RuntimeError(
            "there is no host here; in a test write `with runner.testing.Host() as host:`"
        )
    return _installed
