"""What was said about kinds becomes labels; what is in doubt gets a label of its own, or is asked of a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from nightdrop.engine import reader_pool
from nightdrop.errors import StepOutputInvalid
from nightdrop.pausing import pause
from nightdrop.steps.kinds import Labelled, LabelledPages, Said
from nightdrop.workflows import StepFile, StepInput, StepOutput
from nightdrop.workflows.call import call

T = TypeVar("T")
_INSPECT = "nightdrop.documents.inspect:inspect"
_LABELS = TypeAdapter(list[str])
_RANGES = TypeAdapter(list[LabelledPages])


@dataclass(frozen=True, kw_only=True)
class _Settling:
    """labels: all that a document can have. sure, otherwise: as in Classify."""

    labels: tuple[str, ...]
    sure: float
    otherwise: str | None

    def labels_behind(self, _before: Sequence[str] | None) -> Sequence[str]:
        """For `nightdrop workflow check`."""
        return self.labels

    def is_settled(self, said: Sequence[Said]) -> bool:
        """Whether no person is needed."""
        return self.otherwise is not None or all(one.is_sure(self.sure) for one in said)

    def label(self, one: Said) -> str:
        """What was said, or the label of what is in doubt."""
        return one.label if one.label is not None and one.is_sure(self.sure) else self.otherwise or ""


@dataclass(frozen=True, kw_only=True)
class SettleKinds(_Settling):
    """A step: one label for each document, which the steps behind it find at the document. by: who says it; None: the
    agent before has."""

    by: Callable[[StepFile], Any] | None
    returns: Any = list[Labelled]

    async def __call__(self, given: StepInput) -> StepOutput[list[Labelled]]:
        """Raises StepOutputInvalid, and PauseRequested for what a person is to say."""
        if not given.files:
            raise StepOutputInvalid("Classify: the run has no document")
        said = _answer(given) if self.by is None else [_said(await call(self.by, file)) for file in given.files]
        if len(said) != len(given.files):  # nobody knows which of them is meant
            said = [Said()] * len(given.files)
        strange = [one.label for one in said if one.label is not None and one.label not in self.labels]
        if strange:
            raise StepOutputInvalid(f"Classify: {strange[0]!r} is none of {', '.join(self.labels)}")
        if self.is_settled(said):
            found = [Labelled(label=self.label(one), confidence=one.confidence) for one in said]
        else:
            found = self._by_person(given, said)
        files = tuple(replace(file, label=one.label) for file, one in zip(given.files, found, strict=True))
        return StepOutput(found, files=files)

    def _by_person(self, given: StepInput, said: Sequence[Said]) -> list[Labelled]:
        shown = [
            {"document": file.filename, "label": one.label, "confidence": one.confidence}
            for file, one in zip(given.files, said, strict=True)
        ]

        def taken(answer: Any) -> list[Labelled]:
            labels = _LABELS.validate_python([answer] if isinstance(answer, str) else answer)
            if len(labels) != len(said):
                raise ValueError(f"there are {len(said)} documents")
            _known(labels, self.labels)
            return [Labelled(label=label, confidence=1.0) for label in labels]

        return _ask("What is each of these documents? Answer a list of labels.", taken, self.labels, found=shown)


@dataclass(frozen=True, kw_only=True)
class SettlePages(_Settling):
    """A step: the parts of a packet, each with its label and pages, as `Split` takes them. No page is left out."""

    returns: Any = list[LabelledPages]

    async def __call__(self, given: StepInput) -> StepOutput[Any]:
        """Raises StepOutputInvalid, and PauseRequested for what a person is to say."""
        if not given.files:
            raise StepOutputInvalid("Classify: the run has no document")
        packet = given.files[0]
        counted = await reader_pool().call(_INSPECT, await packet.aread(), {"mime_type": packet.mime_type})
        count = int(counted["pages"])
        said = sorted(_answer(given), key=lambda one: (one.first, one.last))
        problem = _problem(said, count)
        if problem is None and self.is_settled(said):
            found = [LabelledPages(**{**one.model_dump(), "label": self.label(one)}) for one in said]
        elif self.otherwise is not None:
            found = [LabelledPages(label=self.otherwise, first=1, last=count)]
        else:
            found = self._by_person(said, count, problem)
        return StepOutput(found)

    def _by_person(self, said: Sequence[Said], count: int, problem: str | None) -> list[LabelledPages]:
        def taken(answer: Any) -> list[LabelledPages]:
            found = _RANGES.validate_python(answer)
            _known([one.label for one in found], self.labels)
            wrong = _problem([Said(**one.model_dump()) for one in found], count, whole=False)
            if wrong is not None:
                raise ValueError(wrong)
            return [one.model_copy(update={"confidence": 1.0}) for one in found]

        shown = [one.model_dump() for one in said]
        question = "Which documents are in this packet? Answer a list of label, first and last page."
        return _ask(question, taken, self.labels, found=shown, pages=count, problem=problem)


def _ask(question: str, taken: Callable[[Any], list[T]], labels: Sequence[str], **data: Any) -> list[T]:
    """A person's answer, asked for again while it cannot be taken. Raises PauseRequested."""
    asked = 1
    while True:
        answer = pause(question, labels=list(labels), asked=asked, **data)
        try:
            return taken(answer)
        except ValueError as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            data, asked = {**data, "problem": f"the answer cannot be taken: {why}"}, asked + 1


def _answer(given: StepInput) -> list[Said]:
    before = given.previous_step_output
    assert before is not None
    return [Said(**one) for one in before.data["documents"]]


def _said(found: Any) -> Said:
    """What a function gave. Raises StepOutputInvalid."""
    label, confidence = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    try:
        return Said(label=label, confidence=confidence)
    except ValidationError as error:
        raise StepOutputInvalid(f"Classify: by= gave {found!r}: give a label, (label, confidence) or None") from error


def _known(labels: Sequence[str], every: Sequence[str]) -> None:
    for label in labels:
        if label not in every:
            raise ValueError(f"{label!r} is none of {', '.join(every)}")


def _problem(said: Sequence[Said], count: int, *, whole: bool = True) -> str | None:
    """Why these pages cannot be the documents of a packet. whole: every page has to belong to one."""
    if not said:
        return "no document was named"
    end = 0
    for one in said:
        if one.last < one.first or one.last > count or one.first < 1:
            return f"pages {one.first} to {one.last} of {count}: there are no such pages"
        if whole and one.first != end + 1:
            gap = "belong to no document" if one.first > end + 1 else "belong to two documents"
            return f"pages {min(one.first, end + 1)} to {max(one.first, end + 1) - 1} {gap}"
        end = one.last
    return f"pages {end + 1} to {count} belong to no document" if whole and end < count else None
