"""Settings and secrets granted to the plugin in ``queues.toml``.

They stand under ``config`` and ``secrets`` of ``[plugins.<name>]``:
``config = { sender = "Example <no-reply@example.com>" }`` and
``secrets = { RESEND_API_KEY = "env:RESEND_API_KEY" }``.
"""

from __future__ import annotations

import json as _stdlib_json
from typing import Any, TypeVar, overload

from ._host import host
from .failures import Reject

_D = TypeVar("_D")


@overload
def get(key: str) -> str | None: ...
@overload
def get(key: str, default: _D) -> str | _D: ...
def get(key: str, default: Any = None) -> Any:
    """The setting of this name under ``config``, or the default if it is not set.

    A string as it is, any other value as JSON text; `json` reads it.
    """
    value = host().setting(key)
    return default if value is None else value


def require(key: str) -> str:
    """A setting that the plugin cannot do without.

    Raises `Reject`, saying which setting to add.
    """
    value = host().setting(key)
    if value is None:
        raise Reject(
            f'the setting "{key}" is missing; add it to config under [plugins.<name>] '
            "in queues.toml"
        )
    return value


def json(key: str, default: Any = None) -> Any:
    """A setting that is a number, a list, a table, …, or the default if it is not set.

    Raises `Reject` if it is a string that is not JSON.
    """
    value = host().setting(key)
    if value is None:
        return default
    try:
        return _stdlib_json.loads(value)
    except ValueError as error:
        raise Reject(f'the setting "{key}" does not fit: {error}') from None


def all() -> dict[str, str]:
    """All settings, sorted by name, as `get` gives them."""
    return dict(host().settings())


def secret(name: str) -> str | None:
    """The secret of this name under ``secrets``; `None` if it is not granted or not set.

    Runner replaces its value by ``[redacted]`` wherever the plugin lets it out.
    """
    return host().secret(name)


def require_secret(name: str) -> str:
    """A secret that the plugin cannot do without.

    Raises `Reject`, saying which secret to grant.
    """
    value = host().secret(name)
    if value is None:
        raise Reject(
            f'the secret "{name}" is missing; grant it in secrets under [plugins.<name>] '
            "in queues.toml"
        )
    return value
