"""XML from outside, read within bounds, and XML written from nested texts.

Documents with a DTD, and so with entities, are refused before anything is expanded. Errors repeat no content.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from schemas.errors import Rejected

MOST_BYTES: Final = 1 << 20
_DEEPEST, _MOST_ELEMENTS = 32, 20_000
_BLOCK = 1 << 14
# Characters that no XML can contain.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class MessageRefused(Rejected):
    """A message breaks a rule: ``path`` is the XPath of the element, ``rule`` the rule as the schema names it."""

    def __init__(self, rule: str, path: str, message: str, reason: str = "invalid-message") -> None:
        """Refuse a message for a broken rule, explained by ``message``."""
        super().__init__(reason, message)
        self.rule = rule
        self.path = path


def refuse_size(size: int) -> None:
    """Raise ``MessageRefused`` for a message of more than ``MOST_BYTES``."""
    if size > MOST_BYTES:
        raise MessageRefused("size", "/", f"a message has {MOST_BYTES >> 20} MiB at most: send its parts")


def parse(data: bytes) -> Element:
    """Return the root of a document. Raises ``MessageRefused`` for hostile, large, deep and malformed ones."""
    refuse_size(len(data))
    parser = DefusedXMLParser(target=_BoundedTree(), forbid_dtd=True)
    try:
        for start in range(0, len(data), _BLOCK):
            parser.feed(data[start : start + _BLOCK])
        root: Element = parser.close()
    except DefusedXmlException:
        raise MessageRefused("dtd", "/", "a message has no DTD and no entities", "unsafe-xml") from None
    except ParseError as error:
        line = error.position[0]
        raise MessageRefused("well-formed", "/", f"this is not XML (line {line})", "not-xml") from None
    except (ValueError, LookupError):
        raise MessageRefused("encoding", "/", "the encoding is unknown: write UTF-8", "not-xml") from None
    return root


class _BoundedTree:
    """Builds the tree of a document, without comments, and stops at too many or too deep elements."""

    def __init__(self) -> None:
        self._tree = TreeBuilder()
        self._depth = self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST:
            raise MessageRefused("depth", "/", f"elements are nested {_DEEPEST} deep at most", "unsafe-xml")
        if self._count > _MOST_ELEMENTS:
            raise MessageRefused("elements", "/", f"a message has {_MOST_ELEMENTS:,} elements at most", "unsafe-xml")
        self._tree.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._tree.end(tag)

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> Element:
        return self._tree.close()


# The key of the text of an element that has attributes.
TEXT: Final = "#"
# Nested content of an element: its text, its children by name in order, or several elements of one name.
Content = str | Mapping[str, Any] | Iterable[Any] | None


def document(namespace: str, content: Mapping[str, Content]) -> bytes:
    """Return a document by nested content, without its empty elements."""
    root = Element("Document", {"xmlns": namespace})
    _fill(root, content)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _fill(element: Element, content: Mapping[str, Content]) -> None:
    for name, given in content.items():
        if name.startswith("@"):
            element.set(name[1:], str(given))
            continue
        if name == TEXT:
            element.text = str(given)
            continue
        several = given if isinstance(given, list | tuple) else [given]
        for one in several:
            child = Element(name)
            if isinstance(one, Mapping):
                _fill(child, one)
            elif one is not None:
                child.text = _NO_XML.sub("", str(one))
            if child.text or len(child):
                element.append(child)


def with_attribute(name: str, value: str, text: str | None) -> Mapping[str, Content] | None:
    """Return the content of an element with a text and an attribute; None without the text."""
    return None if text is None else {f"@{name}": value, TEXT: text}
