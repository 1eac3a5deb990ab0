"""The OpenAPI description: FastAPI's, with errors under the media type that they are sent with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from nightdrop.http.problems import MEDIA_TYPE

_PROBLEM = "#/components/schemas/Problem"


def describe_problems(app: FastAPI) -> None:
    """FastAPI writes every answer down under the route's own media type: say problem+json where a problem is meant."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        made = plain()
        for route in (route for methods in made["paths"].values() for route in methods.values()):
            for answer in route["responses"].values():
                content = answer.get("content", {})
                for kind in [k for k, v in content.items() if v.get("schema", {}).get("$ref") == _PROBLEM]:
                    content[MEDIA_TYPE] = content.pop(kind)
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # how FastAPI says that it is changed
