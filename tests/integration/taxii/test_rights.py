"""The rights of partners, and the refusals without them."""

import base64
import json
import uuid

import pytest
import requests

from tests.integration.taxii.conftest import Hub, error_of
from tests.integration.taxii_hub import indicator


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic " + base64.b64encode(b"platform").decode(),
        "Basic " + base64.b64encode(b"platform:wrong").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"a\x00b:x").decode(),
        "Bearer",
        "Bearer wrong",
        "Digest x",
    ],
)
def test_requests_without_credentials_are_asked_for_them(hub: Hub, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("/taxii2/", "/feed/", "/feed/collections/", hub.objects, f"/feed/status/{uuid.uuid4()}/"):
        answer = requests.get(hub.url + path, headers=headers, timeout=60)
        error_of(answer, 401)
        assert "Basic " in answer.headers["WWW-Authenticate"]
        assert "Bearer " in answer.headers["WWW-Authenticate"]


def test_inaccessible_collection_looks_absent(hub: Hub) -> None:
    status = hub.ask(hub.objects, "POST", json={"objects": [indicator()]}).json()
    there, nowhere = f"/feed/collections/{hub.room}", f"/feed/collections/{uuid.uuid4()}"

    def seen(path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
        answer = hub.ask(path, method, who=hub.platform, data=b"{}" if method == "POST" else None)
        error = {**answer.json(), "error_id": ""}
        text = json.dumps(error).replace(path.split("/")[3], "")
        # A refused body closes the connection unless it arrived with its head, which depends on the client.
        headers = {name: value for name, value in answer.headers.items() if name not in ("Date", "Connection")}
        return answer.status_code, text, headers

    for rest in ("/", "/objects/", "/manifest/", f"/objects/indicator--{uuid.UUID(int=4)}/", "/objects/x/versions/"):
        assert seen(there + rest)[0] == 404
        assert seen(there + rest) == seen(nowhere + rest)
    assert seen(there + "/objects/", "POST") == seen(nowhere + "/objects/", "POST")
    assert seen(f"/feed/status/{status['id']}/")[0] == 404
    assert seen(f"/feed/status/{status['id']}/") == seen(f"/feed/status/{uuid.uuid4()}/")
    listed = hub.ask("/feed/collections/", who=hub.platform).json()["collections"]
    assert [item["id"] for item in listed] == [hub.listening_only]


def test_reading_and_writing_are_granted_separately(hub: Hub) -> None:
    for rest in ("objects/", "manifest/", "objects/x/", "objects/x/versions/"):
        error_of(hub.ask(f"/feed/collections/inbox/{rest}"), 403)
    quiet = f"/feed/collections/{hub.listening_only}/objects/"
    error_of(hub.ask(quiet, "POST", data=b"{}"), 403)
    error_of(hub.ask(f"{quiet}indicator--{uuid.uuid4()}/", "DELETE"), 403)
    assert hub.ask("/feed/collections/inbox/").json()["can_read"] is False


def test_released_collection_is_filled_only_by_the_rules(hub: Hub) -> None:
    error_of(hub.ask("/feed/collections/takedown/objects/", "POST", json={"objects": [indicator()]}), 403)
    error_of(hub.ask(f"/feed/collections/takedown/objects/indicator--{uuid.uuid4()}/", "DELETE"), 403)


def test_no_secret_and_no_traceback_is_in_the_log(hub: Hub) -> None:
    hub.keeps_secrets()
