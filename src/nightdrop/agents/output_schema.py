"""The output schema of an agent: a pydantic model, a JSON schema, or none (plain text)."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import jsonschema
from pydantic import BaseModel, ValidationError

from nightdrop.errors import AnswerInvalid, SchemaInvalid


class OutputSchema:
    """Validates answers and brings stored content back as the caller's own class.

    given: a pydantic model class, a JSON schema dict, or None. Raises SchemaInvalid for anything else.
    """

    def __init__(self, given: type[BaseModel] | dict[str, Any] | None) -> None:
        self._model: type[BaseModel] | None = None
        self._validator: Any = None
        self.json_schema: dict[str, Any] | None = None
        if given is None:
            return
        if isinstance(given, type) and issubclass(given, BaseModel):
            self._model = given
            self.json_schema = given.model_json_schema(mode="validation")
        elif isinstance(given, dict):
            self.json_schema = given
            self._validator = _checked(given)
        else:
            raise SchemaInvalid(f"output_schema takes a pydantic model class or a JSON schema dict, got {given!r}")

    @cached_property
    def content_schema(self) -> dict[str, Any] | None:
        """The schema of stored content: by the fields' own names, where `json_schema` asks by their aliases."""
        return self.json_schema if self._model is None else self._model.model_json_schema(by_alias=False)

    @cached_property
    def size(self) -> int:
        """Characters of the schema as it is sent."""
        return 0 if self.json_schema is None else len(json.dumps(self.json_schema, separators=(",", ":")))

    @property
    def name(self) -> str:
        """What a person calls the schema."""
        if self._model is not None:
            return self._model.__qualname__
        return "text" if self.json_schema is None else str(self.json_schema.get("title", "JSON schema"))

    def validate(self, data: Any) -> Any:
        """Content as JSON data, valid against the schema. Raises AnswerInvalid that names the fields."""
        if self._model is not None:
            try:
                return self._model.model_validate(data).model_dump(mode="json", by_alias=False)
            except ValidationError as error:
                problems = "; ".join(
                    f"{'.'.join(str(p) for p in e['loc']) or 'answer'}: {e['msg']}" for e in error.errors()[:5]
                )
                raise AnswerInvalid(f"the answer does not fit {self.name}: {problems}") from error
        if self._validator is not None:
            errors = list(self._validator.iter_errors(data))
            if errors:
                problems = "; ".join(f"{e.json_path}: {e.message}" for e in errors[:5])
                raise AnswerInvalid(f"the answer does not fit {self.name}: {problems}")
        return data

    def load(self, content: Any) -> Any:
        """Stored content as an instance of the schema's class (JSON data where there is no class)."""
        if content is None or self._model is None:
            return content
        return self._model.model_validate(content, by_alias=True, by_name=True)  # stored by name, asked by alias


def _checked(schema: dict[str, Any]) -> Any:
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SchemaInvalid(f"not a valid JSON schema: {error.json_path}: {error.message}") from error
    return kind(schema)
