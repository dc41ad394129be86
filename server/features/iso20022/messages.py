"""The messages that are read, by their names."""

from datetime import datetime
from xml.etree.ElementTree import Element

from server.features.iso20022.cancellations import CancellationReader
from server.features.iso20022.grammar import check
from server.features.iso20022.reading import Defaults, Message, MessageReader, message_of
from server.features.iso20022.responses import ResolutionReader, ReturnReader
from server.features.iso20022.xml import parse

# Any sender can name an envelope, so errors do not repeat its name.
_ENVELOPE = "/*"
_READERS: dict[str, type[MessageReader]] = {
    "camt.056": CancellationReader,
    "camt.029": ResolutionReader,
    "pacs.004": ReturnReader,
}


def read(data: bytes, reporter: str, now: datetime, defaults: Defaults) -> Message:
    """Return the requests or responses of a message in the name of ``reporter``. Raises ``MessageRefused``.

    The document may be in an envelope with a header, which is not read.
    """
    root = parse(data)
    document = _document(root)
    name = check(document)
    message = message_of(document, name, _READERS[name[:8]], reporter, now, defaults)
    if document is root:
        return message
    return message._replace(not_carried=[_ENVELOPE, *message.not_carried])


def _document(root: Element) -> Element:
    documents = [child for child in root if _local(child) == "Document"]
    return documents[0] if _local(root) != "Document" and len(documents) == 1 else root


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]
