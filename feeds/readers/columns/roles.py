"""Roles of people in files: the owner of a column, a row or a section, by headings and neighbouring words.

A victim's number is never read as a scammer's. A heading with a role may span several columns, like merged cells, and
several rows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from feeds.readers.columns.clearing import is_safe_title
from feeds.readers.columns.vocabulary import (
    Vocabulary,
    field_column,
    is_known_column,
    is_personal,
    is_subject_column,
    value_column,
    vocabulary,
    without_notes,
)
from feeds.readers.columns.word_tables import CustomNames, current_custom_names, plain
from feeds.readers.rows import FileRow, Row, Unreadable

# "person": a victim, reporter, witness or officer; "office": a bank, police station or agency; "other": unknown.
# Of money the "sender" is the victim, of calls and messages the "receiver" is.
Role = Literal["person", "suspect", "sender", "receiver", "office", "neutral", "other", ""]

# Kinds of values for contact: those of an office are not a scammer's.
_CONTACTS = frozenset({None, "phone", "email", "social-account", "url", "domain", "payment-alias"})
_LONGEST = 60
_MOST_WORDS_OF_TOTAL = 3
_FEWEST_NAMES = 3
_MANY_DIGITS = re.compile(r"(?:\D*\d){4}")
_REPORTED = re.compile(
    r"แจ้ง|ร้องเรียน|ร้องทุกข์|report|complain|submi|provid|filed|举报|舉報|报案|報案|trình báo|phản ánh|lapor|adu|通報|신고",
    re.I,
)
# Acts and losses of victims: a title with these words is about the scammers' values.
_SUFFERED = re.compile(
    r"receiv|\bpa(?:id|y)\b|\bsen[dt]\b|transfer|contact(?:ed|ing)|call(?:ed|ing)|target|against|lur|โอน|หลอก|โทรหา|รับเงิน|"
    r"chuyển|nhận|lừa|gọi|nerima|terima|dihubungi|membayar|bayar|转|轉|汇|匯|骗|騙|联系|입금|송금|振り込|振込|recebe|recibi|pag[oa]|transfer",
    re.I,
)
# Columns of the people who submit reports.
_SOURCE = re.compile(
    rf"source|origin|from|by\b|ที่มา|แหล่ง|หน่วยงาน|โดย|จาก|nguồn|来源|來源|sumber|出典|출처|{_REPORTED.pattern}", re.I
)
_NONE = re.compile(r"\b(?:no|not|non|without|excl\w*)\b|ไม่มี|ไม่รวม|ยกเว้น|không|tanpa|不含|なし", re.I)
_WORD = re.compile(r"[a-z]+")
# Thai for a list, whose end and the next word can look like "name of the account".
_LIST_OF_NAMES = "รายชื่อ"
_NO_LETTER = re.compile(r"[\d_.()\[\]+–-]+")

OF_SOMEBODY_ELSE = (
    "not-a-scammers",
    "according to its heading or a neighbouring word, the value is a victim's, a reporter's or an office's: report "
    "the scammer's values",
)


UNKNOWN_ROLE = (
    "unknown-role",
    "the role in this row is not known, so the value may be a victim's: write suspect for a scammer, or victim",
)


class Header(NamedTuple):
    """The names of columns, joined from all rows of a header, and the places of those that are not the scammer's."""

    names: list[str]
    not_read: frozenset[int] = frozenset()


def role_of(text: str) -> Role:
    """Return the role stated by a heading or a cell, "" if it is empty."""
    return _role(text, current_custom_names()) if text else ""


def is_role(text: str) -> bool:
    """Return whether a text is only the name of a role, as in a column with the owner of each row."""
    return len(text) <= _LONGEST and plain(text) in vocabulary().roles


def is_of_contacts(title: str) -> bool:
    """Return whether the name of a sheet says that it lists the contacts of offices."""
    return plain(title) in vocabulary().contacts


def is_of_somebody_else(cell: str, *, named: bool) -> bool:
    """Return whether a cell of a column of roles says that its row is not the scammer's.

    In a column that is not ``named`` as one of roles, only cells without other words count.
    """
    return 0 < len(cell) <= _LONGEST and (named or is_role(cell)) and role_of(cell) in ("person", "office")


