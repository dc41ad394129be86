"""Payment aliases, payment QR codes and names of SMS senders in running text."""

import re
from collections.abc import Iterator

from feeds.readers.extraction.cues import expression, is_real
from feeds.readers.extraction.numbers import NumberCandidate
from feeds.readers.extraction.values import Candidate
from schemas import kinds
from schemas.errors import Rejected
from schemas.reference.aliases import UPI_HANDLES, find_system
from schemas.reference.payment_qr import is_qr_code, read_qr_code

# Every alias here has a digit, the sign or a scheme in it.
_ANY = re.compile(r"[0-9@$]|://")
_QR = re.compile(r"(?<![0-9A-Za-z])000201\d{4}")
_QR_END = re.compile(r"6304[0-9A-Fa-f]{4}(?![0-9A-Za-z])")
_LONGEST_QR = 600
_UPI_LINK = re.compile(
    r"(?<!\w)(?:upi|tez|phonepe|paytm(?:mp)?|gpay|bhim|credpay|mobikwik)://[^\s<>\"'`]{4,500}", re.IGNORECASE
)
# Links that open an app, of accounts, apps and wallets, which have no host.
_APP_LINK = re.compile(
    r"(?<!\w)(?:ton|xrpl|ripple|whatsapp|viber|tg|line|fb|appmarket|market|samsungapps|web\+stellar):(?://)?[^\s<>\"'`]{6,500}",
    re.IGNORECASE,
)
_UPI_ID = re.compile(
    r"(?<![\w.@+/-])[A-Za-z0-9][A-Za-z0-9._-]{1,60}@(?P<handle>[A-Za-z][A-Za-z0-9]{1,30})(?![\w@-])(?!\.\w)"
)
_UPI = re.compile(r"(?<![a-z])(?:upi|vpa|bhim)(?![a-z])|यूपीआई", re.IGNORECASE)
_BEFORE = 40
# Words between the name of a system and the alias in it: "chave Pix (e-mail): x".
_BETWEEN = (
    r"(?:[^\w\n]{0,3}(?:id|key|keys|chave|no|number|account|alias|uen|nric|proxy|address|e-?mail|cnpj|cpf|aleatória|evp|é|is|"
    r"was|to|para|do|da|of|ie|คือ|เลข|หมายเลข|ไอดี|là|adalah|ialah)(?![^\W\d_])){0,4}[^\w\n]{0,4}"
)
# An alias other than a plain number; plain numbers are found as numbers.
_WRITTEN = (
    r"(?P<alias>(?=[^\s]*[A-Za-z/])(?=[^\s]*[\d@$])[A-Za-z0-9$@][\w.@/+-]{3,79}"
    r"|\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![0-9]))"
)
# A word of letters and digits, or with a sign of aliases.
_MIXED = re.compile(r"@|\$[A-Za-z]|\+[1-9]|[A-Za-z/]-?[0-9]|[0-9]-?[A-Za-z/]")
_SYSTEM = expression("alias")
_ALIAS = re.compile(rf"(?P<system>{_SYSTEM.pattern}){_BETWEEN}{_WRITTEN}", re.IGNORECASE)
_FIRST = re.compile(rf"\W{{0,3}}{_WRITTEN}")
_SENDER = re.compile(
    r"(?:\bsms )?\bsender(?: ?(?:id|name|mask))?(?:s|\(s\))?(?:\s(?:is|was|shown as|called|named))?\s?[:=]?\s?"
    r"|\bsms (?:header|mask)s?\s?[:=]?\s?|(?:ชื่อผู้ส่ง|ผู้ส่งข้อความชื่อ|ชื่อ ?sender)(?:\s?\(sender(?: name)?\))?\s?[:=]?\s?",
    re.IGNORECASE,
)
# The words before the name call it genuine, or an institution's: "the bank's sender ID is x".
_CLAUSE = re.compile(r"[.;,!?]\s|\n")
_LONGEST_CLAUSE = 300
_OWNER = re.compile(
    r"(?:bank|company|agency|ministry|police|government|carrier|our)(?:['’]s?)?\W*$|ธนาคาร\S{0,20}$", re.IGNORECASE
)
_SENDER_WORD = re.compile(r"sender|sms|ผู้ส่ง", re.IGNORECASE)
_SENDER_NAME = re.compile(
    r"[\"“'‘«](?P<quoted>(?=[^\"”’'»]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 ._&/-]{1,10})[\"”'’»]"
    r"|(?P<plain>(?=[A-Za-z0-9._&/-]*[A-Za-z])(?=[a-z]*[A-Z0-9._&-]|[A-Z])[A-Za-z0-9][A-Za-z0-9._&/-]{0,9}[A-Za-z0-9])(?![\w@])(?!\.\w)"
)
# A spoofed name belongs to the real sender: reporting it would block that sender.
_SPOOFED = re.compile(
    rf"{expression('impersonated').pattern}|spoof|impersonat|pretend|masquerad|แอบอ้าง|giả (?:mạo|danh)|mạo danh|冒充",
    re.IGNORECASE,
)


