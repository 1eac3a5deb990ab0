"""What was recorded of an attempt's calls, given again in order: no recorded answer is paid for twice."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_ai import exceptions as ai
from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse

from nightdrop.agents.retry_policy import ANSWERED, rule_for
from nightdrop.records.model_call import PastCall

Named = tuple[str, str]
"""Provider and model, as ledger rows call them."""


class AskedElsewhere(Exception):
    """The next recorded call was another model's: the question has moved on to it."""


class Tape:
    """Answers of earlier processes and of this one, and, of earlier ones, the failures that moved the attempt on to
    another model."""

    def __init__(self, past: Sequence[PastCall], *, moves: bool) -> None:
        """moves: there are other models to move on to."""
        self._calls: list[tuple[Named, ModelResponse | None]] = []
        for call in past:
            if call.outcome == ANSWERED and call.response:
                self._calls.append(((call.provider, call.model), _response(call.response)))
            elif moves and rule_for(call.outcome).elsewhere:
                self._calls.append(((call.provider, call.model), None))
        self.at = 0

    @property
    def answers_next(self) -> Named | None:
        """Whose answer comes next; None when what is recorded has all been given, or a failure comes."""
        named, response = self._calls[self.at] if self.at < len(self._calls) else (None, None)
        return None if response is None else named

    def take_failures(self) -> list[Named]:
        """The models of the failures that come before the next answer. They are given once."""
        end = self.at
        while end < len(self._calls) and self._calls[end][1] is None:
            end += 1
        failed = [named for named, _ in self._calls[self.at : end]]
        del self._calls[self.at : end]
        return failed

    def give(self, named: Named) -> ModelResponse | None:
        """The next recorded answer, None when there is none. Raises AskedElsewhere when this model was not asked."""
        if self.at == len(self._calls):
            return None
        recorded, response = self._calls[self.at]
        if response is None or recorded != named:
            raise AskedElsewhere
        self.at += 1
        return response

    def add(self, named: Named, response: ModelResponse) -> None:
        """Record an answer that has just been given."""
        self._calls.append((named, response))
        self.at += 1

    def rewind(self, at: int) -> None:
        """Go back: the answers since then are given again before any new call."""
        self.at = at


def _response(text: str) -> ModelResponse:
    found = ModelMessagesTypeAdapter.validate_json(text)[0]
    if not isinstance(found, ModelResponse):
        raise ai.UnexpectedModelBehavior("the ledger's recorded answer is not a model response")
    return found
