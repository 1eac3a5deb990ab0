"""What flows from step to step: the content before, every output by name, and the state."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nightdrop.errors import StepFailed, StepOutputInvalid
from nightdrop.workflows.step_io import StepFile, StepInput, StepOutput, StepRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Where a run has come to. documents: the run's; files: what a step gets here. last: the output that the next step
    gets as its previous one."""

    input: str
    documents: tuple[StepFile, ...] = ()
    files: tuple[StepFile, ...] = ()
    last: StepOutput[Any] = field(default_factory=StepOutput)
    outputs: Mapping[str, StepOutput[Any]] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    run: StepRun | None = None

    def step_input(self, path: str = "") -> StepInput:
        """What the step at this path gets here; its state is its own copy."""
        return StepInput(
            input=self.input,
            files=self.files,
            previous_step_content=self.last.content,
            previous_step_output=self.last if self.last.name else None,
            previous_step_outputs=self.outputs,
            state=copy.deepcopy(dict(self.state)),
            run=self.run,
            path=path,
        )

    def after(self, name: str, output: StepOutput[Any], state: Mapping[str, Any] | None = None) -> Flow:
        """Behind a step that gave this."""
        named = replace(output, name=name)
        outputs = {**self.outputs, name: named}
        return replace(self, last=named, outputs=outputs, state=self.state if state is None else state)

    def with_files(self, named: Sequence[dict[str, Any]] | None) -> Flow:
        """Behind a step that gave other documents, as its record names them; None: it gave none."""
        if named is None:
            return self
        whole = {document.sha256: document for document in self.documents}
        return replace(self, files=tuple(_named(whole, name) for name in named))

    def names_of(self, files: Sequence[StepFile]) -> list[dict[str, Any]]:
        """Documents as a record names them. Raises StepOutputInvalid for what is none of the run's."""
        known = {document.sha256 for document in self.documents}
        names = [
            {"of": file.part[0], "pages": list(file.part[1:]), "label": file.label}
            if file.part is not None
            else {"of": file.sha256, "pages": None, "label": file.label}
            for file in files
        ]
        if any(name["of"] not in known for name in names):
            raise StepOutputInvalid("files= takes documents of the run, and pages of them")
        return names

    def passing(self, name: str) -> Flow:
        """Behind a node that did nothing: it is known by name, and the content before passes through."""
        return replace(self, outputs={**self.outputs, name: StepOutput(name=name, skipped=True)})

    def joined(self, name: str, path: str, branches: Sequence[tuple[str, Flow]]) -> Flow:
        """Behind branches that all began here. Raises StepFailed when two left different values in the state."""
        outputs = dict(self.outputs)
        state, changed_by = dict(self.state), dict[str, str]()
        contents: dict[str, Any] = {}
        data: dict[str, Any] = {}
        for branch, flow in branches:
            outputs.update({n: o for n, o in flow.outputs.items() if self.outputs.get(n) is not o})
            ran = flow.last is not self.last
            contents[branch] = flow.last.content if ran else None
            data[branch] = flow.last.data if ran else None
            for key in _changed(self.state, flow.state):
                if key in changed_by and _value(flow.state, key) != _value(state, key):
                    raise StepFailed(
                        f"step {path}: the branches {changed_by[key]!r} and {branch!r} both set state[{key!r}], to "
                        "different values: let each branch use a key of its own",
                        path=path,
                    )
                changed_by[key] = branch
                if key in flow.state:
                    state[key] = flow.state[key]
                else:
                    state.pop(key, None)
        stop = any(flow.last.stop for _, flow in branches)
        return replace(self, outputs=outputs).after(name, StepOutput(content=contents, stop=stop, data=data), state)


def _named(whole: Mapping[str, StepFile], name: Mapping[str, Any]) -> StepFile:
    document = whole[name["of"]]
    if name["pages"] is None:
        return replace(document, label=name["label"])
    first, last = name["pages"]
    return document.pages(first, last, name["label"])


_GONE = object()


def _value(state: Mapping[str, Any], key: str) -> Any:
    return state.get(key, _GONE)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if _value(before, key) != _value(after, key)]
