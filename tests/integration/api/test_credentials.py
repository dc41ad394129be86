"""The partner's own credentials as JSON: listed without secrets, and named."""

import json
from typing import Any

import pytest

from tests.integration.api.conftest import ApiHub

PATH = "/api/credentials"


def get(hub: ApiHub, by: str = "reader") -> list[dict[str, Any]]:
    status, _, body = hub.ask("GET", PATH, by)
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)["credentials"]
    return found


def name(hub: ApiHub, id_: str, body: object, by: str = "reader") -> tuple[int, dict[str, Any]]:
    status, _, answer = hub.ask("POST", f"{PATH}/{id_}", by, json.dumps(body).encode())
    return status, json.loads(answer)


def test_a_credential_is_listed_and_named_by_its_own_partner_alone(hub: ApiHub) -> None:
    [own] = get(hub)
    assert (own["by"], own["purpose"]) == ("password-and-token", "")
    status, answer = name(hub, own["id"], {"purpose": "TAXII client of the SIEM"})
    assert (status, answer["credentials"]) == (200, [{**own, "purpose": "TAXII client of the SIEM"}])
    assert get(hub) == answer["credentials"]
    assert name(hub, own["id"], {"purpose": "ours"}, "bank")[0] == 404
    assert name(hub, "0" * 16, {"purpose": "none"})[0] == 404
    assert get(hub)[0]["purpose"] == "TAXII client of the SIEM"


@pytest.mark.parametrize("body", [{}, {"purpose": 1}, {"purpose": "x" * 61}, {"purpose": "a\nb"}, {"other": ""}, 7])
def test_a_malformed_purpose_is_refused_and_changes_nothing(hub: ApiHub, body: object) -> None:
    [own] = get(hub)
    status, answer = name(hub, own["id"], body)
    assert (status, answer["http_status"]) == (422, "422")
    assert get(hub) == [own]
