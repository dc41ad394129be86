"""The documentation site: its sources and navigation, the pages of the HTTP API, and the checks of built pages."""

import gzip
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools.site import finish, openapi_pages, sources
from tools.site.sources import BadSources, gathered

PAGE = '<html><head>{head}</head><body><article id="a"><h1>Title</h1>{body}</article></body></html>'
DESCRIBED: dict[str, Any] = {
    "paths": {
        "/api/lookup": {
            "post": {
                "summary": "Look values up",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 1000}}],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Question"},
                            "example": {"value": "ถอน"},
                        }
                    }
                },
                "responses": {
                    "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
                    "401": {"$ref": "#/components/responses/401"},
                },
            }
        },
        "/new": {"get": {"summary": "New", "security": [], "responses": {}}},
    },
    "components": {
        "schemas": {
            "Question": {
                "description": "a value\n  and its kind",
                "type": "object",
                "required": ["value"],
                "properties": {
                    "value": {"type": "string", "maxLength": 20, "pattern": "^a|b$"},
                    "of": {"type": "object", "properties": {"kind": {"enum": ["url", None]}}},
                    "all": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
                },
            }
        },
        "responses": {"401": {"description": "Unauthorized"}},
    },
}


def navigation(*pages: str, **folders: str) -> dict[str, Any]:
    return {"section": [{"title": "All", "pages": list(pages)}], "folders": folders}


def repository(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"README.md": "# Start\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def site(folder: Path, **pages: str) -> list[str]:
    for name, body in pages.items():
        head, _, body = body.rpartition("|")
        (folder / f"{name}.html").write_text(PAGE.format(head=head, body=body))
    return list(finish.faults(folder))


def test_every_document_is_in_the_navigation_once() -> None:
    declared = tomllib.loads(sources.NAVIGATION.read_text(encoding="utf-8"))
    named = [f"{page}.md" for section in declared["section"] for page in section["pages"]]
    assert len(set(named)) == len(named)
    pages = {path.relative_to(sources.ROOT).as_posix() for path in (sources.ROOT / "docs").rglob("*.md")}
    below = {page for page in pages if re.fullmatch(r"docs/(connectors|decisions|deploy)/(?!README).*", page)}
    assert pages - below - set(named) == set()


def test_sources_have_the_linked_files_and_the_navigation(tmp_path: Path) -> None:
    root = repository(
        tmp_path,
        {
            "docs/a.md": "# A\n[x](../data/x.json) [b](deploy/README.md) [n](../data/notes.md) `[no](file.md)`\n",
            "docs/deploy/README.md": "# B\n",
            "docs/deploy/c.md": "# C\n",
            "data/x.json": "{}",
            "data/notes.md": "# Notes\n",
            "data/unused.json": "{}",
        },
    )
    files = gathered(root, navigation("docs/a", "docs/deploy/README", "data/notes"), {"docs/made.md": "# Made\n"})
    assert set(files) == {
        *("README.md", "docs/a.md", "docs/deploy/README.md", "docs/deploy/c.md", "docs/made.md"),
        *("data/x.json", "data/notes.md"),
    }
    assert ":caption: All\n\n/docs/a\n/docs/deploy/README\n/data/notes\n" in files["README.md"].decode()
    assert ":hidden:\n\n/docs/deploy/c\n" in files["docs/deploy/README.md"].decode()


def test_link_to_a_folder_leads_to_a_list_of_its_files(tmp_path: Path) -> None:
    root = repository(tmp_path, {"docs/a/one.md": "# One\n", "docs/b.md": "# B\n[all](a#x)\n"})
    files = gathered(root, navigation("docs/b", **{"docs/a": "Decisions"}), {})
    assert "[all](a/README.md#x)" in files["docs/b.md"].decode()
    assert files["docs/a/README.md"].decode().startswith("# Decisions\n\n- [One](one.md)\n")


@pytest.mark.parametrize(
    ("text", "pages", "message"),
    [
        ("[x](none.md)", ("docs/a",), "docs/a.md links to docs/none.md, which is no file"),
        ("[x](../../etc/passwd)", ("docs/a",), "links to ../etc/passwd, which is no file of the repository"),
        ("[x](../data)", ("docs/a",), "links to the folder data. Give it a title"),
        ("", ("docs/b",), "has the page docs/b, which does not exist"),
    ],
)
def test_bad_sources_are_named(tmp_path: Path, text: str, pages: tuple[str, ...], message: str) -> None:
    root = repository(tmp_path, {"docs/a.md": f"# A\n{text}\n", "data/x": ""})
    with pytest.raises(BadSources, match=re.escape(message)):
        gathered(root, navigation(*pages), {})


def test_pages_of_the_api_have_every_endpoint() -> None:
    pages = openapi_pages.pages(DESCRIBED)
    assert set(pages) == {f"docs/openapi/{name}.md" for name in ("README", "lookups", "others", "schemas")}
    lookups = pages["docs/openapi/lookups.md"]
    assert "## `POST /api/lookup`\n\nLook values up. For partners, with their credentials." in lookups
    assert "| `limit` | query | integer, at most 1,000 |  |" in lookups
    assert "**Body:** `application/json`, [`Question`](schemas.md#question)." in lookups
    assert '"value": "ถอน"' in lookups
    assert "| 200 | done | `application/json`, object |" in lookups
    assert "Also 401 (" in lookups
    assert "Open to anybody." in pages["docs/openapi/others.md"]
    schemas = pages["docs/openapi/schemas.md"]
    assert "## `Question`\n\nA value and its kind.\n" in schemas
    assert "| `value` (required) | string, at most 20 characters, pattern `^a\\|b$` |  |" in schemas
    assert "| `of.kind` | one of `url`, `null` |  |" in schemas
    assert "| `all[].id` | string |  |" in schemas


def test_whole_pages_have_no_fault(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text("<svg/>")
    links = '<a href="b.html#c">b</a><a href="#a">a</a><a href="https://example.com/">e</a><img src="x.svg?v=1">'
    assert site(tmp_path, a=links, b='<p id="c">', index='<link rel="icon" href="data:,">|<a href="./">here</a>') == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="none.html">', "none.html leads to nothing"),
        ('<a href="b.html#none">', "b.html#none leads to nothing"),
        ('<a href="#none">', "#none leads to nothing"),
        ('<a href="/b.html">', "/b.html leads to nothing"),
        ('<a href="../a.html">', "../a.html leads to nothing"),
        ('<img src="none.png">', "none.png leads to nothing"),
        ('<img src="https://example.com/x.png">', "loads https://example.com/x.png from another host"),
        ('<img src="//example.com/x.png">', "loads //example.com/x.png from another host"),
        ('<script src="https://example.com/x.js"></script>', "loads https://example.com/x.js from another host"),
        ('<link rel="stylesheet" href="http://example.com/x.css">|', "loads http://example.com/x.css from another"),
        ("<script>alert(1)</script>", "<script> is forbidden"),
        ("<style>p {}</style>|", "<style> is forbidden"),
        ('<p style="color: red">', "style= of <p> is forbidden"),
        ('<p onclick="x()">', "onclick= of <p> is forbidden"),
    ],
)
def test_each_fault_of_a_page_is_named(tmp_path: Path, body: str, fault: str) -> None:
    [found] = site(tmp_path, a=body, b="")
    assert found.startswith("a.html: ")
    assert fault in found


