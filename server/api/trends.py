"""The endpoints of trends: what is published, for anybody; and a partner's own quality beside the others' median."""

import csv
import io
import threading
import time
from collections import OrderedDict
from datetime import UTC, date, datetime
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from schemas.partner import Partner
from server.api.limits import AddressQuota
from server.release.trends import quality, query
from server.release.trends.figures import BY_NAME, Dimension
from server.release.trends.query import COLUMNS, MOST_ROWS, FigureRow, Range
from server.store import Store
from server.store.objects.fast_reads import NotFast
from server.taxii.errors import TaxiiError
from server.taxii.openapi_schemas import STRING, Schema, ref
from server.taxii.other_endpoints import Description, OtherRequest
from server.taxii.response import JSON, TaxiiResponse

PREFIXES = ("/api/trends", "/api/quality")
CSV = "text/csv; charset=utf-8"
_PATHS = {"/api/trends": "trends", "/api/trends.csv": "trends-csv", "/api/quality": "quality"}
_PARAMETERS = ("from", "to", "by", "figure", "dimension")
_SECONDS = 60
# Published figures are the same for everybody, and change once a day.
_KEPT = ("Cache-Control", f"public, max-age={_SECONDS}")
_UNKEPT = ("Cache-Control", "no-store")
_MOST_ANSWERS = 16
_COUNTED = "scamfeed.trends-counted"

_Key = tuple[Range, str | None, str | None]


class TrendEndpoints:
    """The endpoints of one application. Answers are kept for a minute, so that whoever asks again costs nothing."""

    def __init__(self, per_minute: int) -> None:
        """Let each address ask so often in a minute; 0 is without end."""
        self._addresses = AddressQuota(per_minute)
        self._answers: OrderedDict[_Key, tuple[float, list[FigureRow], str | None]] = OrderedDict()
        self._changing = threading.Lock()

    def describe(self) -> Description:
        """Describe these endpoints for clients."""
        return _description()

    def find(self, environ: dict[str, Any]) -> OtherRequest | None:
        """Return the request where its path is one of these."""
        name = _PATHS.get(environ["PATH_INFO"].rstrip("/"))
        return None if name is None else OtherRequest(name, "", environ)

    def is_open(self, request: OtherRequest) -> bool:
        """Return whether anybody may send the request: figures that are published."""
        return request.route != "quality"

    def body_limit(self, request: OtherRequest) -> int:
        """Accept no body."""
        return 0

    def check(self, request: OtherRequest) -> None:
        """Refuse a method that the route does not have. Raises ``TaxiiError``."""
        if request.method not in ("GET", "OPTIONS"):
            raise TaxiiError("method-not-allowed", (("Allow", _ALLOWED),))

    def respond(self, store: Store, partner: Partner | None, remote: str, request: OtherRequest) -> TaxiiResponse:
        """Answer a request. Raises ``TaxiiError`` and ``NotFast``."""
        if request.method == "OPTIONS":
            return TaxiiResponse(200, headers=(("Allow", _ALLOWED),), content_type=JSON)
        if partner is not None:
            return _quality(store, partner)
        if _COUNTED not in request.environ:
            self._addresses.spend(remote)
            request.environ[_COUNTED] = True
        key = _asked(request, datetime.now(UTC).date())
        rows, closed = self._published(store, key)
        if request.route == "trends-csv":
            return TaxiiResponse(200, _csv(rows), (_KEPT,), CSV)
        asked = key[0]
        answer = {
            "by": asked.by,
            "from": query.text_of(asked.first, "day"),
            "to": query.text_of(asked.last, "day"),
            "published_up_to": closed,
            "figures": [row.shown() for row in rows],
        }
        return TaxiiResponse(200, msgspec.json.encode(answer), (_KEPT,), JSON)

    def _published(self, store: Store, key: _Key) -> tuple[list[FigureRow], str | None]:
        """Return what is published of a range, and up to where; as it was up to a minute ago."""
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


