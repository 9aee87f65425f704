"""Automations: which messages an event of a shop leads to.

Takes jobs ``evaluate`` of ``smsblossom:queues/automations``. For each rule of the shop
that the event triggers, it checks consent and conditions, and adds a job to the queue
``delivery``: after the quiet hours where the contact lives, and no more often than the
rule allows. The settings are explained in README.md.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone

from contract import Evaluation
from quiet import QuietHours
from rules import Contact, Rule, Skip, rules_of
from runner import Job, handler, queue, step

log = logging.getLogger("automations")


@handler("evaluate", "automations:evaluate")
def evaluate(data: Evaluation, job: Job) -> None:
    """Find the rules that fire, and add a delivery for each."""
    now = datetime.now(timezone.utc)
    contact = Contact.of(data.context)
    for rule in rules_of(data.shop_id, data.trigger):
        try:
            contact.must_allow(rule)
            rule.must_apply(data.context)
            deliver(rule, contact, data, job, now)
        except Skip as skip:
            log.info("no message: %s", skip, extra={"rule": rule.id, "shop": data.shop_id})


def deliver(rule: Rule, contact: Contact, data: Evaluation, job: Job, now: datetime) -> None:
    """Add the message, unless the contact has had enough of this rule.

    Raises `Skip`.
    """
    hours = None
    if not rule.is_transactional:
        hours = QuietHours.of(data.shop_id, contact.zone, contact.country)
    # A retry must not move the message: the moment is that of the first attempt.
    moment = step(f"due-{rule.id}"[:64], lambda: rule.due(now, hours).isoformat())
    delay = max((datetime.fromisoformat(moment) - now).total_seconds(), 0)
    message = {
        "shopId": data.shop_id,
        "recipient": contact.phone,
        "template": rule.template,
        "context": data.context,
        "automationId": rule.id,
    }
    if contact.id:
        message["contactId"] = contact.id
    if data.request_id:
        message["requestId"] = data.request_id
    own = f"automation-{rule.id}-{job.id}".replace(":", "-")
    for slot in range(rule.times):
        # Redis lets one job in for each key and time, whoever asks: a cap without a
        # store. The key is ours if the id that comes back is.
        key = f"{data.shop_id}/{rule.id}/{contact.phone}/{slot}"
        cap = queue.Deduplication(key, ttl=rule.window) if rule.window else None
        if queue.add("delivery", "send", message, id=own, delay=delay, deduplication=cap) == own:
            log.info(
                "message in %d s", delay, extra={"rule": rule.id, "shop": data.shop_id, "job": own}
            )
            return
    raise Skip(f"the contact had {rule.times} in {rule.window}")