@pytest.mark.parametrize(
    "rule", ["url(https://example.com/x.woff2)", "url('//example.com/x.png')", '@import "http://e"']
)
def test_style_sheet_that_loads_from_another_host_is_named(tmp_path: Path, rule: str) -> None:
    (tmp_path / "x.css").write_text(rule)
    [found] = site(tmp_path)
    assert found.startswith("x.css: loads ")


@pytest.mark.parametrize("kept", [0, 5, 30, -1])
def test_files_of_the_index_that_are_cut_off_are_named(tmp_path: Path, kept: int) -> None:
    packed = gzip.compress(b"the words of a page" * 40)
    (tmp_path / "whole.pf_meta").write_bytes(packed)
    finish.refuse_cut(tmp_path)
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "en_1.pf_index").write_bytes(packed[:kept])
    with pytest.raises(SystemExit, match=r"to their end: en_1\.pf_index; run make docs again"):
        finish.refuse_cut(tmp_path)


def test_thai_is_indexed_from_each_of_its_letters() -> None:
    page = finish.searchable('<section id="ก">\n<h2>ก้าน b</h2></section>')
    assert page == '<section><h2 id="ก">ก้าน \u2060าน \u2060น b</h2></section>'
    long = finish.searchable("ก" * 40).split(" \u2060")
    assert [len(part) for part in long[:2]] == [40, 16]


def test_decisions_are_found_below_guides() -> None:
    assert "weight" in finish.searchable("<h1>Hold</h1>", "decisions/001.html")
    assert "weight" not in finish.searchable("<h1>Hold</h1>", "for-banks.html")
