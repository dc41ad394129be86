"""Names of which a part is hidden: what can still be said of them."""

import re

from schemas.redaction import HIDDEN
from schemas.refang import refang
from schemas.reference import hosts

_SCHEME = re.compile(r"[a-z*]{2,7}:(?:[/\\\\]{0,2})", re.IGNORECASE)
_END_OF_HOST = re.compile(r"[/?#]|:\d")
# Labels of x alone, or of many at one end, as people write who have nothing better; .xxx is a suffix.
_CROSSED = re.compile(r"(?P<whole>x{3,})|x{4,}.*|.*x{4,}", re.IGNORECASE | re.DOTALL)
_NUMBERS = re.compile(
    rf"(?:\d{{1,3}}|[x*]{{1,3}}|{HIDDEN}+)(?:\.(?:\d{{1,3}}|[x*]{{1,3}}|{HIDDEN}+)){{3}}", re.IGNORECASE
)


def hidden(marked: str, shape: str) -> list[str] | None:
    """Return the labels of the host of a name, URL or mailbox, hidden ones as ``HIDDEN``; None where it is whole.

    There is no label where more than the host's own is hidden, so that the host would say something else.
    """
    if HIDDEN not in marked and "x" not in marked and "X" not in marked and "*" not in marked:
        return None
    text = refang(marked)
    user, _, host = text.rpartition("@") if shape == "email" else ("", "", _host(text))
    if shape == "email":
        return [] if HIDDEN in text or _CROSSED.fullmatch(user) or _crossed(host) else None
    labels = host.removeprefix("*.").strip(".").split(".")
    if _NUMBERS.fullmatch(".".join(labels)) and not all(map(str.isdigit, labels)):
        return []
    if HIDDEN not in text and not _crossed(host):
        return None
    if "@" in text and HIDDEN in text.partition("@")[0]:
        return []
    if HIDDEN in text.replace(host, "", 1):
        return []
    return [*(_label(label) for label in labels[:-1]), labels[-1]]


def visible(labels: list[str]) -> str:
    """Return the registrable name that is left where whole labels in front of it are hidden, "" where none is."""
    last = max((place for place, label in enumerate(labels) if HIDDEN in label), default=0)
    if not labels or labels[last].strip(HIDDEN):
        return ""
    name = hosts.a_labels(".".join(labels[last + 1 :]).lower())
    return (hosts.registrable_domain(name) or "") if hosts.RESOLVABLE.fullmatch(name) else ""


def _host(text: str) -> str:
    rest = _SCHEME.sub("", text, count=1) if ":" in text[:8] else text
    end = _END_OF_HOST.search(rest)
    return (rest[: end.start()] if end else rest).rpartition("@")[2]


def _label(label: str) -> str:
    if crossed := _CROSSED.fullmatch(label):
        return HIDDEN if crossed["whole"] else HIDDEN + label
    return label


def _crossed(host: str) -> bool:
    return any(map(_CROSSED.fullmatch, host.split(".")[:-1]))
