import io
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.operations.rights import ANYBODY
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.store.objects.fast_reads import FastStore, NotFast
from server.web.api import table
from server.web.api.routes import (
    AddressLimit,
    ApiCall,
    ApiRoute,
    ApiService,
    ApiSite,
    NamedSchema,
    Parameter,
    RequestBody,
    ResponseBody,
    Shape,
    json_response,
)
from server.web.api.table import ApiTable
from server.web.taxii.errors import TaxiiError
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.response import TaxiiResponse


class Sent(msgspec.Struct):
    name: str


class Unoffered(ApiService):
    @classmethod
    def is_offered(cls, settings: Settings) -> bool:
        return False


def _show(call: ApiCall) -> TaxiiResponse:
    return json_response(dict(call.arguments) | dict(call.query(2)))


def _take(call: ApiCall) -> TaxiiResponse:
    return json_response(call.read(Sent), 201)


_DONE = ResponseBody({"type": "object"})
ROUTES = (
    ApiRoute("things", "GET", "/api/things", _show, "List", _DONE, ANYBODY, limit=AddressLimit(lambda _: 1)),
    ApiRoute(
        "one_thing",
        "GET",
        "/api/things/{number}",
        _show,
        "Get one",
        _DONE,
        parameters=(Parameter("number", pattern="[0-9]+"),),
        is_fast=True,
    ),
    ApiRoute(
        "add_thing",
        "POST",
        "/api/things/{number}",
        _take,
        "Add one",
        ResponseBody(Sent, 201),
        request=RequestBody(Sent, 40, "not-a-question"),
    ),
    ApiRoute("hidden", "GET", "/api/hidden", _show, "Hide", _DONE, service=Unoffered),
)


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    yield store
    store.close()


@pytest.fixture
def bank() -> Partner:
    return Partner(name="Bank", kind=PartnerKind.BANK, country="TH", identity=ids.identity("Bank"))


@pytest.fixture
def site(store: Store) -> Iterator[ApiSite]:
    with ExitStack() as running:
        yield ApiSite(Hub(store), Settings(), PartnerQuotas(), running)


@pytest.fixture
def served(site: ApiSite) -> ApiTable:
    return ApiTable(ROUTES, site)


def _environ(path: str, method: str = "GET", body: bytes = b"", **more: str) -> dict[str, Any]:
    length = str(len(body))
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": length}
    return environ | more


def _ask(served: ApiTable, store: Store, partner: Partner | None, environ: dict[str, Any]) -> TaxiiResponse:
    request = served.find(environ)
    assert request is not None
    request.check()
    return served.respond(store, partner, "192.0.2.1", request)


def _refused(served: ApiTable, store: Store, partner: Partner | None, environ: dict[str, Any]) -> TaxiiError:
    with pytest.raises(TaxiiError) as refused:
        _ask(served, store, partner, environ)
    return refused.value


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/things", "things"),
        ("/api/things/", "things"),
        ("/api/things/12", "one-thing"),
        ("/api/things/12/", "one-thing"),
        ("/api/things/x", None),
        ("/api/hidden", None),
        ("/api", None),
    ],
)
def test_paths_are_matched(served: ApiTable, path: str, name: str | None) -> None:
    found = served.find(_environ(path))
    assert (found and found.name) == name


def test_arguments_and_parameters_reach_the_view(served: ApiTable, store: Store, bank: Partner) -> None:
    answer = _ask(served, store, bank, _environ("/api/things/12", QUERY_STRING="a=%C3%A9"))
    assert msgspec.json.decode(answer.body) == {"number": "12", "a": "é"}
    more = _environ("/api/things/12", QUERY_STRING="a=1&b=2&c=3")
    assert _refused(served, store, bank, more).code == "too-many-parameters"


def test_other_methods_are_refused_with_allow(served: ApiTable, store: Store, bank: Partner) -> None:
    error = _refused(served, store, bank, _environ("/api/things/12", "DELETE"))
    assert (error.status, error.headers) == (405, (("Allow", "HEAD, OPTIONS, GET, POST"),))
    assert _refused(served, store, None, _environ("/api/things", "POST")).headers == (("Allow", "HEAD, OPTIONS, GET"),)


def test_options_are_answered_by_the_table(served: ApiTable, store: Store, bank: Partner) -> None:
    answer = _ask(served, store, bank, _environ("/api/things/12", "OPTIONS"))
    assert (answer.status, answer.headers) == (200, (("Allow", "HEAD, OPTIONS, GET, POST"),))


def test_head_is_answered_like_get(served: ApiTable, store: Store, bank: Partner) -> None:
    assert _ask(served, store, bank, _environ("/api/things/12", "HEAD")).status == 200


def test_body_is_read_as_its_model(served: ApiTable, store: Store, bank: Partner) -> None:
    answer = _ask(served, store, bank, _environ("/api/things/1", "POST", b'{"name": "x"}'))
    assert (answer.status, answer.body) == (201, b'{"name":"x"}')
    found = served.find(_environ("/api/things/1", "POST"))
    assert found is not None
    assert found.body_limit == 40


