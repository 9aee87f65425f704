"""Kinds of bodies that schemathesis does not know."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write_lines(context, value):
    items = value if isinstance(value, list) else [value]
    lines = (item if isinstance(item, str) else json.dumps(item) for item in items)
    return {"data": "\n".join(lines).encode("utf-8", "surrogatepass")}


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    lines = [json.loads(line) for line in response.content.splitlines() if line.strip()]
    # Each is what the schema describes; the first stands for all.
    return lines[0] if lines else None