def find_aliases(text: str, label: str, heading: str) -> list[Candidate]:
    """Return the payment QR codes and aliases of a line whose ``label`` or ``heading`` may name the system."""
    found: list[Candidate] = []
    if _ANY.search(text) is None:
        return found
    for candidate in (*_qr_codes(text), *_app_links(text), *_upi(text, f"{heading} {label}"), *_named(text, label)):
        end = candidate.start + len(candidate.raw)
        if all(end <= other.start or candidate.start >= other.start + len(other.raw) for other in found):
            found.append(candidate)
    return sorted(found, key=lambda candidate: candidate.start)


def _qr_codes(text: str) -> Iterator[Candidate]:
    """Yield the payloads of payment QR codes; one with wrong check digits is refused later, with the reason."""
    for start in _QR.finditer(text):
        whole = text[start.start() : start.start() + _LONGEST_QR]
        ends = [found.end() for found in _QR_END.finditer(whole)]
        sound = next((end for end in ends if _is_sound(whole[:end])), None)
        end = sound or (ends[0] if ends else len(whole.split()[0]))
        if is_qr_code(whole[:end]):
            yield Candidate(whole[:end], whole[:end], "qr" if sound else "alias", False, start=start.start())


def _is_sound(payload: str) -> bool:
    try:
        read_qr_code(payload)
    except Rejected as refusal:
        return refusal.reason != "qr-checksum"
    return True


def _app_links(text: str) -> Iterator[Candidate]:
    for found in _APP_LINK.finditer(text) if "://" in text or "stellar:" in text else ():
        raw = found[0].rstrip(".,;:!?)]'*_")
        if any(kind.recognises(raw) for kind in kinds.every().values()):
            yield Candidate(raw, raw, "url", False, start=found.start())


def _upi(text: str, words: str) -> Iterator[Candidate]:
    if "@" not in text and "://" not in text:
        return
    for found in _UPI_LINK.finditer(text):
        raw = found[0].rstrip(".,;:!?)]'*_")
        yield Candidate(raw, raw, "alias", False, start=found.start())
    for found in _UPI_ID.finditer(text):
        before = text[max(0, found.start() - _BEFORE) : found.start()]
        if found["handle"].lower() in UPI_HANDLES or _UPI.search(before) or _UPI.search(words):
            yield Candidate(found[0], f"upi:{found[0]}", "alias", False, start=found.start())


def _named(text: str, label: str) -> Iterator[Candidate]:
    """Yield the aliases behind the name of their system, in the line or in its label."""
    if _MIXED.search(text) is None:
        return
    pairs = [(found["system"], found) for found in _ALIAS.finditer(text)]
    if (named := _SYSTEM.search(label)) and (first := _FIRST.match(text)):
        pairs.append((named[0], first))
    for name, found in pairs:
        system = find_system(name) or find_system(name.partition(" ")[2])
        raw = found["alias"].rstrip(".,;:-_/")
        if system is not None and _is_alias(f"{system.name}:{raw}"):
            yield Candidate(raw, f"{system.name}:{raw}", "alias", False, start=found.start("alias"))


def _is_alias(text: str) -> bool:
    try:
        kinds.get("payment-alias").normalise(text)
    except Rejected:
        return False
    return True


def find_senders(text: str, label: str, country: str) -> list[NumberCandidate]:
    """Return the names of SMS senders in a line, behind words that announce one."""
    front = f"{label}: " if label else ""
    whole = front + text
    if _SENDER_WORD.search(whole) is None or _SPOOFED.search(whole):
        return []
    given = {"kind": "phone"} | ({"country": country} if country else {})
    found = []
    for announced in _SENDER.finditer(whole):
        name = _SENDER_NAME.match(whole, announced.end())
        start = announced.end() - len(front)
        clause = _CLAUSE.split(whole[max(0, announced.start() - _LONGEST_CLAUSE) : announced.start()])[-1]
        if name is None or start < 0 or announced[0].strip().lower() == "sender":
            continue
        if is_real(clause) or _OWNER.search(clause):
            continue
        raw = name["quoted"] or name["plain"]
        found.append(NumberCandidate(start + name[0].index(raw), raw, {"value": raw, **given}))
    return found
