"""What happens once, when the component is built: the order is that of `runner build`.

`begin`, then the project's own modules, then `finish`. Imported only then.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import opcode
import os
import sys
import types
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from . import _component, _guest, _handler, _host, _logging, _loop, _snapshot, _urllib

# What functions of the standard library import late and a plugin may need. All that they
# name would be 8 MB more, most of it for terminals, threads and archives.
_WANTED = {
    "annotationlib", "ast", "asyncio", "base64", "binascii", "bisect", "calendar", "contextlib",
    "copy", "datetime", "errno", "fractions", "hashlib", "heapq", "html.entities",
    "inspect", "io", "ipaddress", "json", "linecache", "locale", "math", "numbers", "operator",
    "quopri", "random", "re", "secrets", "shutil", "stat", "string", "struct", "textwrap",
    "traceback", "types", "unicodedata", "urllib.parse", "warnings", "weakref", "xml",
    "zlib",
}  # fmt: skip

# What C code imports late, where no function of Python shows it.
_LATE = ["_strptime", "encodings.idna", "zlib", "unicodedata", "stringprep"]


def begin() -> None:
    """Before the first module of the project is imported."""
    _host.install(_component.ComponentHost())
    _logging.install()
    _loop.install()
    _urllib.install()
    _snapshot.watch()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def finish(
    module: ModuleType, roots: list[tuple[str, str]], include: list[str]
) -> type[_guest.Handler]:
    """After it: everything is imported, warm and without the build's randomness.

    `roots` are the directories of the project's modules as the component has them, each
    with its name for people; `include` are modules that must be in the component.
    """
    _guest.roots[:] = roots
    _handler.adopt(module)
    for name in include:
        importlib.import_module(name)
    for name in [*_LATE, *_encodings()]:
        _import(name)
    _import_late()
    _keep_time_zones()
    _guest.remember_sources()
    sys.meta_path.append(_Missing())  # type: ignore[arg-type]
    _warm_up()
    _snapshot.freeze()
    return _guest.Handler


def _import(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        importlib.import_module(name)
    except BaseException:
        return False
    return True


def _encodings() -> Iterator[str]:
    """Each is imported when it is first used."""
    import encodings

    for file in sorted(os.listdir(os.path.dirname(encodings.__file__))):
        name, dot, kind = file.partition(".")
        if kind == "py" and name not in ("mbcs", "oem", "__init__"):
            yield f"encodings.{name}"


def _import_late() -> None:
    """Import what functions import when they are called: later there are no files."""
    seen: set[int] = set()
    for _ in range(8):
        wanted = set()
        for function in gc.get_objects():
            if type(function) is types.FunctionType and id(function.__code__) not in seen:
                seen.add(id(function.__code__))
                # The project, its packages and the SDK are at `/0/`, `/1/`, …; the standard
                # library is at `/python/` or frozen.
                file = function.__code__.co_filename
                own = file[1:2].isdigit() and file != __file__
                names = _imports(function.__code__, function.__globals__)
                wanted.update(name for name in names if own or _is_wanted(name))
        new = [name for name in sorted(wanted) if name not in sys.modules]
        if not any([_import(name) for name in new]):
            break
    if _is_used("email.message"):
        _import("email.policy")


def _is_used(name: str) -> bool:
    """Whether a module of the project, or a package of it, names what that one has."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file[1:2].isdigit() and not module.__name__.startswith("runner"):
            for value in vars(module).values():
                if name in (getattr(value, "__module__", ""), getattr(value, "__name__", "")):
                    return True
    return False


def _is_wanted(name: str) -> bool:
    return name in _WANTED or name.partition(".")[0] in ("asyncio", "json", "xml")


def _imports(code: types.CodeType, scope: dict[str, Any]) -> Iterator[str]:
    """The modules that a function imports, from its bytecode."""
    level, names = 0, ()
    last: list[Any] = [None, None]
    extended = 0
    instructions = code.co_code
    for at in range(0, len(instructions), 2):
        op, argument = opcode.opname[instructions[at]], instructions[at + 1] | extended << 8
        extended = argument if op == "EXTENDED_ARG" else 0
        if op == "IMPORT_NAME":
            level, names = last[-2] or 0, last[-1] or ()
            name = _absolute(code.co_names[argument], level, scope)
            if name:
                yield name
                package = sys.modules.get(name)
                if package is None or hasattr(package, "__path__"):
                    for one in names:
                        if one != "*" and not hasattr(package, one):
                            yield f"{name}.{one}"
        elif op == "LOAD_CONST":
            last = [last[-1], code.co_consts[argument]]
        elif op == "LOAD_SMALL_INT":
            last = [last[-1], argument]
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _imports(inner, scope)


def _absolute(name: str, level: int, scope: dict[str, Any]) -> str | None:
    if not level:
        return name
    package = scope.get("__package__") or ""
    base = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*base, name] if name else base) or None


_zones: dict[str, bytes] = {}


def _keep_time_zones() -> None:
    """`zoneinfo` reads files of the package tzdata: keep them in memory."""
    if "zoneinfo" not in sys.modules:
        return
    from zoneinfo import _common  # type: ignore[attr-defined]

    try:
        import tzdata
    except ImportError:
        tzdata = None  # type: ignore[assignment]
    if tzdata is not None:
        root = os.path.join(os.path.dirname(tzdata.__file__), "zoneinfo")
        for directory, _, files in os.walk(root):
            for file in files:
                path = os.path.join(directory, file)
                with open(path, "rb") as zone:
                    data = zone.read()
                if data.startswith(b"TZif"):
                    key = os.path.relpath(path, root)
                    _zones[key] = zlib.compress(data, 9)
    _common.load_tzdata = _load_zone
    import zoneinfo

    zoneinfo.available_timezones = lambda: set(_zones)  # type: ignore[assignment]
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()


def _load_zone(key: str) -> Any:
    import io
    from zoneinfo import ZoneInfoNotFoundError

    data = _zones.get(key)
    if data is None:
        why = "" if _zones else '; add "tzdata" to [project] dependencies in pyproject.toml'
        raise ZoneInfoNotFoundError(f"No time zone found with key {key}{why}")
    return io.BytesIO(zlib.decompress(data))


class _Missing:
    """The last finder: says why a module is not there, and the way out."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        # Asking for what may be missing is common in `try`; the text is for whoever
        # sees it.
        raise ModuleNotFoundError(
            f"No module named {name!r} in this component, which holds what was imported when "
            "it was built: import it at the top of a module, or list it in `include` under "
            "[tool.runner] in pyproject.toml",
            name=name,
        )


class _Raw:
    """A job's record, for warming up."""

    id = queue = name = "warm"
    data = '{"a":[1,2.5,"x",null,true]}'
    attempt = max_attempts = added_at = started_at = 1
    priority = delay = 0
    request_id = parent = None


def _warm_up() -> None:
    """Run the SDK's path until CPython has specialised it, which would otherwise be done,
    and written to memory, in every job."""
    entry = _handler.Entry(lambda job: job.data)

    async def slow(job: Any) -> Any:
        return job.data

    for _ in range(64):
        job = _handler.Job(_Raw())
        value = entry.call(job)
        _handler.result_of(value)
        _loop.run(slow(job))
        logging.getLogger().isEnabledFor(logging.INFO)
        json.loads(_Raw.data)
