"""The kind of each document, or of each part of a packet, out of a closed set; what is in doubt goes to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Literal

from nightdrop.agents import LOCAL, OutputSchema
from nightdrop.errors import WorkflowInvalid
from nightdrop.steps.kinds import answer_schema, question
from nightdrop.steps.settle import SettleKinds, SettlePages
from nightdrop.workflows import Step, StepFile, StepInput, Steps


class Classify(Steps):
    """Steps: says what each of its documents is. `Extract` and `Step(files=)` then ask about a label's documents.

    labels: the closed set, a list, or a dict of what each means. agent: who is asked, in one call, made without an
    output_schema; or by: a function of a StepFile that gives a label, a (label, confidence), or None. pages: the run's
    first document is a packet, and the agent names its parts by pages, for a `Split` behind this.
    sure: what is said with less confidence is in doubt, as is what is said to be none of these. otherwise: the label
    of what is in doubt; None: the run pauses, and a person says. The content is a list of label and confidence, with
    first and last page where pages are named.
    """

    labels: tuple[str, ...]

    def __init__(
        self,
        labels: Sequence[str] | Mapping[str, str],
        *,
        agent: Any = None,
        by: Callable[[StepFile], Any] | None = None,
        pages: bool = False,
        sure: float = 0.5,
        otherwise: str | None = None,
        name: str = "classify",
    ) -> None:
        meanings = _meanings(labels)
        if (agent is None) == (by is None) or (pages and agent is None):
            raise WorkflowInvalid(f"Classify {name!r} takes either agent= or by=; pages are named by an agent")
        if not 0 <= sure <= 1:
            raise WorkflowInvalid(f"Classify {name!r}, sure={sure}: give a confidence, 0 to 1")
        every = tuple(dict.fromkeys([*meanings, *([] if otherwise is None else [otherwise])]))
        steps: list[Any] = []
        if agent is not None:
            steps.append(_asking(f"{name} answer", agent, meanings, pages=pages))
        settle = (
            SettlePages(labels=every, sure=sure, otherwise=otherwise)
            if pages
            else SettleKinds(labels=every, sure=sure, otherwise=otherwise, by=by)
        )
        super().__init__([*steps, Step(f"{name} labels", executor=settle)], name=name)
        object.__setattr__(self, "labels", every)

    @property
    def by_label(self) -> ByLabel:
        """A selector for a `Router`, whose choices are named as the labels."""
        return ByLabel(self.labels)


@dataclass(frozen=True)
class ByLabel:
    """A selector: every label that the documents here have, in their order, each once. labels: all there can be."""

    labels: tuple[str, ...]

    @property
    def returns(self) -> Any:
        """The names that it may pick, for `nightdrop workflow check`."""
        return list[Literal[self.labels]]  # type: ignore[name-defined]

    def __call__(self, given: StepInput) -> list[str]:
        """The labels; none lets the content pass."""
        return list(dict.fromkeys(file.label for file in given.files if file.label))


def _meanings(labels: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    named = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels, "")
    if isinstance(labels, str) or not named or not all(isinstance(label, str) and label for label in named):
        raise WorkflowInvalid(f"Classify(labels={labels!r}): give a list of names, or a dict of what each means")
    return named


def _asking(name: str, agent: Any, meanings: Mapping[str, str], *, pages: bool) -> Step:
    """The agent with the schema and the question of this set."""
    spec = getattr(agent, "spec", None)
    if spec is None or not hasattr(spec, "schema"):
        raise WorkflowInvalid(f"Classify(agent={agent!r}): that is no agent")
    if spec.schema.json_schema is not None or spec.model == LOCAL:
        raise WorkflowInvalid(
            f"Classify(agent={agent!r}): give an agent with a model and without output_schema; to read labels for "
            "nothing, give by=by_words(...)"
        )
    asked = replace(spec, schema=OutputSchema(answer_schema(list(meanings), pages=pages)))
    return Step(
        name,
        agent=SimpleNamespace(id=agent.id, spec=asked),
        message=question(meanings, pages=pages),
        files=_first if pages else None,
    )


def _first(given: StepInput) -> Sequence[StepFile]:
    return given.files[:1]
