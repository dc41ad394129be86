import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import msgspec
import pytest
from flask import Flask

from schemas.api.lookup import LookupRequest
from server.api.account_answers import AnswerEndpoints
from server.api.endpoints import ApiEndpoints
from server.api.evidence import PATH as EVIDENCE, EvidenceEndpoints, EvidenceRules
from server.api.ledger.endpoints import PREFIX as LEDGER, LedgerEndpoints
from server.api.ledger.witness_endpoint import PATH as WITNESS, WitnessEndpoint
from server.api.limits import LookupSettings
from server.api.notices import PATH as NOTICE, NoticeEndpoints
from server.api.objections import PATH as OBJECTIONS, ObjectionEndpoints, ObjectionRules
from server.api.openapi import description
from server.api.requests import PREFIX as REQUESTS, RequestEndpoints
from server.api.trends import PREFIXES, TrendEndpoints
from server.app import close, create_app
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store
from server.taxii.endpoints import MEDALLION_ROUTES, METHODS, route
from server.taxii.limits import PartnerQuotas
from server.taxii.openapi import describe
from server.taxii.other_endpoints import EndpointsByPath, OtherEndpoints

TRENDS = PREFIXES[0]


@pytest.fixture
def app(migrated_store: Path, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(Settings(database_url=f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}"))
    yield app
    close(app)


def test_it_describes_every_route_and_nothing_else(app: Flask) -> None:
    described = {
        path: {method.upper() for method in item if method != "parameters"}
        for path, item in describe()["paths"].items()
    }
    routes = {}
    for path, methods in described.items():
        request = route({"PATH_INFO": re.sub(r"{\w+}", "x", path)})
        assert request is not None
        routes[request.route] = methods
    assert routes == {name: set(methods) for name, methods in METHODS.items()}
    by_medallion = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("taxii.")}
    assert {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in by_medallion} <= described.keys()
    assert len(by_medallion) == len(MEDALLION_ROUTES)


def test_it_is_open_to_everybody(app: Flask) -> None:
    answer = app.test_client().get("/openapi.json")
    assert answer.content_type == "application/json"
    assert answer.json == _all()


def _all() -> dict[str, Any]:
    """Return the description of all that is served, as the application hands it out."""
    hub, store, nothing = cast(Hub, None), cast(Store, None), cast(Any, None)
    served: dict[str, OtherEndpoints] = {TRENDS: TrendEndpoints(0), "/api/answers": _answers(), REQUESTS: _requests()}
    served |= {OBJECTIONS: ObjectionEndpoints(hub, ObjectionRules()), "/api/": _lookups()}
    served |= {
        EVIDENCE: EvidenceEndpoints(hub, None, EvidenceRules.of(Settings())),
        NOTICE: NoticeEndpoints(hub, PartnerQuotas(), nothing),
    }
    served |= {LEDGER: LedgerEndpoints(store, nothing), WITNESS: WitnessEndpoint(store, nothing)}
    return describe(EndpointsByPath(served).describe())


def _requests() -> RequestEndpoints:
    return RequestEndpoints(cast(Hub, None), PartnerQuotas())


def _answers() -> AnswerEndpoints:
    return AnswerEndpoints(cast(Hub, None), PartnerQuotas())


def _lookups() -> ApiEndpoints:
    return ApiEndpoints(cast(Store, None), LookupSettings(), PartnerQuotas())


def test_it_describes_the_endpoints_beside_taxii_and_nothing_else() -> None:
    endpoints = _lookups()
    routes = {}
    for path, item in description().paths.items():
        [method] = (name.upper() for name in item if name != "parameters")
        request = endpoints.find({"PATH_INFO": re.sub(r"{\w+}", "x", path), "REQUEST_METHOD": method})
        assert request is not None
        endpoints.check(request)
        assert endpoints.is_open(request) == (item[method.lower()].get("security") == [])
        routes[request.route] = method
    assert routes == {"lookup": "POST", "check": "GET", "digest": "GET", "active": "GET"}


def test_it_describes_the_endpoints_of_trends_and_nothing_else() -> None:
    endpoints = TrendEndpoints(0)
    for path, item in endpoints.describe().paths.items():
        request = endpoints.find({"PATH_INFO": path, "REQUEST_METHOD": "GET"})
        assert request is not None
        endpoints.check(request)
        assert endpoints.is_open(request) == (item["get"].get("security") == [])


def test_its_example_is_of_its_schema() -> None:
    body = _all()["paths"]["/api/lookup"]["post"]["requestBody"]["content"]["application/json"]
    assert msgspec.convert(body["example"], LookupRequest).values


def test_its_schemas_are_schemas() -> None:
    for schema in _all()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_in_it_leads_somewhere() -> None:
    described = _all()
    references = set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', json.dumps(described)))
    assert {"schemas", "responses"} == {kind for kind, _ in references}
    assert [name for kind, name in references if name not in described["components"][kind]] == []


def test_every_link_in_it_leads_to_an_operation_of_its_own_name() -> None:
    operations = [
        operation for item in _all()["paths"].values() for name, operation in item.items() if name != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    links = [
        link
        for operation in operations
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert {link["operationId"] for link in links} == {"status", "manifest", "objects", "versions"}
    assert {link["operationId"] for link in links} <= set(names)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\x1f", "\x85", "\u3000", "\x00", "a\x00", ",", "a,b"])
def test_what_a_list_of_the_url_cannot_hold_is_no_word(blank: str) -> None:
    word = describe()["paths"]["/feed/collections/{collection_id}/objects/"]["get"]["parameters"][3]["schema"]["items"]
    assert not jsonschema.Draft202012Validator(word).is_valid(blank)
    assert jsonschema.Draft202012Validator(word).is_valid("indicator")
