"""The endpoints of trends: what is published, for anybody; and a partner's own quality beside the others' median."""

import csv
import io
import threading
import time
from collections import OrderedDict
from datetime import UTC, date, datetime
from typing import Literal

from server.features.trends import quality, query
from server.features.trends.figures import BY_NAME, Dimension
from server.features.trends.query import COLUMNS, MOST_ROWS, FigureRow, Range
from server.operations.rights import ANYBODY
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.web.api.routes import (
    AddressLimit,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    NamedSchema,
    Parameter,
    ResponseBody,
    json_response,
)
from server.web.taxii.errors import TaxiiError
from server.web.taxii.openapi_schemas import STRING, Schema, ref
from server.web.taxii.response import TaxiiResponse

CSV = "text/csv; charset=utf-8"
_SECONDS = 60
# Published figures are the same for everybody, and change once a day.
_KEPT = ("Cache-Control", f"public, max-age={_SECONDS}")
_MOST_ANSWERS = 16
_LIMIT = AddressLimit(lambda settings: settings.check_rate_limit)

_Key = tuple[Range, str | None, str | None]


class Trends(ApiService):
    """The published figures of one application, cached for a minute."""

    def __init__(self, site: ApiSite) -> None:
        """Start with an empty cache."""
        super().__init__(site)
        self._answers: OrderedDict[_Key, tuple[float, list[FigureRow], str | None]] = OrderedDict()
        self._changing = threading.Lock()

    def published(self, store: Store, key: _Key) -> tuple[list[FigureRow], str | None]:
        """Return the published rows of a range and the last closed day, at most a minute old. Raises ``TaxiiError``."""
        with self._changing:
            known = self._answers.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1], known[2]
        if store.is_fast:
            raise NotFast
        asked, figure, dimension = key
        with store.read() as tx:
            rows = query.published(tx, asked, figure, dimension)
            closed = query.closed_up_to(tx, asked.by)
        if len(rows) > MOST_ROWS:
            raise TaxiiError("too-many-figures", most=MOST_ROWS)
        with self._changing:
            self._answers[key] = (time.monotonic() + _SECONDS, rows, closed)
            while len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)
        return rows, closed


def _trends(call: ApiCall) -> TaxiiResponse:
    key = _asked(call)
    rows, closed = call.of(Trends).published(call.store, key)
    asked = key[0]
    answer = {
        "by": asked.by,
        "from": query.text_of(asked.first, "day"),
        "to": query.text_of(asked.last, "day"),
        "published_up_to": closed,
        "figures": [row.shown() for row in rows],
    }
    return json_response(answer, headers=(_KEPT,))


def _trends_csv(call: ApiCall) -> TaxiiResponse:
    rows, _ = call.of(Trends).published(call.store, _asked(call))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return TaxiiResponse(200, text.getvalue().encode(), (_KEPT,), CSV)


def _quality(call: ApiCall) -> TaxiiResponse:
    """Return the figures of the partner's organisation, which may have several partners."""
    with call.store.read() as tx:
        found = quality.beside_others(tx, call.partner.counts_as)
    kinds = [
        {
            **{name: part for name, part in of_kind.own._asdict().items() if name != "organisation"},
            "median": of_kind.median,
        }
        for of_kind in found
    ]
    return json_response({"kinds": kinds})


def _asked(call: ApiCall) -> _Key:
    """Return the range, the figure and the dimension that are asked for. Raises ``TaxiiError``."""
    known = {parameter.name for parameter in _PARAMETERS}
    pairs = call.query(len(known))
    given = dict(pairs)
    by, figure, dimension = given.get("by", "month"), given.get("figure"), given.get("dimension")
    is_known = given.keys() <= known and len(given) == len(pairs) and by in ("day", "month")
    if not is_known or figure not in (None, *BY_NAME) or dimension not in (None, "", *Dimension):
        raise TaxiiError("not-a-range")
    try:
        first, last = (date.fromisoformat(given[name]) if name in given else None for name in ("from", "to"))
        return query.range_of(first, last, _BY[by], datetime.now(UTC).date()), figure, dimension
    except ValueError:
        raise TaxiiError("not-a-range") from None


_BY: dict[str, Literal["day", "month"]] = {"day": "day", "month": "month"}
_PARAMETERS = (
    Parameter("from", "first day", {"type": "string", "format": "date"}),
    Parameter("to", "last day", {"type": "string", "format": "date"}),
    Parameter("by", schema={"enum": ["day", "month"], "default": "month"}),
    Parameter("figure", schema={"enum": list(BY_NAME)}),
    Parameter("dimension", "empty: totals", {"enum": ["", *map(str, Dimension)]}),
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": ["number", "null"], "minimum": 0}
_FIGURE = NamedSchema(
    "figure",
    {
        "type": "object",
        "properties": {
            **dict.fromkeys(COLUMNS[:4], STRING),
            "count": _COUNT,
            "at_least": {"type": "boolean", "description": "small cells of some days are left out of it"},
            "p50_seconds": _NUMBER,
            "p95_seconds": _NUMBER,
            "items": {"type": ["integer", "null"], "minimum": 0},
            "victims": {"type": ["integer", "null"], "minimum": 0},
            "amount": {"type": ["string", "null"], "description": "in the currency that the word ends with"},
        },
        "required": list(COLUMNS),
    },
)
_TRENDS = NamedSchema(
    "trends",
    {
        "type": "object",
        "properties": {
            "by": {"enum": ["day", "month"]},
            "from": STRING,
            "to": STRING,
            "published_up_to": {"type": ["string", "null"]},
            "figures": {"type": "array", "items": ref("figure")},
        },
        "required": ["by", "from", "to", "published_up_to", "figures"],
    },
    uses=(_FIGURE,),
)
_QUALITY = NamedSchema(
    "quality",
    {
        "type": "object",
        "properties": {
            "kinds": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "kind": STRING,
                        "volume": _COUNT,
                        "judged": _COUNT,
                        "seen_after_end": _COUNT,
                        **dict.fromkeys(("exclusive", "first", "delay", "precision", "coverage"), _NUMBER),
                        "median": {"type": "object", "additionalProperties": {"type": "number"}},
                    },
                    "required": ["kind", "volume", "median"],
                },
            }
        },
        "required": ["kinds"],
    },
)
ROUTES = (
    ApiRoute(
        "trends",
        "GET",
        "/api/trends",
        _trends,
        "Get figures by day or month",
        ResponseBody(_TRENDS),
        ANYBODY,
        parameters=_PARAMETERS,
        limit=_LIMIT,
        is_fast=True,
        service=Trends,
    ),
    ApiRoute(
        "trends-csv",
        "GET",
        "/api/trends.csv",
        _trends_csv,
        "Get figures by day or month as CSV",
        ResponseBody(STRING, media_type="text/csv"),
        ANYBODY,
        parameters=_PARAMETERS,
        limit=_LIMIT,
        is_fast=True,
        service=Trends,
    ),
    ApiRoute(
        "quality",
        "GET",
        "/api/quality",
        _quality,
        "Get the quality of your reports, next to the median of others",
        ResponseBody(_QUALITY),
    ),
)
