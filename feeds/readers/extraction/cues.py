"""Cues: the words around a value in a sentence that call it a scam's, a contact, legitimate, or a victim's."""

import re

from feeds.readers.extraction.labels import REAL, SCAM, UNREAL, TextPurpose, is_contact, is_real, is_victims

# Characters in front of a value in which cues are searched.
_REACH = 90
_NEAR = 40
_NEXT = 20
_CLAUSE = re.compile(r"[;；。！!？?•|]|\.\s|,\s(?=but |while |whereas |the |แต่ )|，")
_FILLER = r"(?:[\s,:：=(（\[\"'“«—–-]|the |a |an |its |their |of |at |is |are |was |as |called |via )*"
_SITES = (
    r"(?:(?:web ?)?(?:sites?|pages?|domains?)|urls?|links?|portals?|address(?:es)?|accounts?|numbers?|apps?|shops?|"
    r"stores?|e-?mails?|profiles?|channels?|wallets?)"
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
_REAL_BEFORE = re.compile(rf"(?:{REAL.pattern}|{_REAL_ONE}){_NOUN}{_IS}{_FILLER}$", re.IGNORECASE)
_REAL_BEHIND = re.compile(
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
_IMITATES = re.compile(rf"{_VERB}\s*(?:{_OBJECT}[\s(（\"'“]*){{0,8}}$", re.IGNORECASE)
_REAL_LABEL = re.compile(r"(?:\b(?:real|legit|original)|จริง|แท้|thật|真)\s*[:：=]\s*$", re.IGNORECASE)
# Providers that have other customers too.
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
# The end of a cue in front of a value, also where it is the second or third of several numbers.
_END = r"(?:[\s:(\"'“]*[\d+() .-]{6,20}(?:,|/|or|and|และ|và|hoặc|和|或))*[\s:(\"'“]*$"
_SCAM_BEFORE = re.compile(
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
    r"|(?:มิจฉาชีพ|คนร้าย|แก๊ง\S{0,12}|หลอก\S{0,20}|ปลอม|โกง|บัญชีม้า)[\u0e00-\u0e7f\s()A-Z.:]{0,40}$"
    r"|(?:ไปยัง|เข้า(?:ไปที่)?|ไปที่|ไปเข้า)(?:บัญชี|ธนาคาร|เลขที่)[\u0e00-\u0e7f\s()A-Z.:]{0,40}$"
    r"|โอน(?:เงิน)?(?:ไป|เข้า|ให้|มา|ที่)\S{0,12}[\u0e00-\u0e7f\s()A-Z.:]{0,40}$"
    r"|(?:โทร|ส่งข้อความ|SMS|ทัก)[\u0e00-\u0e7f]{0,8}?(?:มาจาก|จากเบอร์|จากหมายเลข)(?:เบอร์|หมายเลข)?\s*$"
    r"|(?:แอด|เพิ่มเพื่อน|ทัก)(?:ไป)?(?:ที่)?(?:ไลน์|LINE)?(?:ไอดี)?\s*$"
    r"|(?:อย่า(?:กด|คลิก|เข้า|รับ|โทร|โอน)|ห้าม(?:กด|เข้า|รับ|โอน))[\u0e00-\u0e7f\s:]{0,30}$"
    r"|(?:lừa đảo|giả mạo|giả danh|kẻ gian|đối tượng)[^.;\d]{0,50}$"
    r"|(?:chuyển (?:tiền|khoản)|nộp tiền)[^.;]{0,40}(?:đến|vào|cho|tới|qua)[^.;\d]{0,50}$"
    r"|(?:诈骗|詐騙|骗子|假冒|仿冒|钓鱼|釣魚|不法分子|嫌疑人)[\u4e00-\u9fff\s:：,，]{0,20}$"
    r"|(?:转账(?:至|到|给)|汇款(?:至|到|给)|转入|汇入)[\u4e00-\u9fff\s:：,，]{0,20}$",
    re.IGNORECASE,
)
# Organisations that ask people to call and are no scammers.
_HELPERS = re.compile(r"\b(?:police|officers?|authorit(?:y|ies)|cert|we|agency|ministry|regulator)\b", re.IGNORECASE)
_SCAM_BEHIND = re.compile(
    r"[\s,)(\"'”]*(?:(?:(?:is|was|are) )?used by (?:the )?(?:scammers?|fraudsters?|criminals?|attackers?|callers?)"
    r"|(?:is|was|are) (?:a |an )?(?:fake|scam|phishing|fraud)|\((?:fake|scam|phishing)"
    r"|เป็น(?:เว็บ|เพจ|เบอร์|ลิงก์|บัญชี)?(?:ของ)?(?:ปลอม|มิจฉาชีพ|โกง|หลอก)|คือ(?:เว็บ|เบอร์)?(?:ปลอม|มิจฉาชีพ)"
    r"|(?:โดย)?(?:แอบ)?อ้าง(?:ว่า|ตัว|เป็น)|บอกให้(?:กด|โอน)"
    r"|(?:and |who )?(?:claim(?:ing|ed|s)|pretend(?:ing|ed|s)|pos(?:ing|ed|es)) (?:to be|as)"
    r"|là (?:trang |số )?(?:giả|lừa)|tự xưng|是(?:假|诈骗|钓鱼)|自称|冒充)",
    re.IGNORECASE,
)
_VICTIM_BEHIND = re.compile(
    r"[\s)）]*(?:报案|報案|被骗|เข้าแจ้งความ|แจ้งความ|ถูกหลอก|(?:has )?reported|told (?:the )?police|trình báo|tố giác)",
    re.I,
)
# Words between values of one enumeration, whose cues are those of the first.
_AND = re.compile(
    r"[)\]\"'”*_`]*\s*(?:,|、|，|/|&|\+|;|and|or|as well as|และ|หรือ|กับ|và|hoặc|和|及|以及|或)\s*(?P<words>.{0,40})$",
    re.I,
)


def purpose_by_cues(before: str, behind: str, *, marked: bool = False) -> TextPurpose | None:
    """Return the purpose of a value by the words in front of it and behind it, None where they name none.

    A ``marked`` (defanged) value is a contact only where the words are clear.
    """
    clause = _last_clause(before)
    if is_called_real(clause, behind) or is_victims(clause[-_NEAR:]) or _VICTIM_BEHIND.match(behind):
        return TextPurpose.INNOCENT
    if is_contact(clause[-_NEXT:], surely=True):
        return TextPurpose.CONTACT
    found = _SCAM_BEFORE.search(clause)
    if (found and not (_HELPERS.search(clause) and not SCAM.search(clause))) or _SCAM_BEHIND.match(behind):
        return TextPurpose.VALUES
    return TextPurpose.CONTACT if is_contact(clause[-_NEAR:], surely=marked) else None


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
    """Return whether the words between two values only join them, so that cues of one hold for the other."""
    found = _AND.match(between)
    return found is not None and len(found["words"].split()) <= 4 and not REAL.search(found["words"])


def _last_clause(before: str) -> str:
    """Return the text behind the last sign that ends a clause, limited to ``_REACH`` characters."""
    clause = before[-_REACH:]
    ends = [found.end() for found in _CLAUSE.finditer(clause) if clause[found.end() :].strip()]
    return clause[ends[-1] :] if ends else clause
