import unittest
from datetime import datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import app
from quiet import QuietHours
from rules import Rule, duration
from runner import Reject
from runner.testing import Host, job, run

RULE: dict[str, Any] = {"id": "thanks", "trigger": "orders/paid", "template": "Thanks!"}


def event(**customer: Any) -> dict[str, Any]:
    known = {"id": 7, "phone": "+1 415 555-0123", "smsConsent": True, **customer}
    return {
        "trigger": "orders/paid",
        "shopId": "a.example",
        "context": {"customer": known, "order": {"total": "49.90", "tags": ["vip"]}},
        "requestId": "req_1",
    }


def added(rules: list[dict[str, Any]], data: Any = None, **settings: Any) -> Host:
    with Host(settings={"rules": rules, **settings}) as host:
        run(app.evaluate, job("evaluate", data or event()))
    return host


class Rules(unittest.TestCase):
    def test_a_rule_that_fires_adds_a_delivery(self) -> None:
        one = added([RULE, {**RULE, "id": "other", "trigger": "orders/create"}]).added
        self.assertEqual([(of.queue, of.name) for of in one], [("delivery", "send")])
        data = one[0].data
        self.assertEqual(data.pop("context")["customer"]["id"], 7)
        self.assertEqual(
            data,
            {
                "shopId": "a.example",
                "recipient": "+14155550123",
                "template": "Thanks!",
                "automationId": "thanks",
                "contactId": "7",
                "requestId": "req_1",
            },
        )
        self.assertEqual(one[0].options["id"], "automation-thanks-1")

    def test_consent_is_needed_but_for_what_was_asked_for(self) -> None:
        for consent in (False, None, "pending"):
            host = added([RULE], event(smsConsent=consent))
            self.assertEqual(host.added, [])
            self.assertIn("no message: no consent", str(host.logs[0]))
        self.assertEqual(len(added([RULE], event(smsConsent="subscribed")).added), 1)
        asked = {**RULE, "kind": "transactional"}
        self.assertEqual(len(added([asked], event(smsConsent=False)).added), 1)
        self.assertEqual(added([asked], event(phone="415 555")).added, [])

    def test_conditions_must_all_hold(self) -> None:
        for when, fires in (
            ([{"field": "order.total", "at_least": 40}], True),
            ([{"field": "order.total", "at_least": 50}], False),
            (
                [{"field": "order.tags", "has": "vip"}, {"field": "order.note", "exists": True}],
                False,
            ),
            ([{"field": "customer.id", "is": 7}, {"field": "customer.id", "is_not": 8}], True),
            ([{"field": "order.total.more", "at_most": 1}], False),
        ):
            self.assertEqual(len(added([{**RULE, "when": when}]).added), fires, when)
        with self.assertRaisesRegex(Reject, "'like' is no test; use is, is_not, exists"):
            added([{**RULE, "when": [{"field": "a", "like": 1}]}])

    def test_a_cap_is_a_key_with_a_time_to_live(self) -> None:
        capped = added([{**RULE, "cap": "2/7d"}]).added
        options = capped[0].options
        self.assertEqual(options["deduplication"]["id"], "a.example/thanks/+14155550123/0")
        self.assertEqual(options["deduplication"]["ttl"], 7 * 86_400_000)

    def test_a_shop_has_rules_of_its_own(self) -> None:
        own = {"a.example": {"rules": []}}
        self.assertEqual(added([RULE], shops=own).added, [])

    def test_what_is_wrong_in_the_settings_is_named(self) -> None:
        with self.assertRaisesRegex(Reject, "setting rules: x has no 'trigger'"):
            added([{"id": "x"}])
        with self.assertRaisesRegex(Reject, "'soon' is no duration; write 30m, 12h or 7d"):
            added([{**RULE, "delay": "soon"}])
        with self.assertRaisesRegex(Reject, "setting quiet_hours: .*No time zone found"):
            added([RULE], quiet_hours={"from": "21:00", "to": "09:00", "zone": "Mars/Base"})
        self.assertEqual(duration("90s"), timedelta(seconds=90))


class Quiet(unittest.TestCase):
    hours = QuietHours(time(21), time(9), ZoneInfo("Europe/Berlin"))

    def after(self, text: str) -> str:
        moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
        return self.hours.after(moment).astimezone(timezone.utc).isoformat()[:16]

    def test_what_falls_into_the_night_waits_for_the_morning(self) -> None:
        self.assertEqual(self.after("2026-07-01T12:00"), "2026-07-01T12:00")
        self.assertEqual(self.after("2026-07-01T19:00"), "2026-07-02T07:00")
        self.assertEqual(self.after("2026-07-02T06:59"), "2026-07-02T07:00")
        self.assertEqual(self.after("2026-07-02T07:00"), "2026-07-02T07:00")

    def test_a_night_in_which_the_clocks_change_ends_by_the_clock(self) -> None:
        self.assertEqual(self.after("2026-03-28T22:00"), "2026-03-29T07:00")
        self.assertEqual(self.after("2026-10-24T22:00"), "2026-10-25T08:00")

    def test_the_clock_is_that_of_the_contact(self) -> None:
        zones = {"JP": "Asia/Tokyo"}
        with Host(settings={"quiet_hours": {"from": "21:00", "to": "09:00", "zones": zones}}):
            hours = QuietHours.of("a.example", None, "JP")
            self.assertEqual(str(hours and hours.zone), "Asia/Tokyo")
            hours = QuietHours.of("a.example", "Asia/Tokyo")
            self.assertEqual(str(hours and hours.zone), "Asia/Tokyo")
            hours = QuietHours.of("a.example", "Nowhere/At-All")
            self.assertEqual(str(hours and hours.zone), "UTC")
        with Host():
            self.assertIsNone(QuietHours.of("a.example", None))

    def test_a_retry_does_not_move_the_message(self) -> None:
        rule = Rule.of({**RULE, "delay": "1h"})
        now = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
        self.assertEqual(rule.due(now, None), now + timedelta(hours=1))
        with Host(settings={"rules": [{**RULE, "delay": "1h"}]}) as host:
            run(app.evaluate, job("evaluate", event()))
            run(app.evaluate, job("evaluate", event(), attempt=2))
            first, second = (one.options["delay"] for one in host.added)
            self.assertLessEqual(second, first)
