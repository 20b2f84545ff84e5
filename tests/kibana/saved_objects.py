"""Kibana's format of saved objects, as its server checks it on import.

After the schemas of Kibana 9's repository: `dashboard_saved_object/schema/v1` and `v2`,
`saved_search/server/saved_objects/schema_legacy.ts` (model version 2), the migrations of
`index-pattern`, and the types of Lens' `FormBasedPersistedState`. Kibana refuses unknown attributes
of a dashboard; these models refuse them everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

_INDEX_PATTERN = Literal["index-pattern"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _parsed(text: object) -> object:
    assert isinstance(text, str), "Kibana stores JSON as a string here"
    return json.loads(text)


class Reference(_Strict):
    type: _INDEX_PATTERN
    id: str
    name: str


class Query(_Strict):
    query: str
    language: Literal["kuery", "lucene"]


class Column(_Strict):
    label: Annotated[str, Field(min_length=1)]
    customLabel: bool  # noqa: N815 - Kibana's names, here and below
    dataType: Literal["number", "string", "date"]  # noqa: N815
    operationType: Literal[  # noqa: N815
        "average", "count", "date_histogram", "formula", "math", "max", "median", "percentile",
        "range", "sum", "terms",
    ]  # fmt: skip
    isBucketed: bool  # noqa: N815
    scale: Literal["ratio", "interval", "ordinal"]
    params: dict[str, Any]
    sourceField: str | None = None  # noqa: N815
    references: list[str] = []
    filter: Query | None = None


class Layer(_Strict):
    columns: dict[str, Column]
    columnOrder: list[str]  # noqa: N815
    incompleteColumns: dict[str, Any]  # noqa: N815


class _Layers(_Strict):
    layers: dict[str, Layer]


class _DatasourceStates(_Strict):
    formBased: _Layers  # noqa: N815
    textBased: _Layers  # noqa: N815


class LensState(_Strict):
    visualization: dict[str, Any]
    query: Query
    filters: list[Any]
    datasourceStates: _DatasourceStates  # noqa: N815
    internalReferences: list[Reference]  # noqa: N815
    adHocDataViews: dict[str, Any]  # noqa: N815


class LensAttributes(_Strict):
    title: str
    description: str
    visualizationType: Literal["lnsMetric", "lnsPie", "lnsDatatable", "lnsXY"]  # noqa: N815
    type: Literal["lens"]
    references: list[Reference]
    state: LensState


class _Grid(_Strict):
    x: Annotated[int, Field(ge=0)]
    y: Annotated[int, Field(ge=0)]
    w: Annotated[int, Field(gt=0)]
    h: Annotated[int, Field(gt=0)]
    i: str


class _Embeddable(_Strict):
    attributes: LensAttributes
    enhancements: dict[str, Any]


class Panel(_Strict):
    type: Literal["lens"]
    panelIndex: str  # noqa: N815
    gridData: _Grid  # noqa: N815
    title: str
    embeddableConfig: _Embeddable  # noqa: N815


class _Control(_Strict):
    type: Literal["optionsListControl"]
    order: int
    width: Literal["small", "medium", "large"]
    grow: bool
    explicitInput: dict[str, Any]  # noqa: N815


class _ControlGroup(_Strict):
    controlStyle: Literal["oneLine", "twoLine"]  # noqa: N815
    chainingSystem: Literal["HIERARCHICAL", "NONE"]  # noqa: N815
    panelsJSON: Annotated[dict[str, _Control], BeforeValidator(_parsed)]  # noqa: N815
    ignoreParentSettingsJSON: Annotated[dict[str, bool], BeforeValidator(_parsed)]  # noqa: N815


class _SearchSource(_Strict):
    query: Query
    filter: list[Any]
    indexRefName: str | None = None  # noqa: N815


class _Meta(_Strict):
    searchSourceJSON: Annotated[_SearchSource, BeforeValidator(_parsed)]  # noqa: N815


class DashboardAttributes(_Strict):
    title: str
    description: str
    panelsJSON: Annotated[list[Panel], BeforeValidator(_parsed)]  # noqa: N815
    optionsJSON: Annotated[dict[str, bool], BeforeValidator(_parsed)]  # noqa: N815
    kibanaSavedObjectMeta: _Meta  # noqa: N815
    timeRestore: bool  # noqa: N815
    timeFrom: str  # noqa: N815
    timeTo: str  # noqa: N815
    version: int
    controlGroupInput: _ControlGroup  # noqa: N815


class _SourceFilter(_Strict):
    value: str


class _Format(_Strict):
    id: Literal["number", "percent", "url", "duration"]
    params: dict[str, Any]


class DataViewAttributes(_Strict):
    title: str
    name: str
    timeFieldName: str | None = None  # noqa: N815
    sourceFilters: Annotated[list[_SourceFilter], BeforeValidator(_parsed)]  # noqa: N815
    fieldFormatMap: Annotated[dict[str, _Format], BeforeValidator(_parsed)]  # noqa: N815


class SearchAttributes(_Strict):
    title: str
    description: str
    columns: list[str]
    sort: list[list[str]]
    grid: dict[str, Any]
    hideChart: bool  # noqa: N815
    isTextBasedQuery: bool  # noqa: N815
    kibanaSavedObjectMeta: _Meta  # noqa: N815


class _SavedObject(_Strict):
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    references: list[Reference]
    coreMigrationVersion: Literal["8.8.0"]  # noqa: N815


class Dashboard(_SavedObject):
    type: Literal["dashboard"]
    attributes: DashboardAttributes
    # Model version 2: Kibana 8.16 to 9.0; later ones migrate it.
    typeMigrationVersion: Literal["10.2.0"]  # noqa: N815


class DataView(_SavedObject):
    type: _INDEX_PATTERN
    attributes: DataViewAttributes
    typeMigrationVersion: Literal["8.0.0"]  # noqa: N815


class DiscoverSession(_SavedObject):
    type: Literal["search"]
    attributes: SearchAttributes
    typeMigrationVersion: Literal["10.2.0"]  # noqa: N815


SavedObject = Annotated[Dashboard | DataView | DiscoverSession, Field(discriminator="type")]
_SAVED_OBJECT: TypeAdapter[Dashboard | DataView | DiscoverSession] = TypeAdapter(SavedObject)


def read_ndjson(content: bytes) -> list[Dashboard | DataView | DiscoverSession]:
    """The objects of a file.

    Raises:
        ValidationError: one has not Kibana's format.
    """
    return [_SAVED_OBJECT.validate_python(json.loads(line)) for line in content.splitlines()]


def panels(dashboard: Dashboard) -> Iterator[tuple[Panel, Layer]]:
    """Each panel with its layer of columns."""
    for panel in dashboard.attributes.panelsJSON:
        (layer,) = (
            panel.embeddableConfig.attributes.state.datasourceStates.formBased.layers.values()
        )
        yield panel, layer
