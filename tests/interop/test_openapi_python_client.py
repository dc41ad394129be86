"""A client generated from ``/openapi.json`` by openapi-python-client works: a bank needs none of our code."""

import base64
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
from hub import TAXII, Hub

# TAXII's media types have parameters, which the generator does not support.
_CONFIGURATION = f"""
content_type_overrides:
  "{TAXII}": application/json
  application/x-ndjson: text/plain
post_hooks: []
"""


@pytest.fixture(scope="module")
def package(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Generate the client from the hub's description, and return the name of its package."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(requests.get(f"{hub.url}/openapi.json", timeout=30).text, encoding="utf-8")
    (folder / "config.yml").write_text(_CONFIGURATION, encoding="utf-8")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json"]
    command += ["--config", "config.yml", "--meta", "none", "--output-path", "hub_client"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    # It warns of each operation that it omits.
    assert "WARNING" not in done.stdout.upper(), done.stdout
    sys.path.insert(0, str(folder))
    return "hub_client"


def _part(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


@pytest.fixture(scope="module")
def client(package: str, hub: Hub) -> Iterator[Any]:
    login = base64.b64encode(f"{hub.user}:{hub.password}".encode()).decode()
    with _part(package, "client").AuthenticatedClient(base_url=hub.url, token=login, prefix="Basic") as opened:
        yield opened


def test_every_operation_is_generated(package: str) -> None:
    made = {file.stem for file in (Path(_part(package, "api.default").__file__ or "").parent).glob("[a-z]*.py")}
    assert {"lookup", "check", "digest", "active", "discovery", "collections", "objects", "add", "status"} <= made


def test_a_value_is_looked_up(package: str, client: Any) -> None:
    models = _part(package, "models")
    asked = models.LookupRequest(
        values=[models.LookupQuestion("wrong.example.com"), models.LookupQuestion("amber.example.com", "domain")]
    )
    answer = _part(package, "api.default.lookup").sync(client=client, body=asked)
    assert isinstance(answer, models.LookupAnswer)
    unlisted, listed = answer.results
    assert (unlisted.found, listed.found) == (False, True)
    assert [listing.collection for listing in listed.listings] == ["takedown"]
    assert listed.grade in models.Action


def test_public_value_is_checked_without_a_login(package: str, hub: Hub) -> None:
    with _part(package, "client").Client(base_url=hub.url) as anybody:
        answer = _part(package, "api.default.check").sync(client=anybody, value="amber.example.com")
    assert [result.found for result in answer.results] == [False]


def test_the_digest_and_the_active_set_agree(package: str, client: Any) -> None:
    digest = _part(package, "api.default.digest").sync("takedown", client=client)
    active = _part(package, "api.default.active").sync_detailed("takedown", client=client)
    assert len(active.content.splitlines()) == digest.active
    assert active.headers["X-Scamfeed-Added-Up-To"] == digest.added_up_to.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_collections_and_pages_are_read(package: str, client: Any) -> None:
    models = _part(package, "models")
    collections = _part(package, "api.default.collections").sync(client=client)
    takedown = next(found for found in collections.collections if found.alias == "takedown")
    page = _part(package, "api.default.objects").sync(str(takedown.id), client=client, limit=5)
    assert isinstance(page, models.Envelope)
    assert len(page.objects) == 5
    assert page.more is True


def test_error_matches_the_description(package: str, client: Any) -> None:
    answer = _part(package, "api.default.digest").sync("no-such-collection", client=client)
    assert isinstance(answer, _part(package, "models").Error)
    assert answer.error_code == "not-found"
