"""`POST /events`: what shoppers did with the hits of `POST /search`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from es_hybrid.experiments.event_log import event_record
from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.experiment import QUERY_ID, Experiment
from es_hybrid.serve.own import OwnCaller, refusals, route_of
from es_hybrid.serve.services import Services

_MAX_EVENTS = 100
MAX_BYTES = _MAX_EVENTS * 8 * 1024
"""Of a body."""

# An id of Elasticsearch has 512 bytes at most.
_ObjectId = Annotated[str, Field(min_length=1, max_length=512)]


class _Ubi(BaseModel):
    """A part of UBI's schema; its other fields are accepted, and not logged."""

    model_config = ConfigDict(extra="ignore", use_attribute_docstrings=True, strict=True)


class EventObject(_Ubi):
    """The product."""

    object_id: _ObjectId
    """Its `id` in the answer."""


class EventPosition(_Ubi):
    """Where the product was shown."""

    ordinal: Annotated[int, Field(ge=1, le=10_000)]
    """Its `rank` in the answer, from 1."""


class EventAttributes(_Ubi):
    """What the event is about."""

    object: EventObject
    position: EventPosition | None = None


class ShopperEvent(_Ubi):
    """An event in the schema of UBI's `ubi_events`."""

    action_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """`impression`, `click`, `add_to_cart` or `cart`, `purchase` or `order`, or another."""
    query_id: Annotated[str, Field(pattern=QUERY_ID)]
    """`query_id` of the answer."""
    event_attributes: EventAttributes


class Accepted(BaseModel):
    """How many events will be logged; the others are dropped, because the log is too slow."""

    accepted: int


def router(services: Services, experiment: Experiment | None) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["search"], route_class=route_of(services))

    @routes.post(
        "/events",
        response_model=Accepted,
        status_code=202,
        responses=refusals(400, 401, 403, 408, 413, 429, 501),
        summary="Log what shoppers did with the hits of a search",
    )
    async def events(
        body: Annotated[list[ShopperEvent], Field(min_length=1, max_length=_MAX_EVENTS)],
        sender: Annotated[OwnCaller, Depends(OwnCaller)],
    ) -> Accepted:
        sender.enter(services)
        if experiment is None:
            raise Refusal(501, "no_log_exception", "nothing is logged: set experiment.log")
        return Accepted(accepted=sum(experiment.log.add(_record(event)) for event in body))

    return routes


def _record(event: ShopperEvent) -> dict[str, object]:
    about = event.event_attributes
    position = about.position.ordinal if about.position else None
    return event_record(event.query_id, event.action_name, about.object.object_id, position)
