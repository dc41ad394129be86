"""docs/clients.md names every client tested here, and its statements are true for a running server."""

import re
from pathlib import Path

import pytest
import requests
from cytaxii2.cytaxii2 import cytaxii2
from taxii2client.common import TokenAuth
from taxii2client.v21 import Collection, Server, as_pages

from server.web.taxii.filters import MAX_PAGE
from tests.conformance.deployment import Deployment, Servers
from tests.conformance.peer import TAXII, Peer

DOCUMENT = Path(__file__).parents[2] / "docs" / "clients.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| (.+) \|$", TEXT.partition("| client | how |")[2], re.MULTILINE)[1:]

# Complete calls, as a person types them.
CALLS = [call for _, how in ROWS for call in re.findall(r"`((?:Server|Collection|cytaxii2|as_pages)\([^`]+)`", how)]
ADDRESSES = sorted(set(re.findall(r"https://HUB/[^\s`\"|]*", TEXT)))


def letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def clients() -> set[str]:
    files = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    return files - {"documents", "behind_a_proxy"}


@pytest.mark.parametrize("client", sorted(clients()))
def test_every_tested_client_has_one_row(client: str) -> None:
    assert len([name for name, _ in ROWS if letters(client) in letters(name)]) == 1


@pytest.mark.parametrize("row", [name for name, _ in ROWS])
def test_every_row_is_a_tested_client(row: str) -> None:
    assert len([client for client in clients() if letters(client) in letters(row)]) == 1


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_is_answered(address: str, server: Deployment, member: Peer, collection: str) -> None:
    url = address.replace("https://HUB", server.url).replace("/ID/", f"/{collection}/")
    headers = {"Accept": TAXII, "Authorization": str(member.authorization)}
    # Without a redirect: some clients do not follow one with their login.
    answer = requests.get(url, headers=headers, verify=server.verify, timeout=60, allow_redirects=False)
    assert answer.status_code == 200
    assert answer.json() is not None


@pytest.fixture
def https(servers: Servers) -> Deployment:
    return servers.get("https-sqlite")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_every_documented_call_works(call: str, https: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(https.verify))
    told = https.database.partners["member"]
    room_id = https.collection()
    url = f"{https.url}/feed/collections/{room_id}/"
    with Collection(url, user=told["user"], password=told["password"]) as collection:
        names = {
            "Server": Server,
            "Collection": Collection,
            "TokenAuth": TokenAuth,
            "as_pages": as_pages,
            "cytaxii2": cytaxii2,
            "collection": collection,
            "USER": told["user"],
            "PASSWORD": told["password"],
            "TOKEN": told["token"],
        }
        written = call.replace("https://HUB", https.url).replace("/ID/", f"/{room_id}/")
        made = eval(written, names)  # noqa: S307 - the text is this project's own
        if isinstance(made, cytaxii2):
            assert made.collection_request()["status"] is True
        elif isinstance(made, Collection):
            assert made.id == room_id
            made.close()
        else:
            assert list(made)


def test_there_are_calls_and_addresses_to_try() -> None:
    assert len(CALLS) == 4
    assert len(ADDRESSES) >= 5


def test_documented_page_and_envelope_sizes_are_correct(server: Deployment, member: Peer) -> None:
    [page] = re.findall(r"Pages hold up to ([\d,]+) objects", TEXT)
    [mebibytes] = re.findall(r"envelopes of up to (\d+) MiB", TEXT)
    assert int(page.replace(",", "")) == MAX_PAGE
    assert member.get("").ok()["max_content_length"] == int(mebibytes) * 1024 * 1024
