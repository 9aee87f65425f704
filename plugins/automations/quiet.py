"""Quiet hours: when people are not to be disturbed, by the clock where they live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from runner import Reject, config


@dataclass(frozen=True)
class QuietHours:
    """From a time of day to another, which may be that of the next day."""

    start: time
    end: time
    zone: ZoneInfo

    @staticmethod
    def of(shop: str, zone: str | None, country: str | None = None) -> QuietHours | None:
        """Those of a shop, or of all; in the zone of the contact, of the contact's
        country, or else of the shop.

        Raises `Reject` if the settings are wrong. A contact's zone that nobody knows
        is as good as none.
        """
        hours = config.json("quiet_hours", {})
        hours = {**hours, **config.json("shops", {}).get(shop, {}).get("quiet_hours", {})}
        if not hours:
            return None
        try:
            start, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
            own = ZoneInfo(hours.get("zones", {}).get(country) or hours.get("zone", "UTC"))
        except (AttributeError, KeyError, TypeError, ValueError, ZoneInfoNotFoundError) as error:
            raise Reject(f"setting quiet_hours: {hours}: {error}") from None
        return QuietHours(start, end, _known(zone) or own)

    def after(self, moment: datetime) -> datetime:
        """The moment itself, or the end of the quiet hours that it is in."""
        local = moment.astimezone(self.zone)
        now = local.time()
        if self.start <= self.end:
            quiet = self.start <= now < self.end
        else:
            quiet = now >= self.start or now < self.end
        if not quiet:
            return moment
        day = local.date() if now < self.end else local.date() + timedelta(days=1)
        # By the wall clock: a night in which the clocks change is not 24 hours long.
        return datetime.combine(day, self.end, self.zone).astimezone(timezone.utc)


def _known(zone: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone) if zone else None
    except (ValueError, ZoneInfoNotFoundError):
        return None
