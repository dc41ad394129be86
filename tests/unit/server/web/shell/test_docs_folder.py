"""The documentation of a hub: the files of its folder, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.app import close, create_app
from server.settings import Settings
from server.web.shell.docs_folder import DocsFolder
from tests.initial_stores import initial_url

SECRET = "not for readers"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "connectors").mkdir(parents=True)
    (site / "index.html").write_text("<h1>Start</h1>")
    (site / "connectors" / "index.html").write_text("<h1>Connectors</h1>")
    (site / ".buildinfo").write_text(SECRET)
    (site / "hub.db").write_text(SECRET)
    (site / "wasm.en.pagefind").write_bytes(b"\x00asm")
    (tmp_path / "secret.html").write_text(SECRET)
    (site / "link.html").symlink_to(tmp_path / "secret.html")
    (site / "outside").symlink_to(tmp_path)
    (site / "start.html").symlink_to(site / "index.html")
    return site


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[FlaskClient]:
    url = initial_url(request, tmp_path)
    app = create_app(Settings(database_url=url, access_log="off", background=False, docs_folder=folder))
    yield app.test_client()
    close(app)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("", "text/html; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("connectors/", "text/html; charset=utf-8"),
        ("start.html", "text/html; charset=utf-8"),
        ("wasm.en.pagefind", "application/octet-stream"),
    ],
)
def test_files_of_the_folder_are_found(folder: Path, path: str, content_type: str) -> None:
    found = DocsFolder(folder).find(path)
    assert found is not None
    assert found.content_type == content_type


@pytest.mark.parametrize(
    "path",
    [
        *("none.html", "connectors", "connectors//index.html", "/index.html", "index.html/", "x" * 5_000 + ".html"),
        *("../secret.html", "connectors/../../secret.html", "..\\secret.html", "outside/secret.html", "link.html"),
        *(".buildinfo", ".", "..", "./index.html", "hub.db", "index.html\x00", "index\x00.html", "outside/"),
    ],
)
def test_nothing_else_is_found(folder: Path, path: str) -> None:
    assert DocsFolder(folder).find(path) is None


def test_text_is_found_as_a_download_only(folder: Path) -> None:
    (folder / "_downloads").mkdir()
    for place in ("scamfeed.toml", "_downloads/words.toml"):
        (folder / place).write_text(SECRET)
    assert DocsFolder(folder).find("scamfeed.toml") is None
    assert DocsFolder(folder).find("_downloads/words.toml") is not None


def test_nothing_is_found_in_a_folder_that_make_docs_did_not_build(folder: Path) -> None:
    (folder / ".buildinfo").unlink()
    assert DocsFolder(folder).find("index.html") is None


def test_empty_setting_is_no_folder() -> None:
    assert Settings.model_validate({"docs_folder": "", "mark_file": ""}).docs_folder is None


def test_large_file_is_not_served(folder: Path) -> None:
    (folder / "large.html").write_bytes(b" " * ((4 << 20) + 1))
    assert DocsFolder(folder).find("large.html") is None


def test_other_folder_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    DocsFolder(tmp_path / "none")
    assert "run make docs" in caplog.text


def test_page_has_the_policy_and_is_asked_for_again(client: FlaskClient, folder: Path) -> None:
    first = client.get("/docs/")
    assert first.text == "<h1>Start</h1>"
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    policy = first.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe" not in policy.replace("'wasm-unsafe-eval'", "")
    assert client.get("/docs/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    (folder / "index.html").write_text("<h1>New</h1>")
    assert client.get("/docs/", headers={"If-None-Match": first.headers["ETag"]}).text == "<h1>New</h1>"


def test_address_without_a_slash_leads_to_the_start_page(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/docs/")


def test_unknown_page_is_the_refusal_of_the_hub(client: FlaskClient) -> None:
    answer = client.get("/docs/none.html", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_every_page_links_to_the_documentation(client: FlaskClient) -> None:
    assert '<a href="/docs/">Documentation</a>' in client.get("/").text
    assert "เอกสารประกอบการใช้งาน" in client.get("/", headers={"Accept-Language": "th"}).text


def test_hub_without_the_setting_has_no_documentation(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=initial_url(request, tmp_path), access_log="off", background=False))
    client = app.test_client()
    assert {client.get(path).status_code for path in ("/docs", "/docs/", "/docs/index.html")} == {404}
    assert "/docs/" not in client.get("/").text
    close(app)
