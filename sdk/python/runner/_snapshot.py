"""What a component must not keep from the time it was built.

The memory of a component is written when it is built, and each instance starts from
it. So whatever Python drew or read then would be the same in every job: `freeze` finds
it, and `thaw` draws and reads it anew before the first line of the first handler.
"""

from __future__ import annotations

import gc
import os
import random
import sys
import time
from typing import Any

from wit_world.imports import environment

frozen = False
"""Whether this instance has not begun yet."""

_seeded: set[int] = set()
_unseeded: list[random.Random] = []
_began = 0


def watch() -> None:
    """From now on, notice which random generators get a seed of their author's."""
    real = random.Random.seed

    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        real(self, a, version)
        (_seeded.discard if a is None else _seeded.add)(id(self))

    # The processor's time is counted from when the component was built.
    real_time = time.process_time_ns
    time.process_time_ns = lambda: real_time() - _began
    time.process_time = lambda: (real_time() - _began) / 1e9
    watch.real_time = real_time  # type: ignore[attr-defined]
    random.Random.seed = seed  # type: ignore[method-assign]
    random.seed = random._inst.seed  # type: ignore[attr-defined]
    watch.real = real  # type: ignore[attr-defined]


def freeze() -> None:
    """The last thing before the component is written."""
    global frozen
    random.Random.seed = watch.real  # type: ignore[attr-defined,method-assign]
    random.seed = random._inst.seed  # type: ignore[attr-defined]
    gc.collect()
    for one in gc.get_objects():
        if isinstance(one, random.Random) and not isinstance(one, random.SystemRandom):
            if id(one) not in _seeded:
                _unseeded.append(one)
    _seeded.clear()
    _forget()
    frozen = True
    gc.collect()
    _clear_free_memory()
    gc.freeze()


def _clear_free_memory() -> None:
    """Overwrite what was freed with zeros, which take no room in the component, and keep
    the small holes.

    Importing leaves megabytes of source and bytecode behind, in holes all over the
    memory. Blocks of zeros are taken, the largest first, until one comes from beyond the
    memory that is in use. If the small ones were given back, a job would get memory from
    hundreds of pages, each of which the system then has to copy.
    """
    end = max(map(id, gc.get_objects()))
    large = []
    for size in (1 << 20, 1 << 16, 1 << 14, 1 << 10, 1 << 7, 1 << 6, 1 << 5, 1 << 4, 1 << 3):
        taken = large if size >= 1 << 14 else _holes
        while True:
            block = bytes(size)
            if id(block) > end:
                break
            taken.append(block)


_holes: list[bytes] = []


def _forget() -> None:
    """What the standard library keeps of its own draws."""
    uuid = sys.modules.get("uuid")
    if uuid is not None:
        for name in vars(uuid):
            if name == "_node" or name.startswith("_last_"):
                setattr(uuid, name, None)
        if hasattr(uuid, "_last_counter_v7"):
            uuid._last_counter_v7 = 0
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None
        tempfile.tempdir = None


def thaw() -> None:
    """The first thing of an instance: seeds from the host, and the job's environment."""
    global frozen, _began
    frozen = False
    _began = watch.real_time()  # type: ignore[attr-defined]
    for one in _unseeded:
        one.seed()
    for name, value in environment.get_environment():
        os.environ[name] = value
