"""The models of one attempt, in the agent's order, and which of them is asked next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from nightdrop.agents.admission import Admission
from nightdrop.agents.fit import fit
from nightdrop.agents.models import model_for, provider_of
from nightdrop.agents.recorded_model import RecordedModel
from nightdrop.agents.request import Attachment
from nightdrop.agents.retry_policy import rule_for
from nightdrop.agents.spec import AgentSpec, model_id
from nightdrop.agents.tape import Tape
from nightdrop.agents.tries import Tries
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import DocumentTooLong, ModelFailed, ProviderPaused
from nightdrop.ledger.log import CallLog
from nightdrop.store.providers import any_of

log = logging.getLogger("nightdrop.agents")


class Candidate:
    """One of the models in one attempt. model: as the agent names it."""

    def __init__(
        self, model: Any, spec: AgentSpec, log: CallLog, tape: Tape, on_text: Callable[[str], None] | None
    ) -> None:
        self.model = model
        self._spec = spec
        self._log = log
        self._tape = tape
        self._on_text = on_text

    @cached_property
    def admission(self) -> Admission:
        """Its way past pauses and limits."""
        return Admission(self.model, self._spec.limits)

    @cached_property
    def recorded(self) -> RecordedModel:
        """The model, its calls written to the ledger."""
        made = model_for(self.model)
        return RecordedModel(made, provider_of(self.model), self._log, self.admission, self._tape, self._on_text)


class Lineup:
    """An attempt begins with the first model whose provider may be asked. When a provider cannot answer, the next model
    is asked at once; when none is left, there is the usual pause, and it begins again with the first. With a model that
    has answered it stays to its end. In whichever process: what was recorded leads to the same model.

    A model that a document does not fit is left out; the first one's are cut to size.
    """

    def __init__(
        self, spec: AgentSpec, log: CallLog, reader: ReaderPool, on_text: Callable[[str], None] | None
    ) -> None:
        self.tape = Tape(log.past, moves=bool(spec.fallbacks))
        self.tries = Tries(spec.retries, log)
        self._spec = spec
        self._reader = reader
        self._run_id = log.run_id
        self._candidates = [Candidate(model, spec, log, self.tape, on_text) for model in spec.models]
        self._at = 0
        self._failed: dict[int, ModelFailed | None] = {}  # since the last pause; None: an earlier process saw it

    async def choose(self, documents: Sequence[Attachment]) -> Candidate:
        """Who is asked next about these documents."""
        if len(self._candidates) == 1:
            return self._candidates[0]
        for named in self.tape.take_failures():
            self._failed[self._index(named)] = None
            if len(self._failed) == len(self._candidates):
                self._failed.clear()
            self._at = next(i for i in range(len(self._candidates)) if i not in self._failed)
        recorded = self.tape.answers_next
        if recorded is not None:
            self._at = self._index(recorded)
        elif self._candidates[self._at].admission.opens_at > 0:
            self._at = await self._open_one(documents)
        return self._candidates[self._at]

    async def after(self, failure: ModelFailed, documents: Sequence[Attachment], *, send_back: bool = True) -> None:
        """Count a failure and return when `choose` may be asked again; `Tries.after` says what is raised."""
        self.tries.count(failure)
        if len(self._candidates) > 1 and rule_for(failure.code).elsewhere:
            self._failed[self._at] = failure
            other = await self._other(documents)
            if other is not None:
                names = model_id(self._candidates[self._at].model), model_id(self._candidates[other].model)
                log.info("run %s: %s cannot answer (%s), %s is asked", self._run_id, names[0], failure.code, names[1])
                self._at = other
                return
            failure = min((seen for seen in self._failed.values() if seen is not None), key=_hopelessness)
            self._failed.clear()
            self._at = 0
            if isinstance(failure, ProviderPaused) and failure.provider is not None:
                failure = self._waiting_for_all(failure)
        await self.tries.wait(failure, send_back=send_back)

    async def _open_one(self, documents: Sequence[Attachment]) -> int:
        """The first model that may be asked now, else the one that may be first."""
        fitting = [i for i in range(len(self._candidates)) if await self._fits(i, documents)]
        return min(fitting, key=lambda i: (self._candidates[i].admission.opens_at, i))

    async def _other(self, documents: Sequence[Attachment]) -> int | None:
        """The first model that has not failed since the last pause and may be asked now."""
        for index, candidate in enumerate(self._candidates):
            if index not in self._failed and not candidate.admission.opens_at and await self._fits(index, documents):
                return index
        return None

    def _waiting_for_all(self, paused: ProviderPaused) -> ProviderPaused:
        """The run goes on with whichever provider may be asked first."""
        names = {candidate.admission.paused_as for candidate in self._candidates} | {paused.provider}
        provider = any_of(name for name in names if name is not None)
        return ProviderPaused(paused.message, retry_after=paused.retry_after, provider=provider)

    async def _fits(self, index: int, documents: Sequence[Attachment]) -> bool:
        """Whether a model reads these whole: the first one does, they have been cut for it."""
        try:
            found = [
                await fit(self._candidates[index].model, document, self._reader) for document in documents if index
            ]
        except DocumentTooLong:
            return False
        return all(size.pages_per_part is None for size in found)

    def _index(self, named: tuple[str, str]) -> int:
        """Which model a ledger row is of."""
        for index, candidate in enumerate(self._candidates):
            if candidate.recorded.named == named:
                return index
        return self._at


def _hopelessness(failure: ModelFailed) -> tuple[bool, bool, float]:
    """Which failure to wait for: one that passes by itself before one that a person mends, the shortest wait first."""
    never = rule_for(failure.code).again == "never"
    return never, isinstance(failure, ProviderPaused), failure.retry_after or 0.0
