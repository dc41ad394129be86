"""The owner's mark on pages and documents: a PNG or an SVG file, bounded, without anything that runs or loads."""

import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from lxml import etree

_MOST_BYTES = 256 * 1024
_MOST_PIXELS = 2_000
_MOST_ELEMENTS = 5_000
_PNG = b"\x89PNG\r\n\x1a\n"
# The parts that a picture needs; texts, times and places that cameras and editors add are left out.
_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_SVG = "{http://www.w3.org/2000/svg}"
# CSS that loads a file, or hides it by an escape; a part of the picture itself is no file.
_LOADS = re.compile(r"url\((?!#)|(?<![\w-])src\(|image(-set)?\(|@import|\\", re.IGNORECASE)
_HREFS = frozenset(("href", "{http://www.w3.org/1999/xlink}href"))
_ELEMENTS = frozenset(
    (
        *("svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("text", "tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "style"),
    )
)


class BadMark(ValueError):
    """The file cannot be the owner's mark; the message names the file, the rule and the remedy."""


class OwnerMark(NamedTuple):
    """A picture, as it is served: its content, and the ending of its name, which is its format."""

    body: bytes
    ending: str


def read(file: Path) -> OwnerMark:
    """Return the mark in a file, cleaned. Raises ``BadMark``."""
    try:
        with file.open("rb") as opened:
            body = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadMark(f"mark_file {file}: cannot be read: {error.strerror}") from None
    try:
        if len(body) > _MOST_BYTES:
            raise BadMark(f"larger than {_MOST_BYTES // 1024} KiB; save a smaller picture")
        return OwnerMark(_clean_png(body), "png") if body.startswith(_PNG) else OwnerMark(_clean_svg(body), "svg")
    except BadMark as error:
        raise BadMark(f"mark_file {file}: {error}") from None


def _clean_png(body: bytes) -> bytes:
    """Return a PNG with its picture alone. Raises ``BadMark``."""
    kept, at, last = [_PNG], len(_PNG), b""
    while at + 12 <= len(body) and last != b"IEND":
        length, last = struct.unpack_from(">I4s", body, at)
        chunk = body[at : at + 12 + length]
        if len(chunk) != 12 + length or struct.unpack(">I", chunk[-4:])[0] != zlib.crc32(chunk[4:-4]):
            raise BadMark("a damaged PNG; save the picture again")
        if len(kept) == 1:
            width, height = struct.unpack_from(">II", chunk, 8) if last == b"IHDR" and length == 13 else (0, 0)
            if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
                raise BadMark(f"a PNG has 1 to {_MOST_PIXELS} pixels in width and height; save a smaller picture")
        if last in _CHUNKS:
            kept.append(chunk)
        at += 12 + length
    if last != b"IEND":
        raise BadMark("a damaged PNG; save the picture again")
    return b"".join(kept)


def _clean_svg(body: bytes) -> bytes:
    """Return an SVG without the data of editors. Raises ``BadMark`` for anything that runs or loads."""
    try:
        text = body.decode("utf-8-sig")
        if "<!ENTITY" in text:
            raise BadMark("an SVG with entities; save it as plain SVG, or as PNG")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeDecodeError):
        raise BadMark("neither PNG nor SVG in UTF-8; save the picture as one of these") from None
    if root.tag != f"{_SVG}svg":
        raise BadMark("XML, but no SVG; save the picture as SVG or PNG")
    if sum(1 for _ in root.iter()) > _MOST_ELEMENTS:
        raise BadMark(f"an SVG of more than {_MOST_ELEMENTS} elements; simplify it, or save it as PNG")
    if root.get("viewBox") is None and (root.get("width") is None or root.get("height") is None):
        raise BadMark("an SVG without viewBox, and without width and height; add one, or save it as PNG")
    for element in list(root.iter()):
        name = str(element.tag)
        parent = element.getparent()
        if parent is not None and (not name.startswith(_SVG) or name == f"{_SVG}metadata"):
            parent.remove(element)
            continue
        _refuse_active(element, name.removeprefix(_SVG))
    etree.cleanup_namespaces(root)
    return etree.tostring(root)


def _refuse_active(element: etree._Element, name: str) -> None:
    """Remove an element's foreign attributes. Raises ``BadMark`` where it can run or load something."""
    remedy = "; remove it, or save the picture as PNG"
    if name not in _ELEMENTS:
        raise BadMark(f"the SVG element {name[:40]} is not accepted, as some can run or load something{remedy}")
    for attribute, value in list(element.attrib.items()):
        key = str(attribute)
        if key.startswith("{") and key not in _HREFS:
            del element.attrib[attribute]
        elif (
            key.casefold().startswith("on")
            or _LOADS.search(str(value))
            or (key in _HREFS and not str(value).startswith("#"))
        ):
            raise BadMark(f"the SVG attribute {key.rpartition('}')[2][:40]} can run or load something{remedy}")
    # Browsers also read the text after each child of a style element.
    if name == "style" and (len(element) or _LOADS.search(element.text or "")):
        raise BadMark(f"the style of the SVG can load something{remedy}")