def _asked(request: OtherRequest, today: date) -> _Key:
    """Return the range, the figure and the dimension that are asked for. Raises ``TaxiiError``."""
    try:
        text = request.environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=len(_PARAMETERS))
    except ValueError as error:
        raise TaxiiError("too-many-parameters", most=len(_PARAMETERS)) from error
    given = dict(pairs)
    by, figure, dimension = given.get("by", "month"), given.get("figure"), given.get("dimension")
    is_known = given.keys() <= set(_PARAMETERS) and len(given) == len(pairs) and by in ("day", "month")
    if not is_known or figure not in (None, *BY_NAME) or dimension not in (None, "", *Dimension):
        raise TaxiiError("not-a-range")
    try:
        first, last = (date.fromisoformat(given[name]) if name in given else None for name in ("from", "to"))
        return query.range_of(first, last, _BY[by], today), figure, dimension
    except ValueError:
        raise TaxiiError("not-a-range") from None


_BY: dict[str, Literal["day", "month"]] = {"day": "day", "month": "month"}


def _csv(rows: list[FigureRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode()


def _quality(store: Store, partner: Partner) -> TaxiiResponse:
    """Answer with a partner's own figures; it may be one of several of its organisation."""
    if store.is_fast:
        raise NotFast
    with store.read() as tx:
        found = quality.beside_others(tx, partner.counts_as)
    kinds = [
        {
            **{name: part for name, part in of_kind.own._asdict().items() if name != "organisation"},
            "median": of_kind.median,
        }
        for of_kind in found
    ]
    return TaxiiResponse(200, msgspec.json.encode({"kinds": kinds}), (_UNKEPT,), JSON)


_ALLOWED = "HEAD, OPTIONS, GET"
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NUMBER: Schema = {"type": ["number", "null"], "minimum": 0}
_FIGURE: Schema = {
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
}
_TRENDS: Schema = {
    "type": "object",
    "properties": {
        "by": {"enum": ["day", "month"]},
        "from": STRING,
        "to": STRING,
        "published_up_to": {"type": ["string", "null"]},
        "figures": {"type": "array", "items": ref("figure")},
    },
    "required": ["by", "from", "to", "published_up_to", "figures"],
}
_QUALITY: Schema = {
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
}


def _description() -> Description:
    trends = _operation("trends", "Get figures by day or month", _DAYS, 400)
    trends_csv = _operation("trends-csv", "Get figures by day or month as CSV", _DAYS, 400)
    own = _operation("quality", "Get how good the partner's own reports are, beside the median of others", [])
    trends["responses"]["200"]["content"] = {JSON: {"schema": ref("trends")}}
    trends_csv["responses"]["200"]["content"] = {"text/csv": {"schema": STRING}}
    own["responses"]["200"]["content"] = {JSON: {"schema": ref("quality")}}
    trends["security"] = trends_csv["security"] = []
    return Description(
        {"/api/trends": {"get": trends}, "/api/trends.csv": {"get": trends_csv}, "/api/quality": {"get": own}},
        {"trends": _TRENDS, "figure": _FIGURE, "quality": _QUALITY},
    )


_DAYS: list[Schema] = [
    {"name": "from", "in": "query", "schema": {"type": "string", "format": "date"}, "description": "first day"},
    {"name": "to", "in": "query", "schema": {"type": "string", "format": "date"}, "description": "last day"},
    {"name": "by", "in": "query", "schema": {"enum": ["day", "month"], "default": "month"}},
    {"name": "figure", "in": "query", "schema": {"enum": list(BY_NAME)}},
    {
        "name": "dimension",
        "in": "query",
        "schema": {"enum": ["", *map(str, Dimension)]},
        "description": "empty: totals",
    },
]


def _operation(id_: str, summary: str, parameters: list[Schema], *refused: int) -> Schema:
    codes = sorted({401, 406, 408, 414, 429, 431, 503, *refused})
    return {
        "operationId": id_,
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "done"},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in codes},
        },
    }
