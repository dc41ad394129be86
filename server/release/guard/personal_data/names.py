"""Names of persons in free text, after words that announce a holder or victim, or after a title."""

import re

_LETTER = r"[^\W\d_]"
# Words before the name of an account holder, in the languages of the reporters.
_HOLDER_WORDS = (
    r"\b(?:account|a/c|acct)\.?\s*(?:holder|owner|name)(?:'s)?(?:\s+name)?\b",
    r"\b(?:card)?holder(?:'s)?\s+name\b",
    r"\bcardholder\b",
    r"\bname\s+of\s+(?:the\s+)?(?:account\s+|card\s*)?(?:holder|owner|victim|beneficiary)\b",
    r"\bname\s+on\s+(?:the\s+)?(?:account|card)\b",
    r"\b(?:beneficiary|payee|recipient|victim|sender|remitter)(?:'s)?(?:\s+(?:full\s+)?name)?\b",
    r"\b(?:full|real|legal|first|last)\s+name\b",
    r"\b(?:owner|holder)\s+of\s+(?:the\s+)?(?:account|card)\b",
    r"\b(?:kontoinhaber(?:in)?s?|inhaber(?:in)?\s+des\s+kontos)\b",
    r"\b(?:cuenta|conta)\s+(?:a|em)\s+no(?:mbr|m)e\s+de\b",
    r"\btitular(?:\s+(?:de\s+(?:la\s+)?cuenta|da\s+conta))?\b",
    r"\btitulaire(?:\s+du\s+compte)?\b",
    r"\b(?:nama\s+(?:rekening|akaun|pemilik|penerima)|atas\s+nama)\b",
    r"\b(?:chủ\s+tài\s+khoản|tên\s+tài\s+khoản|họ\s+(?:và\s+)?tên)\b",
    r"ชื่อ\s*(?:เจ้าของ|ผู้ถือ|ผู้รับ)?\s*(?:บัญชี|โอน)",
    r"(?:เจ้าของ|ผู้ถือ)บัญชี",
    r"ชื่อ\s*(?:-|และ|/)?\s*(?:นาม)?สกุล",
    r"ชื่อผู้(?:รับเงิน|รับโอน|เสียหาย|โอน)",
    r"持卡人(?:姓名)?|开户名|户名|收款人(?:姓名)?|戶名|口座名義人?|名義人|예금주",
)
_NO_NAME = r"(?:unknown|none|n/?a|redacted|withheld|removed|not\b|ไม่|xxx)"
_SEPARATOR = r"(?:[ \t]*(?:[:=]|คือ|：)|[ \t]+(?:is\b|[-–—]))[ \t]*[\"'“]?"
_AFTER_WORDS = re.compile(
    rf"(?:{'|'.join(_HOLDER_WORDS)}){_SEPARATOR}(?!{_NO_NAME}){_LETTER}[\w.'’ -]*{_LETTER}",
    re.IGNORECASE,
)
# In Thai no colon follows the words.
_AFTER_WORDS_IN_THAI = re.compile(
    r"(?:ชื่อ\s*(?:เจ้าของ|ผู้ถือ)?\s*บัญชี|บัญชีชื่อ|ผู้เสียหายชื่อ)\s+(?!ไม่|คือ|นี้|ปลอม|ม้า|ธนาคาร)[ก-๙]{2,}\s+[ก-๙]{2,}"
)
# Without a colon, only capitalised words count as a name.
_AFTER_WORDS_WITHOUT_COLON = re.compile(
    r"\b(?:[Aa]ccount [Hh]older|[Bb]eneficiary|[Pp]ayee|(?:cuenta|conta) (?:a|em) nom(?:br)?e de)\s+"
    r"(?!Bank|Name|Account|Check|Confirmation|Verification|Details|Service|Support|Address|Country|Institution)"
    rf"[A-Z]{_LETTER}+\s+[A-Z]{_LETTER}+"
)
_TITLE = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mister|Madam|MR|MRS|MS)\b\.?[ \t]+(?!Universe|World|Grand|International|Earth|And\b|Beast)"
    r"[A-Z][\w'’-]+"
)
# Thai words that begin like a title but are not titles.
_NOT_A_TITLE = (
    r"(?!หน้า|จ้าง|ก(?:รัฐ|ฯ|สภา|อบ|เทศ|\s)|ทุน|แพทย์|ตำรวจ|พล|ทหาร|อำเภอ|ทะเบียน"
    r"|ธนาคาร|แบบ|ฟ้า|พยาบาล|งาม|เอก|สาวไทย|กอง|เงือก)"
)
_TITLE_IN_THAI = re.compile(
    rf"(?<![ก-๙])(?:นางสาว|น\.ส\.|ด\.ช\.|ด\.ญ\.|นาย|นาง){_NOT_A_TITLE}[ \t]?[ก-๙]{{2,}}[ \t]+[ก-๙]{{2,}}"
)

# Each match contains one of these stems, in lower case: a quick first test.
STEMS = (
    "holder",
    "owner",
    "name",
    "benef",
    "payee",
    "recipient",
    "victim",
    "sender",
    "remitter",
    "inhaber",
    "nombre",
    "titula",
    "nama ",
    "atas",
    "mr",
    "ms ",
    "ms.",
    "miss ",
    "mister",
    "madam",
)
STEMS_BEYOND_ASCII = (
    "บัญชี",
    "ชื่อ",
    "นาย",
    "นาง",
    "น.ส.",
    "ด.ช.",
    "ด.ญ.",
    "户名",
    "持卡人",
    "戶名",
    "收款人",
    "名義",
    "예금주",
    "tài khoản",
    "họ ",
)

_PATTERNS = (_AFTER_WORDS, _AFTER_WORDS_WITHOUT_COLON, _TITLE, _TITLE_IN_THAI, _AFTER_WORDS_IN_THAI)


def has_name(text: str) -> bool:
    """Return whether a text has a person's name after words that announce it, or after a title."""
    return any(pattern.search(text) for pattern in _PATTERNS)
