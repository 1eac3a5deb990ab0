"""What the simulated model answers: from a table, from a function, or made up to fit the schema."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from nightdrop.errors import UsageError
from nightdrop.testing.model_request import ModelRequest
from nightdrop.testing.schema_values import generate

Hook: TypeAlias = Callable[[ModelRequest], Any]
AnswersGiven: TypeAlias = "Answers | Mapping[str, Any] | Hook | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Where answers come from, in this order: `table`, `hook`, the schema.

    table: {sha256 of a file's bytes, or name or title of the schema: JSON data or a pydantic model}; a file wins.
    hook: a function of the ModelRequest, also async, that returns the answer, or None to leave it to the schema. It
    runs on the server's event loop: it must not block. seed: another one gives other generated answers.
    """

    table: Mapping[str, Any] = field(default_factory=dict)
    hook: Hook | None = None
    seed: int = 0

    @classmethod
    def of(cls, given: AnswersGiven) -> Answers:
        """Answers from a table or a function alone."""
        if isinstance(given, Answers):
            return given
        if given is None:
            return cls()
        return cls(table=given) if isinstance(given, Mapping) else cls(hook=given)

    @classmethod
    def for_files(cls, answers: Mapping[str | os.PathLike[str], Any]) -> Answers:
        """A table made from {path: answer}: the files are read and hashed now."""
        return cls(table={hashlib.sha256(Path(path).read_bytes()).hexdigest(): a for path, a in answers.items()})

    @classmethod
    def from_json(cls, data: object) -> Answers:
        """A table from JSON data."""
        if not isinstance(data, Mapping):
            raise UsageError("answers are an object: {sha256 of a file, or name of a schema: answer}")
        return cls(table=data)

    async def text(self, request: ModelRequest) -> str:
        """The answer as the text that the model would write."""
        answer = self._known(request)
        if answer is None and self.hook is not None:
            answer = self.hook(request)
            if inspect.isawaitable(answer):
                answer = await answer
        if answer is None:
            answer = self._generated(request)
        return as_text(answer, request)

    def _known(self, request: ModelRequest) -> Any:
        if not self.table:
            return None
        title = (request.schema or {}).get("title")
        keys = [*request.hashes, request.schema_name, title]
        return next((self.table[key] for key in keys if key is not None and key in self.table), None)

    def _generated(self, request: ModelRequest) -> object:
        if request.schema is None:
            return f"Simulated answer {request.seed[:12]}."
        return generate(request.schema, seed=f"{self.seed}:{request.seed}")


def as_text(answer: Any, request: ModelRequest) -> str:
    """JSON for a structured answer, the words themselves for a plain one. Dates and decimals become strings."""
    if isinstance(answer, BaseModel):
        answer = answer.model_dump(mode="json")
    if isinstance(answer, str) and request.output == "text":
        return answer
    return json.dumps(answer, default=str, ensure_ascii=False)
