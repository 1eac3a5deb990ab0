"""An error as RFC 9457 problem+json."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ProblemField(BaseModel):
    """What is wrong with one part of a request."""

    where: str = Field(examples=["query.limit"])
    message: str = Field(examples=["Input should be less than or equal to 1000"])


class Problem(BaseModel):
    """Why a request was not done. `code` is stable: docs/reference/errors.md lists all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:nightdrop:error:run_not_found",
                    "title": "There is no such run.",
                    "status": 404,
                    "code": "run_not_found",
                    "detail": "there is no run 'x' in nightdrop.db",
                    "retryable": False,
                }
            ]
        }
    )

    type: str = Field(description="urn:nightdrop:error: and the code.")
    title: str = Field(description="What the code means.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="Stable, for programs.")
    detail: str = Field(description="What happened, and what to do.")
    retryable: bool = Field(description="Whether the same request can succeed later.")
    errors: list[ProblemField] | None = Field(default=None, description="For bad_argument: each part that is wrong.")
    run: dict[str, Any] | None = Field(default=None, description="The run that ended in ERROR or CANCELLED.")
