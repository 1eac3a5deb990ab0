"""What this process can execute: the agents and workflows it has loaded, by id and revision."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

from nightdrop.agents import AgentSpec
from nightdrop.records.request import Subject
from nightdrop.workflows import WorkflowSpec

Spec = AgentSpec | WorkflowSpec


class Registry:
    """Loaded agents and workflows. Grows only; safe from any thread."""

    def __init__(self) -> None:
        self._specs: dict[tuple[str, str], Spec] = {}
        self._subjects: dict[tuple[str, str], Subject] = {}
        self._lock = threading.Lock()

    def add(self, spec: Spec) -> Subject:
        """Load an agent or a workflow; returns what rows call it."""
        subject = spec.subject
        with self._lock:
            self._specs[subject.id, subject.revision] = spec
            self._subjects[subject.id, subject.revision] = subject
        return subject

    def find(self, subject_id: str, revision: str) -> Spec | None:
        """The agent or workflow at this revision, None if it is not loaded here."""
        return self._specs.get((subject_id, revision))

    def __iter__(self) -> Iterator[Subject]:
        with self._lock:
            return iter(list(self._subjects.values()))

    def to_json(self) -> str:
        """What a lease says of this process: the ids and revisions it can execute."""
        return json.dumps([{"kind": s.kind, "id": s.id, "revision": s.revision} for s in self])
