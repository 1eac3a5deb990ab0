"""`/health`: whether the process lives, and whether it can work."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from nightdrop.errors import ServiceStopping
from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.store.migrate import schema_version

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """status is "ok"; what is not ok is answered as a problem."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str


@router.get("/live", operation_id="is_live")
async def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/ready", operation_id="is_ready", responses=answers())
def ready(service: Serving) -> Health:
    """The database answers, and the service is not being stopped."""
    if service.stopping:
        raise ServiceStopping("the service is being stopped")
    service.read(schema_version)
    return Health(status="ok")