def is_unknown_role(cell: str) -> bool:
    """Return whether a cell of a column of roles has a word that is no known role."""
    return bool(cell) and role_of(cell) == "other" and not has_digits(cell)


def is_of_a_person(name: str) -> bool:
    """Return whether a column of that name is about a person or an office, so that its cells clear nothing."""
    return is_personal(name, vocabulary()) or role_of(name) in ("person", "suspect", "office")


def names_others(title: str) -> bool:
    """Return whether a title, or the name of a sheet, says that the values below it are victims' or known as safe."""
    text = title.replace("_", " ")
    return bool(text) and (_is_title_of_people(text) or is_safe_title(text))


def is_list_of_others(name: str) -> bool:
    """Return whether a file's name is only "victims", "list of customers" or "whitelist": a victim's post is read."""
    text = _NO_LETTER.sub(" ", name.casefold())
    for word in vocabulary().lists:
        text = re.sub(rf"(?<![a-z]){word}(?![a-z])" if word.isascii() else word, " ", text)
    text = text.strip()
    return bool(text) and (is_safe_title(text) or (is_role(text) and role_of(text) == "person"))


def are_roles(cells: Sequence[str]) -> bool:
    """Return whether all cells of a row name roles, of scammers and of others, as in a row above a header."""
    return all(map(is_role, cells)) and {"person", "suspect"} <= {role_of(cell) for cell in cells}


def role_columns(names: Sequence[str], body: Iterable[Sequence[str]]) -> set[int]:
    """Return the places of columns whose cells name the owner of a row; columns of reporters do not count."""
    found = {
        place
        for cells in body
        for place, cell in enumerate(cells)
        if cell and is_role(cell) and role_of(cell) in ("person", "suspect")
    }
    words = vocabulary()
    return {
        place
        for place in found
        if place >= len(names) or not (names_source(names[place]) or is_personal(names[place], words))
    }


def named_columns(names: Sequence[str]) -> list[int]:
    """Return the places of columns whose title says that they name the owner of a row."""
    words = vocabulary().role_columns
    return [place for place, name in enumerate(names) if plain(name) in words]


def surely_named_columns(names: Sequence[str]) -> set[int]:
    """Return the places of columns whose title has no other meaning than the role of people."""
    words = vocabulary().only_roles
    return {place for place, name in enumerate(names) if plain(name) in words}


def is_of_person(name: str) -> bool:
    """Return whether a column of that name is about victims, reporters or account holders."""
    return bool(name) and (is_personal(name, vocabulary()) or role_of(name) == "person")


def is_of_payer(name: str) -> bool:
    """Return whether a column of that name has the accounts that paid: of victims, "from", "debited from"."""
    if not name or role_of(name) == "suspect":
        return False
    spelled = plain(name)
    return is_of_person(name) or spelled.startswith(vocabulary().payers)


def is_amount(name: str) -> bool:
    """Return whether a column of that name has amounts of money."""
    return bool(name) and plain(name).startswith(vocabulary().amounts)


def is_total(cells: Sequence[str]) -> bool:
    """Return whether a row has the totals of a table: its first text begins with a word for a sum."""
    if cells[0] and any(map(str.isdigit, cells[0])):
        return False
    text = next(filter(None, cells), "")
    words = text.casefold().split()
    return 0 < len(words) <= _MOST_WORDS_OF_TOTAL and words[0].strip(":.") in vocabulary().totals


def names_source(name: str) -> bool:
    """Return whether a column of that name is about people that submit reports or send money."""
    return _SOURCE.search(name) is not None


def names_role(cells: Sequence[str]) -> bool:
    """Return whether a row has headings with roles, and no values."""
    filled = [cell for cell in cells if cell]
    return all(map(_may_be_heading, filled)) and any(
        role_of(cell) in ("person", "suspect", "office") for cell in filled
    )


def _may_be_heading(cell: str) -> bool:
    return len(cell) <= _LONGEST and not _MANY_DIGITS.match(cell)


