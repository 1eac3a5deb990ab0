"""`/costs` and `/providers`: what calls cost, and whom they may be made of."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from nightdrop.http.problems import answers
from nightdrop.http.service import Serving
from nightdrop.http.shapes.money import CostTable, Freed, PausedName, PauseReason, ProviderPage
from nightdrop.http.shapes.text import Text, Wanted
from nightdrop.store.costs import CostKey

router = APIRouter(tags=["money"])


@router.get("/costs", operation_id="get_costs", response_model=CostTable, responses=answers())
def get_costs(
    service: Serving,
    group_by: Annotated[CostKey, Query(description="What to sum by; days are UTC.")] = "model",
    since: Annotated[AwareDatetime | None, Query(description="Calls opened from this time on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Calls opened before this time.")] = None,
    agent_id: Wanted = None,
) -> dict[str, Any]:
    """The ledger of model calls, summed."""
    return service.db.costs(group_by, since=since, until=until, agent=agent_id).to_json()


@router.get("/providers", operation_id="list_providers", response_model=ProviderPage, responses=answers())
def list_providers(service: Serving) -> dict[str, Any]:
    """Providers that are paused, and limits in use."""
    found = service.db.providers
    items = [pause.to_json() for pause in found.list()]
    return {"items": items, "next_cursor": None, "limits": [limit.to_json() for limit in found.limits()]}


@router.post("/providers/{name}/pause", operation_id="pause_provider", responses=answers())
def pause(name: Text, body: PauseReason, service: Serving) -> PausedName:
    """Make no call of a provider (openai), or of one key of it, until it is resumed."""
    service.db.providers.pause(name, body.reason)
    return PausedName(name=name)


@router.post("/providers/{name}/resume", operation_id="resume_provider", responses=answers(409))
async def resume(name: Text, service: Serving) -> Freed:
    """Ask a provider again at once."""
    freed = await service.athread(lambda: service.db.providers.resume(name))
    (await service.engine()).wake()
    return Freed(freed=freed)
