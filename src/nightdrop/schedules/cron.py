"""When a cron expression is due, in its own time zone, as Debian's cron has it.

A time of day that the clocks skip fires once, at the change; one that comes twice fires once, the first time.
Expressions whose minute or hour begins with `*` are intervals: they follow real time through both changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from nightdrop.errors import ScheduleInvalid

_NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def check_cron(cron: str, timezone: str) -> None:
    """Raises ScheduleInvalid, naming the field, for what is no cron expression of five fields or no time zone."""
    if not isinstance(timezone, str) or not timezone:
        raise ScheduleInvalid("give an IANA name such as Europe/Berlin", field="timezone")
    try:
        ZoneInfo(timezone)
    except (ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ScheduleInvalid(f"{timezone!r} is no IANA time zone", field="timezone") from error
    except KeyError as error:
        raise ScheduleInvalid(f"{timezone!r} is no IANA time zone", field="timezone") from error
    if not isinstance(cron, str):
        raise ScheduleInvalid("give five fields such as '0 2 * * *', or @daily", field="cron")
    if len(_fields(cron).split()) != 5:
        raise ScheduleInvalid(f"{cron!r}: give five fields such as '0 2 * * *', or @daily", field="cron")
    try:
        found = next(occurrences(cron, timezone, 0), None)
    except CronSimError as error:
        raise ScheduleInvalid(f"{cron!r}: {error}", field="cron") from error
    if found is None:
        raise ScheduleInvalid(f"{cron!r} never comes", field="cron")


def occurrences(cron: str, timezone: str, after_ms: int) -> Iterator[int]:
    """The times, in milliseconds since 1970, that come after a moment, each once and in order."""
    zone = ZoneInfo(timezone)
    start = datetime.fromtimestamp(after_ms / 1000, tz=UTC).astimezone(zone)
    last = after_ms
    for found in CronSim(_fields(cron), start if timezone != "UTC" else start.astimezone(UTC)):
        moment = int(found.timestamp()) * 1000
        if moment > last:  # the change of clocks gives some twice, or one from before its start
            last = moment
            yield moment


def next_after(cron: str, timezone: str, after_ms: int) -> int | None:
    """The first time after a moment, None when there is none within 50 years."""
    return next(occurrences(cron, timezone, after_ms), None)


def _fields(cron: str) -> str:
    return _NAMES.get(cron.strip().lower(), cron)