def header_of(above: Sequence[Sequence[str]], header: Sequence[str], below: Sequence[Sequence[str]] = ()) -> Header:
    """Join several rows to a header: those ``above`` the ``header``, and its other rows ``below``."""
    top = next((place for place, cells in enumerate(above) if _counts(cells, header)), len(above))
    rows = [*(_spread(cells, len(header)) for cells in above[top:]), list(header), *map(list, below)]
    if len(rows) == 1:
        return Header(list(header))
    width = max(map(len, rows))
    rows = [cells + [""] * (width - len(cells)) for cells in rows]
    if below:
        rows[-len(below) - 1] = _spread(rows[-len(below) - 1], width)
    names, not_read = [], set()
    for place in range(width):
        parts = [cells[place] for cells in rows if cells[place]]
        own = parts[-1:] if len(parts) > 1 or rows[-1][place] or rows[len(rows) - 1 - len(below)][place] else []
        name, is_read = _joined(parts) if own else ("", True)
        names.append(name)
        if not is_read:
            not_read.add(place)
    return Header(names, frozenset(not_read))


def refused(rows: Iterable[FileRow]) -> Iterator[FileRow]:
    """Yield rows without columns, each with its value refused, because a name says that they are somebody else's."""
    for row in rows:
        yield Unreadable.of(row.line, row.fields.get("value", ""), *OF_SOMEBODY_ELSE) if isinstance(row, Row) else row


def columns_of_others(rows: Iterable[Sequence[str]]) -> frozenset[int]:
    """Return the places of a table's columns that the first row with several names calls a person's."""
    names = next((cells for cells in rows if sum(map(bool, cells)) >= _FEWEST_NAMES), ())
    if not all(map(_may_be_heading, names)):
        return frozenset()
    of_money = any(is_amount(name) for name in names)
    return frozenset(
        place for place, name in enumerate(names) if role_of(name) == "person" or (of_money and is_of_payer(name))
    )


def refused_cells(line: int, cells: Sequence[str], others: frozenset[int]) -> Iterator[Unreadable]:
    """Yield the cells of a row refused that have numbers, in the columns of ``others``."""
    for place, cell in enumerate(cells):
        if place in others and has_digits(cell):
            yield Unreadable.of(line, cell, *OF_SOMEBODY_ELSE)


def has_digits(cell: str) -> bool:
    """Return whether a cell may have a number in it, so that it is no name of a column."""
    return _MANY_DIGITS.match(cell) is not None


def without_others(header: Header) -> Header:
    """Return the header of a table of victims or of safe values: only columns of a scammer are read."""
    others = {place for place, name in enumerate(header.names) if role_of(name) != "suspect"}
    return header._replace(not_read=header.not_read | others)


def section_of(cells: Sequence[str]) -> Role:
    """Return whose rows follow a row with a single text, "" if the text is no heading with a role."""
    text = next(filter(None, cells))
    bare = without_notes(text)
    if is_role(bare):
        return role_of(bare)
    if not cells[0] or not _may_be_heading(text) or len(cells) < 2:
        return ""
    if names_others(text):
        return "person"
    return "suspect" if role_of(text) == "suspect" else ""


def goes_on(header: Sequence[str], cells: Sequence[str]) -> bool:
    """Return whether a row below a header belongs to it: roles below columns of values, or names below roles."""
    if len(cells) > len(header) or not any(cells) or not all(map(_may_be_heading, cells)):
        return False
    if len(cells) - cells.count("") == 1 < len(header) - list(header).count(""):
        # A role alone below several names begins a section.
        return False
    spread = _spread(header, len(header))
    filled = [(over, cell, name) for over, cell, name in zip(header, cells, spread, strict=False) if cell]
    if any(is_role(cell) and is_subject_column(name) for _, cell, name in filled):
        return True
    known = all(is_known_column(cell) or is_role(cell) for _, cell, _ in filled)
    return known and any((not over or is_role(over)) and is_known_column(cell) for over, cell, _ in filled)


