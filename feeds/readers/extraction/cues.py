"""Cues: the words around a value in a sentence that mark it as a scam's, a contact, legitimate, or a victim's."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from feeds.readers.extraction.lazy_pattern import LazyPattern


class TextPurpose(Enum):
    """The purpose of a place in a text.

    ``WORDS`` are for reading; ``VALUES`` a list of values that serve a scam; ``NEWS`` other reports and articles;
    ``SOURCES`` references of the writer; ``CONTACT`` the contacts of the writer or of helpers; ``INNOCENT`` values of
    impersonated organisations, of victims, or of providers with other customers, too.
    """

    WORDS = "words"
    VALUES = "values"
    NEWS = "news"
    SOURCES = "sources"
    CONTACT = "contact"
    INNOCENT = "innocent"


# Letters of Thai, Lao, Burmese, Khmer, Chinese and Japanese, which have no blanks between words.
UNSPACED_LETTERS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff"
# Languages whose words in ``prose.toml`` are whole words, and those without blanks, or with expressions of their own.
_SPACED = ("en", "pt", "es", "ms", "tl", "de")
_OTHERS_WRITE = ("th", "vi", "zh", "hi")
# Signs of questions, and words in languages that need none.
_ASKING = ("?", "？", "ไหม", "มั้ย", "มั๊ย", "หรือไม่", "เปล่า", "ป่าว", "ของใคร", "吗", "嗎", "是不是", "是否", "真的假的")

ONLY_ASKED = (
    "question",
    "the text only asks whether this value is a scammer's: once that is known, report it without the question",
)


@cache
def _vocabulary() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(files(__package__).joinpath("prose.toml").read_text(encoding="utf-8"))


@cache
def expression(idea: str) -> LazyPattern:
    """Return an expression for the words of an ``idea`` in all languages (``prose.toml``)."""
    words = _vocabulary()[idea]
    spaced = "|".join(word for language in _SPACED for word in words.get(language, ()))
    whole = [rf"(?<![^\W_])(?:{spaced})(?![^\W_])"] if spaced else []
    return LazyPattern("|".join([*whole, *_words(idea, _OTHERS_WRITE)]), re.I)


def may_ask(text: str) -> bool:
    """Return whether a text has a sign or a word of questions: a quick test before the expressions."""
    return any(sign in text for sign in _ASKING)


def is_question(text: str) -> bool:
    """Return whether a note only asks whether something is a scam."""
    return may_ask(text) and expression("asks").search(text) is not None


def words_of(idea: str) -> list[str]:
    """Return the words of an idea in all languages, as expressions."""
    return list(_words(idea, (*_SPACED, *_OTHERS_WRITE)))


def words_of_countries(idea: str) -> Mapping[str, str]:
    """Return the expression of each country."""
    return {country: words[0] for country, words in _vocabulary()[idea].items()}


def _words(idea: str, languages: Iterable[str]) -> Iterator[str]:
    words = _vocabulary()[idea]
    return (word for language in languages for word in words.get(language, ()))


SCAM, REAL, UNREAL = map(expression, ("scam", "real", "unreal"))
_IMPERSONATED, _OTHERS, _FILES, _DETAILS = map(expression, ("impersonated", "others", "files", "details"))
_VICTIM, _OF_VICTIM, _TO_VICTIM = map(expression, ("victim", "of_victim", "to_victim"))
_REPORT, _CONTACT, _SOURCES, _NEWS = map(expression, ("report", "contact", "sources", "news"))
_ADVICE, _VALUES, _HELPERS = map(expression, ("advice", "values", "helpers"))
CLOSING, SPEAKER = map(expression, ("closing", "speaker"))
_FROM_A_SOURCE = re.compile(
    r"\bsources? (?:ips?|address\w*|numbers?|domains?|hosts?|e-?mails?|accounts?)\b", re.IGNORECASE
)
_AND = re.compile(r"\s*(?:and|&|/|,|\+)", re.IGNORECASE)
_REALLY = re.compile(r"(?:the )?real(?: thing)?|legit|(?:ของ|อัน|ตัว)?(?:จริง|แท้)|thật|真的?", re.IGNORECASE)
_A_FEW = 4


def purpose_of(words: str, *, label: bool = False) -> TextPurpose | None:
    """Return the purpose stated by a heading, a label or the header of a column, None if it states none.

    A ``label`` need not include the kind of the value after it: "Scammer: x".
    """
    scam, values = SCAM.search(words), _VALUES.search(words)
    if (label and _REALLY.fullmatch(words.strip())) or _is_others(words, scam, values):
        return TextPurpose.INNOCENT
    if _OF_VICTIM.search(words) or _VICTIM.search(words):
        return TextPurpose.INNOCENT if is_victims(words) and not _of_both(words, scam, values) else TextPurpose.VALUES
    if is_contact(words, surely=True):
        return TextPurpose.CONTACT
    if _is_advice(words, with_values=bool(scam and values)):
        return TextPurpose.WORDS
    if scam and (values or _CONTACT.search(words) or _is_short(words, label=label)):
        return TextPurpose.VALUES
    return _purpose_without_scam(words, scam, values)


def _is_advice(words: str, *, with_values: bool) -> bool:
    return _ADVICE.match(words) is not None or (not with_values and _ADVICE.search(words) is not None)


def _is_short(words: str, *, label: bool) -> bool:
    """Return whether a few words mention only the scam, so that they need no word for its values."""
    few = (label or _DETAILS.search(words) is not None) and len(words.split()) <= _A_FEW
    return few and not _NEWS.search(words) and not _FILES.search(words)


def _purpose_without_scam(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> TextPurpose | None:
    """Return the purpose of words that do not call values or contacts a scam's."""
    if _FROM_A_SOURCE.search(words):
        return TextPurpose.VALUES
    if _SOURCES.search(words):
        return TextPurpose.SOURCES
    if _CONTACT.search(words):
        return TextPurpose.NEWS if values else TextPurpose.CONTACT
    if values:
        return TextPurpose.VALUES
    if _NEWS.search(words):
        return TextPurpose.NEWS if scam else TextPurpose.SOURCES
    return TextPurpose.WORDS if _FILES.search(words) else None


