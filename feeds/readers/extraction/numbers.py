"""Numbers in running text: accounts, telephone numbers and payment aliases, distinguished by the words near them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import NamedTuple

from feeds.readers.extraction.cues import UNSPACED_LETTERS, expression, words_of_countries
from feeds.readers.extraction.lazy_pattern import LazyPattern
from schemas.reference.aliases import PaymentSystem, find_system
from schemas.reference.bank_text import BankMention, find_banks
from schemas.text import ascii_digits

_DIGIT = "[0-9๐-๙०-९]"
_SOME_DIGITS = re.compile(rf"{_DIGIT}.{{0,2}}{_DIGIT}")
# A letter of a script with blanks between words; a number may directly follow letters of other scripts.
_LETTER = rf"[^\W{UNSPACED_LETTERS}]"
_NUMBER = re.compile(
    rf"(?<!{_LETTER})(?<![.+/@:=%&-])(?<!\d[ ,])\(?{_DIGIT}(?:[ ().-]{{0,2}}+{_DIGIT}){{5,19}}+"
    rf"(?!{_LETTER})(?![@/])(?![ ().-]{{0,2}}\d)(?!-[0-9A-Za-z])"
)
# Numbers of Brazil's registers of people and companies, which are aliases only after the names of these registers.
_ALIAS_FORM = re.compile(r"(?<![\w./-])(?:\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}|\d{3}\.\d{3}\.\d{3}-\d{2})(?![\w/-])")
_DATE = re.compile(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?: \d.*)?")
_THAI_ACCOUNT = re.compile(r"\d{3}-\d-\d{5}-\d")
_AMOUNT = re.compile(rf"\s*(?:,\d|[.]\d|%|{expression('amount').pattern})", re.IGNORECASE)
_MONEY = re.compile(
    r"[$€£¥฿₫₱₹]\s*$|\b(?:Rp|RM|Rs|INR|IDR|MYR|PHP|SGD|HKD|EUR)\.?\s*$|\d,$"
    r"|(?:USD|THB|VND|เลขรับแจ้ง|คดี(?:ที่)?|case(?: no\.?| id)?|ref\w*"
    r"|invoice(?: n(?:o\.?|umber))?|id|pin|otp|code)\W*$",
    re.IGNORECASE,
)
_ACCOUNT, _PHONE, _ALIAS, _JUST_NUMBER, _PHONE_NOUN, _PARTIAL, _BANK = map(
    expression, ("account", "phone", "alias", "just_number", "phone_noun", "partial", "bank")
)
# National bank codes: sort code, routing number, BSB, IFSC.
_CODE = re.compile(
    r"sort ?code\W{0,4}(?P<GB>\d{2}[- ]?\d{2}[- ]?\d{2})(?!\d)"
    r"|(?<![\d-])(?P<GB_>\d{2}-\d{2}-\d{2})(?=(?:[ ,;/]{0,3}(?:and |with )?(?:the |an )?(?:account|acct|a/c)"
    r"(?: (?:number|no\.?))?(?: (?:was|is))?\W{0,3}|[ ,/]{1,3})\d{8}(?!\d))"
    r"|(?:routing|aba)(?: (?:number|no\.?|code))?\W{0,4}(?P<US>\d{9})(?!\d)"
    r"|\bbsb\W{0,4}(?P<AU>\d{3}[- ]?\d{3})(?!\d)|\bifsc(?: code)?\W{0,4}(?P<IN>[A-Z]{4}0[A-Z0-9]{6})\b"
    r"|(?<![A-Za-z0-9])(?P<IN_>(?-i:[A-Z]{4})0\d{6})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_VIETNAMESE = re.compile(r"[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
_THAI = re.compile(r"[\u0e01-\u0e2e]")
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_FAR = 60
# A number with a bank at most this many characters away is an account number.
_NEAR = 40
# A word such as "number" this close after a word for accounts does not show the kind.
_BESIDE = 40
# Branch of an account in Brazil.
_BRANCH = re.compile(r"\bag(?:[eê]ncia|\.)?\W{0,3}(?:n[º°o.]*\W{0,2})?(?P<branch>\d{4}(?:-\d)?)(?!\d)", re.IGNORECASE)
# Messages from a number of a messenger come from an account there: "messages from WhatsApp 0812 345 678".
_MESSAGES_OF = re.compile(
    r"(?:messages?|texts|chats?|mensage[mn]s?|mensajes?|pesan|mesej|tin nhắn|nachrichten|ข้อความ|消息|訊息|讯息)"
    r"(?: \w+){0,2}?\s?(?:of|from|via|d[oae]|del|dari|daripada|từ|von|จาก|来自|來自)\s?(?:the )?"
    r"(?P<platform>whatsapp|zalo|viber)\W{0,3}$",
    re.IGNORECASE,
)
_LAST_DIGITS = re.compile(r"\W{0,3}(?P<digits>(?:[xX*•-]{1,8}\s?)?\d{3,6})(?![\d-])")
_PHONE_OR_MAIL = re.compile(r"e-?mails?|telefone|correo", re.IGNORECASE)
# A word this near is directly beside a number.
_TOUCHES = 18
_BLANKS = 3
_FEWEST, _FEWEST_WITH_BANK = 8, 5


class NumberCandidate(NamedTuple):
    """A number as written, its position in the line, and its columns."""

    start: int
    raw: str
    fields: Mapping[str, str]

    @property
    def lacks_bank(self) -> bool:
        """Return whether it is an account number whose bank is unknown so far."""
        return self.fields["kind"] == "bank-account" and "bank" not in self.fields


def country_of(text: str) -> str:
    """Return the country implied by the script of a text, "" if there is none."""
    return "TH" if _THAI.search(text) else "VN" if _VIETNAMESE.search(text) else ""


def is_of_account(*words: str) -> bool:
    """Return whether any of the texts is about banks or accounts, so that it may mention a bank."""
    return any(_ACCOUNT.search(text) for text in words)


def find_numbers(text: str, label: str, heading: str, country: str) -> list[NumberCandidate]:
    """Return the numbers of a line that have a kind by the line, its ``label`` or the ``heading`` above.

    ``country`` is the country of numbers without a country code, "" if the text implies none.
    """
    if _SOME_DIGITS.search(text) is None:
        return []
    found = [*_aliases_by_form(text, label, heading)]
    taken = {place.start for place in found}
    banks = _BanksOfLine(text, label, country)
    for match in _NUMBER.finditer(banks.text_without_codes):
        raw = _without_amount(_trimmed_number(match[0]), text[match.end() : match.end() + 12])
        start = match.start() + match[0].index(raw)
        end = start + len(raw)
        before = text[max(0, start - _FAR) : start]
        if start in taken or banks.has_branch_at(start) or _is_other_number(raw, before, text[end : end + 12]):
            continue
        near = banks.near(start, end)
        if fields := _fields(raw, _Words(before, label, heading, country), near):
            if fields["kind"] == "bank-account":
                banks.behind = near.bank if near.bank and near.bank_is_behind else None
            found.append(NumberCandidate(start, raw, fields))
    return sorted(found, key=lambda number: number.start)


class _NearBank(NamedTuple):
    """The bank, the code of a bank and the branch near a number; ``gap`` is the number of characters to the bank."""

    bank: BankMention | None
    bank_is_behind: bool
    gap: int
    code: re.Match[str] | None
    code_is_beside: bool
    branch: re.Match[str] | None

    @property
    def columns(self) -> dict[str, str]:
        """Return the columns of an account; a code takes precedence over a name."""
        columns = _bank_code_columns(self.code) if self.code else bank_columns(self.bank)
        return columns | ({"branch": self.branch["branch"]} if self.branch else {})


class _BanksOfLine:
    """The banks, codes of banks and branches of a line, each found once for all its numbers.

    ``behind`` is the bank behind the last account.
    """

    def __init__(self, text: str, label: str, country: str) -> None:
        self.behind: BankMention | None = None
        self.text_without_codes = _CODE.sub(lambda match: " ,".ljust(len(match[0])), text)
        self._codes = [*_CODE.finditer(text)]
        self._branches = [*_BRANCH.finditer(text)] if country in ("", "BR") else []
        self._text, self._shift, self._country = f"{label}\n{text}", len(label) + 1, country

    @cached_property
    def _banks(self) -> list[BankMention]:
        return find_banks(self._text, self._country)

    def near(self, start: int, end: int) -> _NearBank:
        """Return the bank near a number from ``start`` to ``end``."""
        at, until = start + self._shift, end + self._shift
        bank, code = nearest_bank(self._banks, at, until, self.behind), self._code_of(start)
        return _NearBank(
            bank=bank,
            bank_is_behind=bank is not None and bank.start > at,
            gap=_gap(bank, at, until),
            code=code,
            code_is_beside=code is not None and 0 <= start - code.end() <= _BLANKS,
            branch=_nearest(self._branches, start),
        )

    def _code_of(self, start: int) -> re.Match[str] | None:
        """Return the code of a bank for a number: the one right before it, else the nearest."""
        place = bisect_right(self._codes, start, key=lambda code: code.end())
        before = self._codes[place - 1] if place else None
        return before if before and start - before.end() <= _NEAR else _nearest(self._codes, start)

    def has_branch_at(self, place: int) -> bool:
        """Return whether a branch is at this place."""
        branch = _nearest(self._branches, place)
        return branch is not None and branch.start() <= place < branch.end()


def find_code(text: str) -> BankMention | None:
    """Return the first national code of a bank in a text."""
    code = _CODE.search(text) if _SOME_DIGITS.search(text) else None
    if code is None:
        return None
    columns = _bank_code_columns(code)
    return BankMention(columns["bank"], columns["country"], code.start(), code.end())


def find_partial(text: str) -> list[NumberCandidate]:
    """Return the last digits of accounts and telephone numbers: "the account ending in 1234"."""
    found = []
    for match in _PARTIAL.finditer(text):
        digits = _LAST_DIGITS.match(text, match.end())
        before = text[max(0, match.start() - _FAR) : match.start()]
        if digits and (_ACCOUNT.search(before) or _PHONE.search(before)):
            found.append(NumberCandidate(digits.start("digits"), digits["digits"], {}))
    return found


def _aliases_by_form(text: str, label: str, heading: str) -> Iterator[NumberCandidate]:
    """Yield the aliases that have a form of their own, behind a word for such aliases."""
    for match in _ALIAS_FORM.finditer(text):
        before = text[max(0, match.start() - _FAR) : match.start()]
        if fields := alias_columns(match[0], before, label, heading):
            yield NumberCandidate(match.start(), match[0], fields)


def is_alias_behind(before: str) -> bool:
    """Return whether the words before a mailbox name it as a payment alias: "Pix para a chave x@example.com"."""
    named = [*_ALIAS.finditer(before[-_BESIDE:])]
    return bool(named) and _PHONE_OR_MAIL.search(before[-_BESIDE:], named[-1].end()) is None


def alias_columns(raw: str, before: str, label: str = "", heading: str = "") -> dict[str, str]:
    """Return the columns of an alias by the last word for its system, {} if there is none."""
    named = [*_ALIAS.finditer(f"{heading} {label} {before}")]
    for match in reversed(named):
        if system := find_system(match[0]) or find_system(match[0].split()[-1]) or _of_key(match[0]):
            return {"value": raw, "kind": "payment-alias", "system": system.name}
    return {}


def _nearest(found: list[re.Match[str]], at: int) -> re.Match[str] | None:
    """Return the code of a bank or branch nearest to a number."""
    place = bisect_right(found, at, key=lambda code: code.start())
    near = min(found[max(0, place - 1) : place + 1], key=lambda code: abs(code.start() - at), default=None)
    return near if near and abs(near.start() - at) <= _FAR else None


def _gap(bank: BankMention | None, at: int, end: int) -> int:
    """Return the number of characters between a bank and a number, ``_FAR`` if it is not near."""
    if bank is None or not -_NEAR < bank.start - at < _NEAR:
        return _FAR
    return max(at - bank.end, bank.start - end, 0)


def _trimmed_number(text: str) -> str:
    """Return a number without the signs around it; the brackets of an area code stay."""
    return text.strip(" .-" if text.count("(") == text.count(")") else " ().-")


def _without_amount(raw: str, behind: str) -> str:
    """Return a number without the amount behind it: "0912 345 678 2 million"."""
    first, _, last = raw.rpartition(" ")
    is_amount = len(last) <= 3 and sum(map(str.isdigit, first)) > _FEWEST and _AMOUNT.match(behind) is not None
    return first if is_amount else raw


def _is_other_number(raw: str, before: str, behind: str) -> bool:
    """Return whether a number is a date, an amount, or the number of a case."""
    return any((_DATE.fullmatch(raw), _AMOUNT.match(behind), _MONEY.search(before)))


def _bank_code_columns(code: re.Match[str]) -> dict[str, str]:
    """Return bank and country of a national bank code."""
    country = next(name for name, text in code.groupdict().items() if text)
    return {"bank": code[country], "country": country.rstrip("_")}


def nearest_bank(
    banks: list[BankMention], at: int, end: int | None = None, behind: BankMention | None = None
) -> BankMention | None:
    """Return the bank nearest to a number from ``at`` to ``end``; a bank before it takes precedence.

    It is skipped if it is ``behind`` the previous number and another bank follows: "1 at Bank A and 2 at Bank B".
    """
    place = bisect_left(banks, at, key=lambda bank: bank.start)
    near = banks[max(0, place - 1) : place + 1]
    if end is not None and len(near) == 2 and near[0] is not near[1]:
        first, second = near
        if second.start - end <= _TOUCHES and (first is behind or at - first.end > _NEAR // 2):
            return second
    return min(near, key=lambda bank: at - bank.end if bank.end <= at else (bank.start - at) * 2 + 20, default=None)


def bank_columns(bank: BankMention | None) -> dict[str, str]:
    """Return the name of a bank and, where known, its country as columns."""
    if bank is None:
        return {}
    return {"bank": bank.name} | ({"country": bank.country} if bank.country else {})


class _Words(NamedTuple):
    """The words before a number, its label, the heading above, and the country of its text."""

    before: str
    label: str
    heading: str
    country: str


def _kind(words: _Words, digits: str, gap: int) -> str:
    """Return the kind by the nearest word, else by a bank at a distance of ``gap`` or the number's form, "" if none."""
    if gap <= _BLANKS and not any(cue.search(words.before[-_NEAR // 2 :]) for cue in (_PHONE, _ALIAS)):
        return "bank-account"
    form = _phone_forms().get(words.country)
    is_phone = form is not None and form.fullmatch(digits) is not None
    for text in (words.before, words.label):
        if kind := _kind_by_words(text, is_phone=is_phone, gap=gap):
            return kind
    if gap < (_TOUCHES if is_phone else _FAR):
        return "bank-account"
    if is_phone and (gap < _FAR or len(words.before.strip()) > _NEAR // 2):
        return "phone"
    first = {
        kind: found.start()
        for kind, cue in (("payment-alias", _ALIAS), ("bank-account", _ACCOUNT), ("phone", _PHONE))
        if (found := cue.search(words.heading))
    }
    return min(first, key=lambda kind: first[kind], default="phone" if is_phone else "")


def _kind_by_words(text: str, *, is_phone: bool, gap: int) -> str:
    """Return the kind by the last word for one in ``text``, "" if there is none."""
    last = {
        kind: max((found.end() for found in cue.finditer(text)), default=-1)
        for kind, cue in (("bank-account", _ACCOUNT), ("phone", _PHONE), ("payment-alias", _ALIAS))
    }
    nearest = max(last.values())
    if nearest < 0:
        return ""
    # "PayNow mobile number", "account number", and a telephone behind the word for a bank that called.
    for kind, nouns in (("payment-alias", _PHONE_NOUN), ("bank-account", _JUST_NUMBER)):
        if last["phone"] == nearest and last[kind] >= max(0, nearest - _BESIDE) and _ends_at(nouns, text, nearest):
            return kind
    far = len(text) - nearest > _NEAR // 2 or _ends_at(_BANK, text, nearest)
    if is_phone and gap >= _TOUCHES and last["bank-account"] == nearest and far:
        return "phone"
    return max(last, key=lambda kind: last[kind])


def _ends_at(words: re.Pattern[str] | LazyPattern, text: str, end: int) -> bool:
    return any(found.end() == end for found in words.finditer(text))


@cache
def _phone_forms() -> Mapping[str, re.Pattern[str]]:
    """Return forms of telephone numbers that hardly any other number in a text of that country has."""
    return {country: re.compile(form) for country, form in words_of_countries("phone_forms").items()}


def _fields(raw: str, words: _Words, near: _NearBank) -> dict[str, str]:
    """Return the columns of a number, {} if it has no kind."""
    digits = re.sub(r"\D", "", ascii_digits(raw))
    of_account = near.code_is_beside or _THAI_ACCOUNT.fullmatch(raw) is not None
    kind = "bank-account" if of_account else _kind(words, digits, near.gap)
    if kind == "phone" and 7 <= len(digits) <= 15:
        chinese = _CHINESE_MOBILE.fullmatch(digits) and _CHINESE.search("".join(words[:3]))
        country = "CN" if chinese else words.country
        given = {"country": country} if country else {}
        if messages := _MESSAGES_OF.search(words.before):
            # Without its brackets: an account has none.
            number = re.sub(r"[()]", "", raw)
            return {"value": number, "kind": "social-account", "platform": messages["platform"]} | given
        return {"value": raw, "kind": kind} | given
    if kind == "payment-alias":
        return alias_columns(raw, words.before, words.label, words.heading)
    if kind == "bank-account" and len(digits) >= (_FEWEST_WITH_BANK if near.branch or near.code else _FEWEST):
        return {"value": raw, "kind": kind} | near.columns
    return {}


def _of_key(word: str) -> PaymentSystem | None:
    """Return the system of Brazil for its word for a key."""
    return find_system("pix") if word.lower().startswith("chave") else None
