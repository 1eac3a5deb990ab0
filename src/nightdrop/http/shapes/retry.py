"""What a retry of a workflow's run may say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from nightdrop.http.shapes.text import Name


class Retry(BaseModel):
    """From which step on a workflow's run is done again; null: from the one that failed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"from_step": "checks/vendor"}]})

    from_step: Name | None = None