def _is_others(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> bool:
    """Return whether the words introduce something legitimate, impersonated or a provider's, not "domains that …"."""
    first = values.start() if values else len(words)
    if is_real(words):
        found = REAL.search(words)
        return not (scam and values and found and max(first, scam.start()) < found.start())
    if (named := _IMPERSONATED.search(words)) and not (scam and scam.start() < named.start()):
        return first >= named.start()
    served = _OTHERS.search(words)
    if served is None or first < served.start():
        return False
    rest = words[served.end() :]
    return not (_AND.match(rest) and _VALUES.search(rest))


def _of_both(words: str, scam: re.Match[str] | None, values: re.Match[str] | None) -> bool:
    return bool(scam and values and not _OF_VICTIM.search(words))


def is_real(words: str) -> bool:
    """Return whether the words call something legitimate, and not just similar to something legitimate."""
    return any(
        UNREAL.search(words, max(0, found.start() - 60), found.start()) is None for found in REAL.finditer(words)
    )


def is_victims(words: str) -> bool:
    """Return whether the words introduce something that belongs to a victim."""
    if _OF_VICTIM.search(words):
        return True
    return _VICTIM.search(words) is not None and _TO_VICTIM.search(words) is None


def is_contact(words: str, *, surely: bool = False) -> bool:
    """Return whether the words tell readers where to ask for help; with ``surely``, only where to report."""
    if surely:
        return _REPORT.search(words) is not None and not _is_scams(words, _REPORT)
    return (_REPORT.search(words) or _CONTACT.search(words)) is not None and not _is_scams(words, _REPORT)


def _is_scams(words: str, what: LazyPattern) -> bool:
    """Return whether ``what`` belongs to the scam: a fake hotline, the hotline of the scammers."""
    found = what.search(words)
    if found is None:
        return SCAM.search(words) is not None
    if not _HELPERS.search(words, found.start(), found.end()):
        return False
    return bool(
        UNREAL.search(words, max(0, found.start() - 12), found.end() + 5)
        or SCAM.search(words, max(0, found.start() - 25), found.start())
    )


# Number of characters before a value in which cues are searched.
_REACH = 90
_NEAR = 40
_NEXT = 20
_TWO = 2
_DIGIT = re.compile(r"\d")
UNSPACED = re.compile(f"[{UNSPACED_LETTERS}]")
_CLAUSE = re.compile(r"[;；。！!？?•|]|\.\s|,\s(?=but |while |whereas |the |แต่ )|，")
_FILLER = r"(?:[\s,:：=(（\[\"'“«—–-]|the |a |an |its |their |of |at |is |are |was |as |called |via )*"
_SITES = (
    r"(?:(?:web ?)?(?:sites?|pages?|domains?)|urls?|links?|portals?|address(?:es)?|accounts?|numbers?|apps?|shops?|"
    r"stores?|e-?mails?|profiles?|channels?|wallets?|(?:upi |sender )?ids?|sender names?|keys?|"
    r"qr(?: codes?)?|uens?|vpas?)"
)
_NOUN = (
    rf"(?:\s*(?:(?:[\w&'’.-]+\s+){{0,3}}(?:{_SITES}|names?|hotline|brand|bank|company|exchange|service|broker|agency|shop|police)\b"
    r"|[\u0e00-\u0e7f\d -]{0,40}|của [^\W\d]+(?: [^\W\d]+){0,4}|(?:trang|số|tài khoản)(?: \w+){0,4}"
    r"|[\u4e00-\u9fff]{0,12}))?"
    r"(?:\s*(?:of|for) (?:the )?[\w .&'’-]{1,40}?)?"
)
_IS = r"(?:\s*(?:is|are|was|คือ|ได้แก่|เป็น|ที่|là|tại|是|为|為|:|：|=|\(|（))*\s*"
# "the official site is x", "เว็บจริง x", but "official pages were abused by x" is none.
_REAL_ONE = r"\b(?:the|its|their|our) (?:real|actual|true|correct|genuine)\b"
_REAL_BEFORE = LazyPattern(rf"(?:{REAL.pattern}|{_REAL_ONE}){_NOUN}{_IS}{_FILLER}$", re.IGNORECASE)
_REAL_BEHIND = LazyPattern(
    r"[\"'”»)\]]*\s*(?:[(（\[—–-]\s*)?(?:,?\s*which )?(?:(?:is|was|are|เป็น|คือ|ซึ่งเป็น|là|是|为)\s*)?"
    rf"(?:(?:the|a|an|เว็บ\S{{0,6}}|trang|một|一个)\s*)?(?:\w+ )?(?:{REAL.pattern})",
    re.IGNORECASE,
)
_ONCE_REAL = re.compile(
    r"\b(?:until|previously|formerly|once|originally|not a|not the|no|không)\b|ไม่|不|เคย", re.IGNORECASE
)
_ASIDE = re.compile(r"[\s\"'”*_`]*[(（]([^()（）]{1,120})[)）]")
_VERB = (
    r"(?:impersonat(?:e|es|ing|ion of)|mimic(?:s|king)?|imitat(?:e|es|ing)|copies|copying|cop(?:y|ies) of|"
    r"clones?(?: of)?|cloning|pretend(?:s|ing)? to be|pos(?:e|es|ing) as|layout of|look(?:s|ing)? like|instead of|"
    r"confus\w+ with|similar to|spoof(?:s|ing)|abus(?:e|es|ing)|แอบอ้าง(?:เป็น|ว่า)?|เลียนแบบ|ปลอมเป็น|คล้าย|"
    r"giả (?:mạo|danh)(?: trang(?: web)?)?|mạo danh|仿冒|假冒|冒充|模仿)"
)
_OBJECT = (
    r"(?:the|a|an|real|pages?|(?:web)?sites?|domains?|service|login|layout|brand|of|from|well-known|exchange|bank|and|เว็บไซต์|เว็บ|เพจ|"
    r"ของ|trang|web|của|网站|官网)"
)
_IMITATES = LazyPattern(rf"{_VERB}\s*(?:{_OBJECT}[\s(（\"'“]*){{0,8}}$", re.IGNORECASE)
_REAL_LABEL = re.compile(r"(?:\b(?:real|legit|original)|จริง|แท้|thật|真)\s*[:：=]\s*$", re.IGNORECASE)
# Providers with other customers, too.
_SERVES = re.compile(
    r"\b(?:name ?servers?|registrars?|hosting (?:provider|company)|registered (?:through|via|with|at)|hosted by)\b"
    r"(?: \w+){0,2}[\s:(]*$",
    re.IGNORECASE,
)
_COLON = re.compile(r"[:：]\s*$")
_SCAMMERS = (
    r"(?:fake|fraudulent|scam|phishing|malicious|bogus|rogue|spoofed|counterfeit|suspicious|mule|scammers?['’]?s?|"
    r"fraudsters?['’]?s?|criminals?['’]?|attackers?['’]?|callers?['’]?|group|gang|suspects?|"
    r"recruiters?|operators?|actors?|handlers?|impost[eo]rs?)"
)
_PEOPLE = r"(?:victims?|him|her|us|customers?|people|users?|targets?|recipients?|they|them|i|me|you)"
_LED = r"(?:told|asked|directed|redirected|lured|led|sent|tricked|instructed|invited|taken|forced)"
# The end of a cue before a value, also before the second or third of several numbers.
_END = r"(?:[\s:(\"'“]*[\d+() .-]{6,20}(?:,|/|or|and|และ|và|hoặc|和|或))*[\s:(\"'“]*$"
_SCAM_BEFORE = LazyPattern(
    rf"\b{_SCAMMERS}\b(?:[\s,]+[\w'’&/-]+){{0,7}}?\s+(?:{_SITES}|sms|texts?|calls?)\b"
    rf"(?:\s+(?:at|on|is|was|are|of|called|named|number|like|such as|for|in))*{_END}"
    rf"|\b{_PEOPLE}\b(?: \w+){{0,4}} {_LED}\b(?: (?!not)[\w-]+){{0,6}}"
    rf" (?:to|at|on|via|into|from|visit|open|call|register at|install){_END}"
    rf"|\b(?:called|phoned|texted|contacted|messaged|e-?mailed)(?: \w+){{0,4}} from(?: the)?(?: number)?{_END}"
    rf"|\b(?:transfer\w*|deposit\w*|wir\w+|paid|pay|send|sent|remit\w*)\b(?: [\w$,.]+){{0,7}} (?:to|into)\b"
    rf"(?: [\w()'’.,-]+){{0,8}}{_END}"
    rf"|\breceiv\w+ (?:an? |some )?(?:\w+ )?(?:calls?|texts?|messages?|e-?mails?|sms) from(?: the)?(?: numbers?)?{_END}"
    rf"|\b(?:asked|told|instructed|urged|persuaded|got) (?:the |his |her |their )?{_PEOPLE} to (?:\w+ ){{0,4}}"
    rf"(?:on|at|to|via|visit|open|call|ring|phone){_END}"
    rf"|\b(?:callback|call-back|calling) (?:ids?|numbers?|phones?)(?: (?:is|was))?{_END}"
    r"|\b(?:unlock|verify|confirm|restore|update|claim|log ?in|sign in|click|tap)\b[^.]{0,20}:\s*$"
    rf"|{'|'.join(words_of('scam_before'))}",
    re.IGNORECASE,
)
# Organisations that ask people to call and are not scammers.
_ASKS_CALLS = re.compile(r"\b(?:police|officers?|authorit(?:y|ies)|cert|we|agency|ministry|regulator|shall)\b", re.I)
_SCAM_BEHIND = LazyPattern(
    r"[\s,)(\"'”]*(?:(?:(?:is|was|are) )?used by (?:the )?(?:scammers?|fraudsters?|criminals?|attackers?|callers?)"
    r"|(?:is|was|are) (?:a |an )?(?:fake|scam|phishing|fraud)|\((?:fake|scam|phishing)"
    r"|เป็น(?:เว็บ|เพจ|เบอร์|ลิงก์|บัญชี)?(?:ของ)?(?:ปลอม|มิจฉาชีพ|โกง|หลอก)|คือ(?:เว็บ|เบอร์)?(?:ปลอม|มิจฉาชีพ)"
    r"|(?:โดย)?(?:แอบ)?อ้าง(?:ว่า|ตัว|เป็น)|บอกให้(?:กด|โอน)"
    r"|(?:and |who )?(?:claim(?:ing|ed|s)|pretend(?:ing|ed|s)|pos(?:ing|ed|es)) (?:to be|as)"
    r"|là (?:trang |số )?(?:giả|lừa)|tự xưng|是(?:假|诈骗|钓鱼)|自称|冒充)",
    re.IGNORECASE,
)
_VICTIM_BEHIND = re.compile(
    r"[\s)）]*(?:报案|報案|被骗|เข้าแจ้งความ|แจ้งความ(?!ได้|ที่|ออนไลน์)|ถูกหลอก|(?:has )?reported|told (?:the )?police"
    r"|trình báo|tố giác)",
    re.I,
)
# Words between values of one enumeration, which share the cues of the first.
_LINK = re.compile(
    r"[)\]\"'”*_`]*\s*(?:,|、|，|/|&|\+|;|and|or|as well as|และ|หรือ|กับ|và|hoặc|和|及|以及|或)\s*(?P<words>.{0,40})$",
    re.I,
)


class NearCue(NamedTuple):
    """The purpose of a value by the words directly beside it; if ``sure``, no word of the sentence outweighs it."""

    purpose: TextPurpose | None
    sure: bool = False
    words: str = ""

    @property
    def why(self) -> str:
        """Return the words as the reason of a decision."""
        return f"directly beside it: {' '.join(self.words.split())!r}" if self.words else "the words directly beside it"


def purpose_by_cues(before: str, behind: str, *, marked: bool = False) -> NearCue:
    """Return the purpose of a value by the words directly before and after it.

    A ``marked`` (defanged) value is a contact only if the words are clear.
    """
    clause = _last_clause(before)
    if is_called_real(clause, behind) or _VICTIM_BEHIND.match(behind):
        return NearCue(TextPurpose.INNOCENT, sure=True)
    if is_victims(clause[-_NEAR:]):
        return NearCue(TextPurpose.INNOCENT, words=clause[-_NEAR:])
    if is_contact(clause[-_NEXT:], surely=True) or _ends_in_report(clause):
        return NearCue(TextPurpose.CONTACT, words=clause[-_NEXT:])
    found = _SCAM_BEFORE.search(clause)
    if found and not (_ASKS_CALLS.search(clause) and not SCAM.search(clause)):
        return NearCue(TextPurpose.VALUES, words=found[0])
    if found := _SCAM_BEHIND.match(behind):
        return NearCue(TextPurpose.VALUES, words=found[0])
    if is_contact(clause[-_NEAR:], surely=marked):
        return NearCue(TextPurpose.CONTACT, words=clause[-_NEAR:])
    return NearCue(None)


def _ends_in_report(clause: str) -> bool:
    """Return whether a contact for reports ends a clause, except for two words: "reply to x or call"."""
    found = [*_REPORT.finditer(clause[-_NEAR * 2 :])]
    if not found or len(clause[-_NEAR * 2 :][found[-1].end() :].split()) > _TWO or _DIGIT.search(clause[-_NEXT:]):
        return False
    return UNSPACED.search(clause) is None and is_contact(clause[-_NEAR * 2 :], surely=True)


def is_called_real(before: str, behind: str) -> bool:
    """Return whether the words next to a value call it legitimate, or the model of an imitation."""
    clause = _last_clause(before)
    found = _REAL_BEFORE.search(clause)
    if found and not UNREAL.search(clause, max(0, found.start() - _NEXT), found.start()):
        return True
    if _REAL_LABEL.search(clause) or _SERVES.search(clause) or (_IMITATES.search(clause) and not _COLON.search(clause)):
        return True
    aside = _ASIDE.match(behind)
    if aside and is_real(aside[1]) and not _ONCE_REAL.search(aside[1]):
        return True
    found = _REAL_BEHIND.match(behind)
    return found is not None and not _ONCE_REAL.search(found[0])


def joins_values(between: str) -> bool:
    """Return whether the words between two values only join them, so that they share their cues."""
    found = _LINK.match(between)
    return found is not None and len(found["words"].split()) <= 4 and not REAL.search(found["words"])


def _last_clause(before: str) -> str:
    """Return the text after the last sign that ends a clause, limited to ``_REACH`` characters."""
    clause = before[-_REACH:]
    ends = [found.end() for found in _CLAUSE.finditer(clause) if clause[found.end() :].strip()]
    return clause[ends[-1] :] if ends else clause
