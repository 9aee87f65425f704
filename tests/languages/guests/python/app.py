"""The guest in Python of the conformance suite: does by the job's name what
``tests/languages/README.md`` says."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import random
import secrets
import sys
import tempfile
import time
import uuid
from typing import Any

import ends
from contract import Order, Receipt

from runner import (
    Job,
    RawJson,
    Reject,
    Retry,
    WaitChildren,
    config,
    handler,
    http,
    progress,
    progress_json,
    queue,
    secret,
    sql,
    step,
)

logging.getLogger().setLevel(1)
FIELDS = {"order": 7, "note": "two words"}
# Made when the component was built, as a program makes it when it is loaded.
LOADED = random.Random()
counted = 0
held = None


@handler("place")
def place(data: Order) -> Receipt:
    pieces = sum(item.quantity for item in data.items)
    return Receipt(id=data.id, pieces=pieces, channel=data.channel, note=data.note)


@handler("raw")
def raw(job: Job) -> RawJson:
    return RawJson(job.text)


@handler("echo")
def echo(job: Job) -> Any:
    return job.data


@handler("nothing")
def nothing(job: Job) -> None:
    return None


@handler("numbers")
def numbers(job: Job) -> Any:
    values = job.data["values"]
    return {"values": values, "texts": [str(value) for value in values]}


@handler("text")
def text(job: Job) -> Any:
    return {"text": job.data["text"], "bytes": len(job.data["text"].encode())}


@handler("length")
def length(job: Job) -> Any:
    return {"length": len(job.data["blob"].encode())}


@handler("make")
def make(job: Job) -> Any:
    return {"blob": "x" * job.data["bytes"]}


@handler("deep")
def deep(job: Job) -> RawJson:
    levels = job.data["levels"]
    return RawJson("[" * levels + "]" * levels)


@handler("invalid")
def invalid(job: Job) -> RawJson:
    return RawJson("{oops")


@handler("job")
def fields(job: Job) -> Any:
    parent = job.parent
    return {
        "id": job.id,
        "queue": job.queue,
        "name": job.name,
        "attempt": job.attempt,
        "maxAttempts": job.max_attempts,
        "addedAt": millis(job.added_at),
        "startedAt": millis(job.started_at),
        "priority": job.priority,
        "delay": round(job.delay * 1000),
        "requestId": job.request_id,
        "parent": None if parent is None else {"id": parent.id, "queue": parent.queue},
        "timeLeft": round(job.time_left() * 1000),
    }


def millis(at: datetime.datetime) -> int:
    return round(at.timestamp() * 1000)


@handler("log")
def log(job: Job) -> None:
    for number, name in enumerate(("trace", "debug", "info", "warn", "error")):
        level = 5 if name == "trace" else number * 10
        logging.log(level, "a line of %s", name, extra=FIELDS)


@handler("print")
def prints(job: Job) -> None:
    print("one\ntwo")
    print("three", file=sys.stderr)


@handler("flood")
def flood(job: Job) -> None:
    for line in range(job.data["lines"]):
        logging.info("line %d", line)


@handler("progress")
def quarter(job: Job) -> None:
    progress(25)


@handler("progress-message")
def page(job: Job) -> None:
    progress(40, "page 2 of 5")


@handler("progress-json")
def done(job: Job) -> None:
    progress_json({"done": [1, 2]})


@handler("http")
def send(job: Job) -> Any:
    data = job.data
    try:
        got = http.request(
            data.get("method", "GET"),
            data["url"],
            headers=data.get("headers"),
            body=data.get("body"),
            timeout=data["timeout"] / 1000 if "timeout" in data else None,
            redirects=data.get("redirects", 0),
            idempotent=data.get("idempotent", False),
        )
    except http.Error as error:
        return {"error": error.kind, "message": str(error)}
    return {"status": got.status, "body": got.text, "answer": got.headers.get("x-answer")}


@handler("sql")
def statements(job: Job) -> Any:
    both = sql.transaction(job.data.get("database", "main"))
    for of in job.data["statements"]:
        both.add(of["text"], of.get("values", []), expect=of.get("expect"))
    try:
        last = both.commit()[-1]
    except sql.Error as error:
        return {"error": error.kind, "message": str(error), "statement": error.statement}
    rows = [[None if value is None else str(value) for value in row] for row in last]
    return {"affected": last.affected, "rows": rows}


@handler("config")
def settings(job: Job) -> Any:
    return {
        "sender": config.get("sender"),
        "limits": config.json("limits"),
        "missing": config.get("missing"),
        "all": config.all(),
        "token": len(config.require_secret("TOKEN")),
        "absent": secret("ABSENT"),
    }


@handler("leak")
def leak(job: Job) -> Any:
    logging.info("the token is %s", secret("TOKEN"))
    return {"token": secret("TOKEN")}


@handler("leak-failure")
def leak_failure(job: Job) -> None:
    raise Reject(f"bad token {secret('TOKEN')}")


@handler("add")
def add(job: Job) -> Any:
    data = job.data
    try:
        added = queue.add(
            data["queue"],
            data["name"],
            data["data"],
            id=data.get("id"),
            delay=data["delay"] / 1000 if "delay" in data else None,
            priority=data.get("priority"),
            attempts=data.get("attempts"),
        )
    except queue.Error as error:
        return {"error": error.kind, "message": str(error)}
    return {"id": added}


@handler("add-bulk")
def add_bulk(job: Job) -> Any:
    jobs = [queue.NewJob("bulk", {"n": n}) for n in range(job.data["count"])]
    try:
        return {"ids": queue.add_bulk(job.data["queue"], jobs)}
    except queue.Error as error:
        return {"error": error.kind, "message": str(error)}


@handler("add-flow")
def add_flow(job: Job) -> Any:
    to = job.data["queue"]
    leaves = [
        queue.NewJob("leaf", {"n": 1}, to),
        queue.NewJob("leaf", {"n": 2}, to, on_failure="ignore"),
    ]
    return {"id": queue.add_flow(queue.NewJob("root", {}, to, children=leaves))[0]}


@handler("children", "children-fail")
def children(job: Job) -> Any:
    if not job.dependencies():
        if job.name == "children":
            queue.add_children(
                queue.NewJob("echo", {"n": 1}, "work"),
                queue.NewJob("echo", {"n": 2}, "work"),
                queue.NewJob("reject", {}, "work", on_failure="ignore"),
            )
        else:
            queue.add_children(queue.NewJob("reject", {}, "work", on_failure="fail-parent"))
        raise WaitChildren
    counts = job.dependencies()
    return {
        "values": list(job.children_values().values()),
        "ignored": list(job.ignored_failures().values()),
        "failed": job.failed_children(),
        "counts": [counts.processed, counts.unprocessed, counts.failed, counts.ignored],
        "attempt": job.attempt,
    }


@handler("remove-children")
def remove_children(job: Job) -> Any:
    queue.add_children(queue.NewJob("late", {}, "other"))
    before = job.dependencies().unprocessed
    job.remove_unprocessed_children()
    return {"before": before, "after": job.dependencies().unprocessed}


@handler("update")
def update(job: Job) -> Any:
    if job.attempt == 1:
        job.update_data({"updated": True})
        raise Retry("the data is new")
    return job.data


@handler("step")
def once(job: Job) -> Any:
    value = step("once", lambda: job.attempt)
    if job.attempt == 1:
        raise Retry("after the step")
    return {"step": value, "attempt": job.attempt}


@handler("sleep")
async def sleep(job: Job) -> Any:
    start = time.monotonic()
    await asyncio.sleep(job.data["ms"] / 1000)
    return {"slept": round((time.monotonic() - start) * 1000)}


@handler("random")
def draw(job: Job) -> Any:
    return {
        "random": str(random.random()),
        "generator": str(random.Random().random()),
        "loaded": str(LOADED.random()),
        "system": str(random.SystemRandom().random()),
        "shuffled": str(random.sample(range(10**6), 3)),
        "urandom": os.urandom(8).hex(),
        "secrets": secrets.token_hex(8),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "uuid6": str(uuid.uuid6()),
        "uuid7": str(uuid.uuid7()),
        "uuid8": str(uuid.uuid8()),
        "node": str(uuid.getnode()),
        "temporary": next(tempfile._get_candidate_names()),
    }


@handler("clock")
def clock(job: Job) -> Any:
    first = time.monotonic()
    local = datetime.datetime.now().astimezone()
    return {
        "now": round(time.time() * 1000),
        "offset": round((local.utcoffset() or datetime.timedelta()).total_seconds() / 60),
        "monotonic": time.monotonic() >= first,
    }


@handler("environment")
def environment(job: Job) -> Any:
    return {"env": dict(os.environ), "args": sys.argv[1:], "stdin": sys.stdin.read()}


@handler("count")
def count(job: Job) -> Any:
    global counted
    counted += 1
    return {"count": counted}


@handler("hold")
def hold(job: Job) -> Any:
    global held
    held = job.data["n"]
    http.get(job.data["url"])
    logging.info("holds %s", held)
    return {"n": held}


@handler("read")
def read(job: Job) -> Any:
    try:
        with open(job.data["path"], encoding="utf-8") as file:
            return {"text": file.read()}
    except OSError as error:
        return {"error": str(error)}


@handler("version")
def version(job: Job) -> Any:
    return {"version": "one"}


@handler
def other(job: Job) -> Any:
    ended = ends.BY_NAME.get(job.name)
    if ended is None:
        raise Reject(f"no job is named {job.name}")
    return ended(job)
