"""The handler of the benches: nothing, or a job's payload made into another shape."""

from collections import Counter
from typing import Any

from runner import Job, handler


@handler
def handle(job: Job) -> Any:
    return transform(job.data) if job.name == "transform" else None


def transform(order: dict[str, Any]) -> dict[str, Any]:
    totals: Counter[str] = Counter()
    for item in order["items"]:
        totals[item["category"]] += item["quantity"] * item["cents"]
    return {
        "customer": order["customer"]["name"].upper(),
        "items": [
            {"sku": item["sku"], "cents": item["quantity"] * item["cents"]}
            for item in order["items"]
        ],
        "totals": totals,
    }
