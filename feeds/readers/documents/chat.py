"""Exports of chats: WhatsApp, LINE, Telegram, Messenger, and backups of text messages.

Only the messages of the other side are read. The reporter's own messages, name and number never are.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from feeds.errors import UnreadableFile
from feeds.readers.documents.parts import Part, Table, Text, UnreadPart

# A comma behind the date, or a dash behind the time: other logs have neither.
WHATSAPP = re.compile(
    r"[\u200e\u200f\ufeff]*(?=\[?[\d./-]{6,10},|[\d./-]{6,10}\s[^:\n]{1,9}[:.][^-–\n]{2,14}[-–] )"
    r"\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s+\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
    r"(?:[\s\u202f]*[AaPp]\.?\s?[Mm]\.?)?\]?\s*(?:[-–]\s+)?(?P<name>[^:\n]{1,80}?): (?P<text>.*)"
)
# Messages that were selected and copied: the time before the date.
COPIED = re.compile(
    r"[\u200e\u200f\ufeff]*\[\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[\s\u202f]*[AaPp]\.?\s?[Mm]\.?)?,?\s+"
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\]\s*(?P<name>[^:\n]{1,80}?): (?P<text>.*)"
)
_WHATSAPP_EVENT = re.compile(r"[\u200e\u200f\ufeff]*\[?\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s+\d{1,2}[:.]\d{2}")
LINE_TITLE = re.compile(r"(?:\ufeff)?\[LINE\]\s*(?P<title>.*)")
_LINE_MESSAGE = re.compile(r"(?P<time>\d{1,2}:\d{2}(?:\s?[AP]M)?)\t(?P<name>[^\t]{1,80})\t(?P<text>.*)")
# The name of the other side in the title of an export or the name of its file.
_WITH = re.compile(
    r"(?:chat(?: history)? (?:with|in)|(?:chat|zalo|line|viber|telegram|messenger|whatsapp) ?[-–]|"
    r"(?:chat|perbualan|sembang) whatsapp dengan|"
    r"usapan sa whatsapp (?:kay|kasama si)|conversa do whatsapp com|chat de whatsapp con|cuộc trò chuyện .{0,20}với|"
    r"ประวัติ(?:การ)?แชท(?:กับ|ของ|ใน)|แชท(?:กับ)?(?: whatsapp)?(?:กับ)?|与|與)\s*[\"“]?(?P<name>[^\"”\n]{1,80}?)[\"”]?"
    r"(?:\s*(?:的聊天记录|的聊天記錄|のトーク履歴))?\s*(?:\.chat|\.txt|\.zip)*$",
    re.IGNORECASE,
)
_OWN = re.compile(r"you|me|myself|ฉัน|ผม|คุณ|saya|anda|aku|tôi|bạn|eu|você|yo|tú|मैं|आप|我|你", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[\d\s().-]{7,20}")
_MAY_BE_VALUE = re.compile(r"\d(?:[\s.-]?\d){5}|https?:|www\.|\w\.\w{2,}|@\w{3}")
_OWN_MESSAGE = (
    "own-message",
    "the reporter's own message is not read: report a value in it by hand if it is the scammer's",
)
_NO_CONTACT = frozenset({"", "(Unknown)", "Unknown", "null", "None"})
_OF_CONTACT = (
    "not-a-report",
    "the sender is saved in the reporter's contacts: report a value in the message by hand if it is the scammer's",
)
# The name or short code of a sender may be that of a real institution, which sends no links.
_LINK = re.compile(r"https?:|hxxps?:|www\.|\w\.\w{2,}/", re.IGNORECASE)
_SENDER_UNSURE = (
    "not-marked",
    "the name or short code of a sender may be a real institution's: report it by hand if the message is a scam's",
)
_UNKNOWN_SIDE = (
    "who is the other side of this chat is not clear: name the file 'Chat with NAME.txt', with the other side's name "
    "as the chat shows it"
)


_FIRST = 20


class _Message(NamedTuple):
    line: int
    name: str
    text: str


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the messages of the other side as its words, and name the unread ones. Raises ``UnreadableFile``."""
    text = Path(path).read_bytes().decode("utf-8-sig", "replace")
    if text.lstrip().startswith("<"):
        yield from _of_text_messages(text)
        return
    messages, title = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
    if not messages:
        raise UnreadableFile("this chat has no messages")
    yield from _read(messages, _own_names(messages, title, Path(name).name))


