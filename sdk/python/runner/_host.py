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
