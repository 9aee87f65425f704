"""Rules, as the settings have them, and the contact that an event is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from quiet import QuietHours
from runner import Reject, config

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Skip(Exception):
    """Why a rule leads to no message."""


@dataclass(frozen=True)
class Contact:
    """Whom a message would go to."""

    phone: str
    id: str | None = None
    consents: bool = False
    zone: str | None = None
    country: str | None = None

    @staticmethod
    def of(context: Any) -> Contact:
        """The customer of an event; without one, nobody."""
        customer = context.get("customer") if isinstance(context, dict) else None
        of = customer if isinstance(customer, dict) else {}
        number = of.get("id")
        return Contact(
            phone=re.sub(r"[\s().-]", "", str(of.get("phone") or "")),
            id=None if number is None else str(number),
            consents=of.get("smsConsent") in (True, "subscribed"),
            zone=of.get("timeZone"),
            country=of.get("country"),
        )

    def must_allow(self, rule: Rule) -> None:
        """Raises `Skip` without a phone number, or the consent that the rule needs."""
        if not re.fullmatch(r"\+[1-9]\d{6,14}", self.phone):
            raise Skip("no phone number with a country code")
        if not (self.consents or rule.is_transactional):
            raise Skip("no consent")


@dataclass(frozen=True)
class Rule:
    """One of ``rules`` in the settings."""

    id: str
    trigger: str
    template: str
    is_transactional: bool = False
    when: list[dict[str, Any]] = field(default_factory=list)
    delay: timedelta = timedelta()
    times: int = 1
    window: timedelta | None = None

    @staticmethod
    def of(raw: Any) -> Rule:
        """Raises `Reject`: what is wrong in the settings is wrong in every attempt."""
        try:
            times, window = 1, None
            if "cap" in raw:
                count, _, per = str(raw["cap"]).partition("/")
                times, window = int(count), duration(per)
            kind = raw.get("kind", "marketing")
            if kind not in ("marketing", "transactional") or times < 1:
                raise ValueError(kind if times > 0 else raw["cap"])
            return Rule(
                id=raw["id"],
                trigger=raw["trigger"],
                template=raw["template"],
                is_transactional=kind == "transactional",
                when=raw.get("when", []),
                delay=duration(raw.get("delay", "0s")),
                times=times,
                window=window,
            )
        except KeyError as error:
            raise Reject(f"setting rules: {raw.get('id', raw)} has no {error}") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise Reject(f"setting rules: {raw}: {error}") from None

    def must_apply(self, context: Any) -> None:
        """Raises `Skip` unless all conditions hold."""
        for condition in self.when:
            if not holds(condition, context):
                raise Skip(f"not {condition}")

    def due(self, now: datetime, hours: QuietHours | None) -> datetime:
        """When the message may be sent."""
        moment = now + self.delay
        return moment if hours is None else hours.after(moment)


def rules_of(shop: str, trigger: str) -> list[Rule]:
    """The shop's own rules, or those for all shops, that a trigger fires."""
    shops = config.json("shops", {})
    own = shops.get(shop, {}).get("rules")
    rules = [Rule.of(raw) for raw in (config.json("rules", []) if own is None else own)]
    return [rule for rule in rules if rule.trigger in (trigger, "*")]


def holds(condition: dict[str, Any], context: Any) -> bool:
    """Whether a condition holds: ``{field = "order.total", at_least = 50}``.

    Raises `Reject` for one that is none.
    """
    value = context
    for part in str(condition.get("field", "")).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    tests = {key: wanted for key, wanted in condition.items() if key != "field"}
    if "field" not in condition or len(tests) != 1:
        raise Reject(f"setting rules: a condition has a field and one test, not {condition}")
    test, wanted = next(iter(tests.items()))
    if test == "is":
        return bool(value == wanted)
    if test == "is_not":
        return bool(value != wanted)
    if test == "exists":
        return (value is not None) == wanted
    if test == "has":
        return isinstance(value, (list, str)) and wanted in value
    if test in ("at_least", "at_most"):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return False
        return number >= wanted if test == "at_least" else number <= wanted
    raise Reject(
        f"setting rules: {test!r} is no test; use is, is_not, exists, has, at_least or at_most"
    )


def duration(text: str) -> timedelta:
    """``30m``, ``12h``, ``7d``. Raises `ValueError`."""
    found = re.fullmatch(r"(\d+)\s*([smhd])", str(text))
    if found is None:
        raise ValueError(f"{text!r} is no duration; write 30m, 12h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
