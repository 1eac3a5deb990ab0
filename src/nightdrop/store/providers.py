"""Paused providers in the rows: one row stops every process, one call in a while may try whether it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nightdrop.clock import iso, to_datetime
from nightdrop.store.insert import insert_ignore
from nightdrop.store.tables import providers, runs

PAUSED = "paused"
"""The code of a pause by a person."""

FIRST_PROBE_MS = {"provider_unavailable": 5_000}
"""When the first call may try again, by the code of what paused it; others after half a minute."""

_FIRST_PROBE_MS, _LAST_PROBE_MS = 30_000, 600_000
_p = providers.c
_OR = " or "


def any_of(names: Iterable[str]) -> str:
    """What a run's row says it waits for: the first of these providers that may be asked again."""
    return _OR.join(sorted(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPause:
    """Why nothing is asked of a provider. name: `provider@credential`. since, probe_at: milliseconds since 1970;
    probe_at None: only a person resumes it. probes: calls that tried it and failed. waiting: runs that it put back."""

    name: str
    code: str
    message: str
    since: int
    probe_at: int | None
    probes: int = 0
    waiting: int = 0

    @property
    def provider(self) -> str:
        """`openai` of `openai@1f0c9a7d2b44`."""
        return self.name.rpartition("@")[0] or self.name

    def to_json(self) -> dict[str, Any]:
        """As `nightdrop providers --json` prints it."""
        return {
            "name": self.name,
            "provider": self.provider,
            "state": PAUSED if self.code == PAUSED else "open",
            "code": self.code,
            "message": self.message,
            "since": iso(to_datetime(self.since)),
            "probe_at": iso(to_datetime(self.probe_at)),
            "probes": self.probes,
            "waiting": self.waiting,
        }


def list_pauses(connection: sa.Connection, *, counted: bool = False) -> list[ProviderPause]:
    """Every provider that is paused. counted: with how many runs wait for each."""
    waiting: Counter[str] = Counter()
    if counted:
        query = (
            sa.select(runs.c.waits_for, sa.func.count())
            .where(runs.c.status == sa.literal_column("'PENDING'"), runs.c.waits_for.is_not(None))
            .group_by(runs.c.waits_for)
        )
        for waits_for, count in connection.execute(query):
            waiting.update(dict.fromkeys(waits_for.split(_OR), count))
    rows = connection.execute(sa.select(providers).order_by(_p.name)).mappings()
    return [ProviderPause(**row, waiting=waiting[row["name"]]) for row in rows]


def open_pause(connection: sa.Connection, name: str, code: str, message: str, now_ms: int) -> None:
    """Pause a provider for every process; nothing changes when it is paused already."""
    connection.execute(
        insert_ignore(connection.dialect.name, providers).values(
            name=name,
            code=code,
            message=message,
            since=now_ms,
            probe_at=now_ms + FIRST_PROBE_MS.get(code, _FIRST_PROBE_MS),
            probes=0,
        )
    )


def pause_by_hand(connection: sa.Connection, name: str, message: str, now_ms: int) -> None:
    """Pause a provider until a person resumes it, also one that is paused by what it answered."""
    connection.execute(sa.delete(providers).where(_p.name == name))
    connection.execute(
        sa.insert(providers).values(name=name, code=PAUSED, message=message, since=now_ms, probe_at=None, probes=0)
    )


def take_probe(connection: sa.Connection, name: str, now_ms: int) -> bool:
    """Whether the caller may try the provider now: of all processes one, and the next one only after the pause that
    follows. It counts as failed until `close_pause`."""
    row = connection.execute(sa.select(providers).where(_p.name == name)).first()
    if row is None or row.probe_at is None or row.probe_at > now_ms:
        return False
    first = FIRST_PROBE_MS.get(row.code, _FIRST_PROBE_MS)
    pause = min(first * 2 ** min(row.probes + 1, 16), _LAST_PROBE_MS)
    moved = connection.execute(
        sa.update(providers)
        .where(_p.name == name, _p.probe_at == row.probe_at)
        .values(probe_at=now_ms + pause, probes=row.probes + 1)
    )
    return moved.rowcount == 1


def close_pause(connection: sa.Connection, name: str, *, by_hand: bool = False) -> int | None:
    """The provider answers again, or a person says so: its runs wait no longer. Returns how many waited for it, None
    when it was not paused. What a person paused only a person resumes."""
    gone = sa.delete(providers).where(_p.name == name)
    if not by_hand:
        gone = gone.where(_p.code != PAUSED)
    if connection.execute(gone).rowcount == 0:
        return None
    freed = (
        sa.update(runs)
        .where(runs.c.status == sa.literal_column("'PENDING'"), runs.c.waits_for.is_not(None))
        .where((sa.literal(_OR) + runs.c.waits_for + _OR).contains(f"{_OR}{name}{_OR}", autoescape=True))
        .values(not_before=0, waits_for=None)
    )
    return connection.execute(freed).rowcount


def names_like(connection: sa.Connection, given: str) -> Sequence[str]:
    """Names of paused providers that `given` means: a whole name, or a provider."""
    names = [pause.name for pause in list_pauses(connection)]
    return [name for name in names if name == given or name.partition("@")[0] == given]