@pytest.mark.parametrize(
    ("body", "more", "code"),
    [
        (b'{"name": "x"}', {"CONTENT_TYPE": "text/plain"}, "not-json"),
        (b'{"name": 1}', {}, "not-a-question"),
        (b"{}", {}, "not-a-question"),
        (b"{", {}, "not-json-body"),
        (b'{"name": "\xff"}', {}, "not-json-body"),
        (b'{"name": "x"}' + b" " * 40, {}, "body-too-large"),
        (b'{"name": "x"}', {"CONTENT_LENGTH": "30"}, "truncated-body"),
    ],
)
def test_wrong_bodies_are_refused(
    served: ApiTable, store: Store, bank: Partner, body: bytes, more: dict[str, str], code: str
) -> None:
    assert _refused(served, store, bank, _environ("/api/things/1", "POST", body, **more)).code == code


def test_place_of_a_mistake_is_named(served: ApiTable, store: Store, bank: Partner) -> None:
    assert "$.name" in _refused(served, store, bank, _environ("/api/things/1", "POST", b"{}")).description


def test_addresses_are_limited(served: ApiTable, store: Store) -> None:
    assert _ask(served, store, None, _environ("/api/things")).status == 200
    environ = _environ("/api/things")
    assert _refused(served, store, None, environ).code == "too-many-checks"


def test_request_that_is_answered_twice_counts_once(site: ApiSite, served: ApiTable, store: Store) -> None:
    environ = _environ("/api/things")
    assert [_ask(served, store, None, environ).status for _ in range(3)] == [200] * 3


def test_only_fast_routes_are_answered_on_the_event_loop(served: ApiTable, store: Store, bank: Partner) -> None:
    fast = FastStore(store, 1.0)
    assert _ask(served, fast, bank, _environ("/api/things/12")).status == 200
    with pytest.raises(NotFast):
        _ask(served, fast, None, _environ("/api/things"))


def test_partners_routes_are_closed_to_the_public(served: ApiTable, store: Store) -> None:
    found = served.find(_environ("/api/things/12"))
    assert found is not None
    assert not found.is_public
    assert _refused(served, store, None, _environ("/api/things/12")).status == 404


def test_routes_of_all_features_are_found() -> None:
    every = {route.id: route for route in table.every()}
    assert {"lookup", "digest", "match", "log_tile", "objections", "requests", "trends", "evidence-add"} <= set(every)


@pytest.mark.parametrize("route", table.every(), ids=lambda route: route.id)
def test_declared_examples_and_patterns_are_valid(route: ApiRoute) -> None:
    named = {parameter.name for parameter in route.parameters}
    assert set(re.findall(r"{(\w+)}", route.path)) - {"collection_id"} <= named
    assert all(re.compile(parameter.pattern).groups == 0 for parameter in route.parameters)
    request = route.request
    if request is not None and request.example is not None:
        of_items = request.item is not None and not _is_list(request.shape, request.example)
        examples = request.example if of_items and isinstance(request.example, list) else [request.example]
        assert examples
        for example in examples:
            _check_example(request.item if of_items else request.shape, example)


def _is_list(shape: Shape | None, example: Any) -> bool:
    """Return whether an example of a body of items has the form of the list of them."""
    fields = shape.__struct_fields__ if isinstance(shape, type) else tuple(_schema(shape)["properties"])
    return isinstance(example, dict) and {*example} <= {*fields}


def _check_example(shape: Shape | None, example: Any) -> None:
    if isinstance(shape, type):
        msgspec.convert(example, shape)
    else:
        Draft202012Validator({**_schema(shape), "components": {"schemas": dict(_used(shape))}}).validate(example)


def _used(shape: Shape | None) -> Iterator[tuple[str, dict[str, Any]]]:
    for used in shape.uses if isinstance(shape, NamedSchema) else ():
        yield used.name, used.schema
        yield from _used(used)


def _schema(shape: Any) -> dict[str, Any]:
    return shape if isinstance(shape, dict) else shape.schema


def test_methods_of_a_path_agree_on_credentials() -> None:
    paths: dict[str, set[tuple[bool, bool]]] = {}
    for route in table.every():
        paths.setdefault(route.path, set()).add((route.is_public, route.is_long))
    assert [path for path, found in paths.items() if len(found) > 1] == []


@pytest.mark.parametrize("path", ["/api/things", "/api/things/{id}"])
def test_two_routes_of_one_path_are_an_error(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    other = ApiRoute("other", "GET", path, _show, "List again", _DONE)
    found = [SimpleNamespace(ROUTES=ROUTES), SimpleNamespace(ROUTES=(other,))]
    monkeypatch.setattr(table, "feature_modules", lambda _: found)
    with pytest.raises(ValueError, match="the same method and path"):
        table.every.__wrapped__()
