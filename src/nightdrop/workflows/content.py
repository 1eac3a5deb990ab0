"""Content between steps: recorded as JSON, handed on as what the step's return type says, in every process alike."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from nightdrop.errors import StepOutputInvalid, WorkflowInvalid
from nightdrop.workflows.step_io import StepOutput


class ContentType:
    """The declared content of a function: its return annotation, or JSON data where there is none."""

    def __init__(self, function: Callable[..., Any]) -> None:
        declared = _declared(function)
        self._is_none = declared is type(None)
        self._name = name_of(function)
        self._adapter: TypeAdapter[Any] | None = None
        if declared is None or self._is_none:
            return
        try:
            self._adapter = TypeAdapter(declared)
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise WorkflowInvalid(
                f"step {self._name} says it returns {declared!r}, which cannot be kept as JSON: return a pydantic "
                "model, a dataclass or JSON data"
            ) from error

    @property
    def is_declared(self) -> bool:
        """Whether the signature says what is returned."""
        return self._adapter is not None or self._is_none

    def dump(self, content: Any) -> Any:
        """JSON data. Raises StepOutputInvalid for what is none, or is not what the annotation says."""
        if content is None:
            return None
        if self._adapter is None:
            return self._plain(content)
        try:
            return self._adapter.dump_python(self._adapter.validate_python(content), mode="json")
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in e['loc']) or 'content'}: {e['msg']}" for e in error.errors()[:5]
            )
            raise StepOutputInvalid(f"{self._name} returned what its return type does not allow: {problems}") from error

    def load(self, data: Any) -> Any:
        """What `dump` was given, from its JSON data. Raises StepOutputInvalid if the return type has changed since."""
        if data is None or self._adapter is None:
            return data
        try:
            return self._adapter.validate_json(json.dumps(data))
        except ValidationError as error:
            raise StepOutputInvalid(
                f"what {self._name} returned and was recorded does not fit its return type any more: give the changed "
                "workflow another version="
            ) from error

    def _plain(self, content: Any) -> Any:
        try:
            return json.loads(json.dumps(content, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise StepOutputInvalid(
                f"{self._name} returned a {type(content).__name__}, which is no JSON data ({error}): return JSON "
                "data, or a pydantic model or dataclass that the function's signature names, and it comes back as that"
            ) from error


def _declared(function: Callable[..., Any]) -> Any:
    """The type of the content that a signature promises, or an object's own `returns`; None: nothing is promised."""
    if getattr(function, "returns", None) is not None:
        return function.returns  # type: ignore[attr-defined]
    target = function if inspect.isroutine(function) else getattr(function, "func", None) or type(function).__call__
    try:
        found = get_type_hints(target).get("return")
    except (NameError, TypeError):  # names that exist only for type checkers
        return None
    if found is None:
        return None
    kinds = get_args(found) if isinstance(found, UnionType) or get_origin(found) is Union else (found,)
    contents = tuple(_content_of(kind) for kind in kinds if kind is not StepOutput)
    if not contents or any(kind in (Any, object) for kind in contents):
        return None
    return Union[contents]  # noqa: UP007 - made of a tuple


def _content_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is StepOutput else kind


def name_of(function: Any) -> str:
    """What a function is called; an object that is called, by its class."""
    named = getattr(function, "func", function)  # of a partial
    return str(getattr(named, "__name__", type(named).__name__))