def _counts(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row above a header names the owner of its columns."""
    filled = [cell for cell in cells if cell]
    if len(filled) == 1 and cells[0]:
        return names_others(cells[0]) or (role_of(cells[0]) == "office" and is_role(cells[0]))
    if not names_role(cells):
        return _parts_equal_columns(cells, header)
    return True


def _parts_equal_columns(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether several value columns with the same name have different headings."""
    over: dict[str, set[str]] = {}
    if any(_MANY_DIGITS.match(cell) for cell in cells):
        return False
    for heading, name in zip(_spread(cells, len(header)), header, strict=False):
        if heading and is_subject_column(name):
            over.setdefault(plain(name), set()).add(heading)
    return any(len(headings) > 1 for headings in over.values())


def _is_title_of_people(title: str) -> bool:
    """Return whether a title above a whole table says that it is about victims."""
    if len(title) > _LONGEST or _NONE.search(title):
        return False
    role = role_of(title)
    if role != "person":
        return False
    words, rest = vocabulary(), title.casefold()
    for word in words.people:
        rest = rest.replace(word, "")
    return is_role(title) or not (_REPORTED.search(rest) or _SUFFERED.search(rest))


def _spread(cells: Sequence[str], width: int) -> list[str]:
    """Return a row of headings with each repeated over all columns up to the next, like merged cells."""
    spread, last = [], ""
    for cell in cells[:width]:
        last = cell or last
        spread.append(last)
    return spread + [last] * (width - len(spread))


def nearest(stated: Sequence[Role]) -> Role:
    """Return the role that decides among those of the headings above a column, "" for none: the lowest one."""
    return next((role for role in reversed(stated) if role in ("person", "suspect")), "")


def _joined(parts: Sequence[str]) -> tuple[str, bool]:
    """Join the headings of a column from top to bottom; also return whether the column is read."""
    words, own = vocabulary(), parts[-1]
    column = value_column(own, words)
    stated = [_resolved(role_of(part), own, words) for part in parts]
    role = nearest(stated)
    if role == "person" or (not role and any(map(is_safe_title, parts[:-1]))):
        return _whole(parts), False
    if role:
        is_sure = (column is not None and not column.unsure) or field_column(own, words) is not None
        return (own if is_sure else _whole(parts)), True
    if not is_subject_column(own):
        return (own if is_known_column(own) or len(parts) == 1 else _whole(parts)), True
    unclear = {"other", "office"} if column is not None and column.kind in _CONTACTS else {"other"}
    return (own, True) if unclear.isdisjoint(stated[:-1]) else (_whole(parts), False)


def _whole(parts: Sequence[str]) -> str:
    return " ".join(dict.fromkeys(parts))


def _resolved(role: Role, name: str, words: Vocabulary) -> Role:
    """Return the role of a sender or receiver above a column, which depends on the thing that is sent."""
    if role not in ("sender", "receiver"):
        return role
    column = value_column(name, words)
    by_message = column is not None and column.kind in _CONTACTS - {"payment-alias"}
    return "suspect" if (role == "sender") == by_message else "person"


@lru_cache(maxsize=4096)
def _role(text: str, _: CustomNames) -> Role:
    words = vocabulary()
    spelled, tokens = plain(text).replace(_LIST_OF_NAMES, ""), _WORD.findall(text.casefold())
    if role := _person_or_suspect(spelled, tokens, words):
        return role
    if _names_party(words.senders, spelled, tokens):
        return "sender"
    if _names_party(words.receivers, spelled, tokens):
        return "receiver"
    if _has_word(words.offices, spelled, tokens):
        return "office"
    if not spelled:
        return ""
    return "neutral" if is_known_column(text) or any(word in spelled for word in words.neutral) else "other"


def _person_or_suspect(spelled: str, tokens: Sequence[str], words: Vocabulary) -> Role:
    """Return the first of these roles in a text, "" for neither: "victim of scammer" is a victim."""
    suspects = [word for word in words.suspects if not word.isascii()]
    suspects += [token for token in tokens if not words.suspects.isdisjoint((token, token.removesuffix("s")))]
    person, suspect = _first_place(words.people, spelled), _first_place(suspects, spelled)
    if person is None:
        return "" if suspect is None else "suspect"
    return "person" if suspect is None or person <= suspect else "suspect"


def _names_party(words: tuple[frozenset[str], frozenset[str]], spelled: str, tokens: Sequence[str]) -> bool:
    with_others, alone = words
    return spelled in alone or _has_word(with_others, spelled, tokens)


def _has_word(words: Iterable[str], spelled: str, tokens: Sequence[str]) -> bool:
    return any(word in tokens if word.isascii() else word in spelled for word in words)


def _first_place(words: Iterable[str], text: str) -> int | None:
    return min((place for word in words if (place := text.find(word)) >= 0), default=None)