def _read(messages: Iterable[_Message], own: set[str]) -> Iterator[Part]:
    for message in messages:
        if message.name in own:
            if _MAY_BE_VALUE.search(message.text):
                yield UnreadPart(message.line, message.text, *_OWN_MESSAGE)
            continue
        if _NUMBER.fullmatch(message.name):
            yield Text(message.line, [f"Scammer: {message.name}"])
        yield Text(message.line, [f"Scammer: {line}" for line in message.text.split("\n") if line.strip()])


def _own_names(messages: list[_Message], title: str, file_name: str) -> set[str]:
    """Return the names of the reporter's side. Raises ``UnreadableFile`` where it is not clear."""
    names = Counter(message.name for message in messages)
    own = {name for name in names if _OWN.fullmatch(name)}
    if own or len(names) == 1:
        return own
    for text in (title, file_name):
        other = _WITH.search(text)
        if other and other["name"] in names:
            return set(names) - {other["name"]}
    numbers = {name for name in names if _NUMBER.fullmatch(name)}
    # An unsaved number is the other side's: one's own messages show one's name.
    if len(names) == 2 and len(numbers) == 1:
        return set(names) - numbers
    raise UnreadableFile(_UNKNOWN_SIDE)


def _of_lines(text: str) -> tuple[list[_Message], str]:
    lines = text.splitlines()
    title = next((found["title"] for line in lines[:3] if (found := LINE_TITLE.match(line))), "")
    copied = not title and any(map(COPIED.match, lines[:_FIRST]))
    pattern = _LINE_MESSAGE if title else COPIED if copied else WHATSAPP
    messages: list[_Message] = []
    for number, line in enumerate(lines, 1):
        if found := pattern.match(line):
            messages.append(_Message(number, found["name"].strip(" ~\u200e\u202a\u202c"), found["text"]))
        elif messages and line.strip() and not _WHATSAPP_EVENT.match(line) and not (title and _is_day(line)):
            last = messages[-1]
            messages[-1] = last._replace(text=f"{last.text}\n{line}")
    return messages, title


def _is_day(line: str) -> bool:
    return re.match(r"\d{4}[./-]\d{1,2}[./-]\d{1,2}|\w{3}, \d{2}/\d{2}/\d{4}", line) is not None


def _of_json(text: str) -> tuple[list[_Message], str]:
    """Return the messages of an export of Telegram or Messenger, and its title. Raises ``UnreadableFile``."""
    try:
        whole = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise UnreadableFile("this chat is not complete JSON: export it again") from error
    listed = whole.get("messages")
    listed = listed if isinstance(listed, list) else []
    found = [_of_object(number, each) for number, each in enumerate(listed, 1) if isinstance(each, dict)]
    messages = [message for message in found if message is not None]
    other = str(whole.get("title") or whole.get("name") or "")
    return messages, f"chat with {_unmangled(other)}"


def _of_object(number: int, message: dict[str, Any]) -> _Message | None:
    """Return a message of Telegram (``from``, ``text``) or Messenger (``sender_name``, ``content``)."""
    if "sender_name" in message:
        content = message.get("content")
        text = _unmangled(content) if isinstance(content, str) else ""
        return _Message(number, _unmangled(str(message["sender_name"])), text) if text else None
    pieces = message.get("text")
    pieces = pieces if isinstance(pieces, list) else [pieces]
    text = "".join(str(piece.get("text", "")) if isinstance(piece, dict) else str(piece or "") for piece in pieces)
    return _Message(number, str(message.get("from") or ""), text) if text and message.get("from") else None


def _unmangled(text: str) -> str:
    """Return a text of Messenger, which writes each byte of UTF-8 as one character."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _of_text_messages(text: str) -> Iterator[Part]:
    """Yield the received messages of a backup of text messages, each after its sender."""
    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise UnreadableFile("this backup of text messages is damaged: export it again") from error
    for number, message in enumerate(root.iter("sms"), 1):
        body, sender = message.get("body", ""), message.get("address", "")
        if message.get("type") != "1":
            if _MAY_BE_VALUE.search(body):
                yield UnreadPart(number, body, *_OWN_MESSAGE)
            continue
        if message.get("contact_name", "").strip() not in _NO_CONTACT:
            if _MAY_BE_VALUE.search(f"{sender} {body}"):
                yield UnreadPart(number, body, *_OF_CONTACT)
            continue
        if _NUMBER.fullmatch(sender):
            yield Text(number, [f"Scammer: {sender}"])
        elif sender and _LINK.search(body):
            yield Table([(number, ["SMS sender ID"]), (number, [sender])])
        elif sender:
            yield UnreadPart(number, sender, *_SENDER_UNSURE)
        yield Text(number, [f"Scammer: {line}" for line in body.splitlines() if line.strip()])
