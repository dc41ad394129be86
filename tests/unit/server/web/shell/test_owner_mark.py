"""The owner's mark: cleaned, served under its hash, and refused where it could run or load anything."""

import struct
import zlib
from pathlib import Path

import pytest

from server.app import close, create_app
from server.settings import Settings
from server.web.shell import owner_mark
from server.web.shell.owner_mark import BadMark
from server.web.shell.static_files import OWNER_MARK, StaticFiles
from tests.initial_stores import initial_url

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4">{}</svg>'


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int = 1, height: int = 1) -> bytes:
    pixels = zlib.compress(b"\x00\xff" * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    text = chunk(b"tEXt", b"Author\x00Somebody")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + text + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def read(folder: Path, body: bytes | str) -> bytes:
    file = folder / "mark"
    file.write_bytes(body.encode() if isinstance(body, str) else body)
    return owner_mark.read(file).body


def test_png_loses_its_texts(tmp_path: Path) -> None:
    cleaned = read(tmp_path, png())
    assert b"Somebody" not in cleaned
    assert cleaned.endswith(chunk(b"IEND", b""))


def test_what_follows_the_end_of_a_png_is_left_out(tmp_path: Path) -> None:
    assert read(tmp_path, png() + b"<script>") == read(tmp_path, png())


def test_svg_loses_the_data_of_its_editor(tmp_path: Path) -> None:
    drawn = (
        '<metadata>Somebody</metadata><path d="M0 0h4" xmlns:i="http://editor.example" i:label="Somebody"/><!-- x -->'
    )
    cleaned = read(tmp_path, SVG.format(drawn))
    assert b"M0 0h4" in cleaned
    assert b"Somebody" not in cleaned
    assert b"<!--" not in cleaned


def test_svg_loses_the_file_names_of_its_editor(tmp_path: Path) -> None:
    drawn = '<path d="M0 0h4" xmlns:i="http://editor.example" i:file="C:\\\\Somebody\\\\mark.png"/>'
    assert b"Somebody" not in read(tmp_path, SVG.format(drawn))


def test_svg_keeps_references_to_its_own_parts(tmp_path: Path) -> None:
    drawn = '<style>path { fill: url(#a) }</style><path d="M0 0h4" clip-path="url(#b)"/>'
    assert drawn.encode() in read(tmp_path, SVG.format(drawn))


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (SVG.format("<script>1</script>"), "element script"),
        (SVG.format('<image href="https://a.example/x.png"/>'), "element image"),
        (SVG.format("<foreignObject/>"), "element foreignObject"),
        (SVG.format('<use href="#a"/>'), "element use"),
        (SVG.format('<path onclick="1"/>'), "attribute onclick"),
        (SVG.format('<path fill="url(https://a.example/x)"/>'), "attribute fill"),
        (SVG.format('<path style="fill:\\75rl(x)"/>'), "attribute style"),
        (SVG.format('<linearGradient href="other.svg#a"/>'), "attribute href"),
        (SVG.format("<path style=\"fill:image-set('https://a.example/x' 1x)\"/>"), "attribute style"),
        (SVG.format("<style>@import 'x.css';</style>"), "the style"),
        (SVG.format("<style><title/>@import 'x.css';</style>"), "the style"),
        (SVG.format("<style>svg { background: IMAGE-SET('x.png' 1x) }</style>"), "the style"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"), "entities"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "viewBox"),
        ("<svg", "neither PNG nor SVG"),
        ("<html/>", "no SVG"),
        (SVG.format("<g/>" * 5_001), "elements"),
        (png(2_001), "pixels"),
        (png()[:-8], "damaged"),
        (png().replace(b"Somebody", b"somebody"), "damaged"),
        (b"\x00" * (256 * 1024 + 1), "larger than 256 KiB"),
    ],
    ids=lambda given: given if isinstance(given, str) and len(given) < 30 and "<" not in given else "",
)
def test_a_bad_mark_is_refused_with_its_rule(tmp_path: Path, body: bytes | str, rule: str) -> None:
    with pytest.raises(BadMark, match=f"^mark_file .*{rule}"):
        read(tmp_path, body)


def test_a_missing_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadMark, match="cannot be read: No such file"):
        owner_mark.read(tmp_path / "none.svg")


def test_mark_is_served_and_a_bad_one_stops_no_page(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "mark.svg"
    file.write_text(SVG.format('<path d="M0 0h4"/>'))
    settings = Settings(database_url=initial_url(request, tmp_path), access_log="off", background=False, mark_file=file)
    app = create_app(settings)
    address = StaticFiles(owner_mark.read(file)).address(OWNER_MARK)
    served = app.test_client().get(f"/static/{address}")
    assert (served.status_code, served.content_type) == (200, "image/svg+xml")
    assert "script-src 'self'" in served.headers["Content-Security-Policy"]
    close(app)
    file.write_text(SVG.format("<script/>"))
    app = create_app(settings)
    assert app.test_client().get("/").status_code == 200
    assert "mark-refused" in caplog.text
    close(app)
