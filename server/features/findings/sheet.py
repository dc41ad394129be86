"""A file of findings, as the list of accounts is sent out: each row read, matched with an account, or refused."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.api.lookup import readings
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.vocabulary import QualificationCode
from server.features.findings.accounts import ReportedAccount, present_accounts
from server.features.findings.answering import NOT_LISTED
from server.store import listings
from server.store.database.engine import Tx

MOST_ROWS, MOST_BYTES = 300, 256 * 1024
_LONGEST = {"reference": 200, "note": 500}
_TEXTS = ("listing", "value", "kind", "code", *_LONGEST)
_NO_SUBJECT = Rejected("no-subject", "give the id of the listing, or the value")
_UNKNOWN = Rejected("unknown-code", f"there is no such code; there are: {', '.join(QualificationCode)}")
_TWICE = Rejected("row-twice", "an earlier row of the file is about the same account: keep one of them")
_SAME = Rejected("same-finding", "the account has this finding already: leave the code empty")


class UnreadableSheet(Exception):
    """A file that is no table of findings."""


class SheetRow(NamedTuple):
    """A row with a finding: its line in the file, its columns, and the subjects of its value."""

    line: int
    columns: Mapping[str, str]
    subjects: frozenset[str]


class SheetFinding(NamedTuple):
    """A finding of a row about an account of the partner."""

    line: int
    account: ReportedAccount
    code: QualificationCode
    reference: str = ""
    note: str = ""


class RefusedRow(NamedTuple):
    """A row that is refused: its line, its account, and the reason."""

    line: int
    named: str
    refusal: Rejected


class ReadSheet(NamedTuple):
    """The rows of a file: findings, refused ones, and the number of those without a code."""

    findings: list[SheetFinding]
    refused: list[RefusedRow]
    without_code: int


def read(tx: Tx, partner: Partner, data: bytes, country: str, target: int) -> ReadSheet:
    """Return the findings of a file about the partner's accounts. Raises ``UnreadableSheet``."""
    rows, refused, without_code = _rows(tx, data, country)
    subjects = {subject for row in rows for subject in row.subjects}
    by_subject = {found.kept.subject: found for found in present_accounts(tx, partner, subjects, target)}
    findings: list[SheetFinding] = []
    seen: set[str] = set()
    for row in rows:
        accounts = [by_subject[subject] for subject in row.subjects if subject in by_subject]
        try:
            findings.append(_finding(row, accounts, seen))
        except Rejected as refusal:
            refused.append(_refused(row.line, row.columns, refusal))
    return ReadSheet(findings, sorted(refused, key=lambda one: one.line), without_code)


def _finding(row: SheetRow, accounts: list[ReportedAccount], seen: set[str]) -> SheetFinding:
    code = row.columns["code"].lower()
    if code not in set(QualificationCode):
        raise _UNKNOWN
    if len(accounts) != 1 or not accounts[0].listing:
        raise NOT_LISTED
    [account] = accounts
    if account.listing in seen:
        raise _TWICE
    if account.kept.code == code:
        raise _SAME
    for name, most in _LONGEST.items():
        if len(row.columns[name]) > most:
            raise Rejected(f"bad-{name}", f"{name}: it has more than {most} characters; shorten it")
    seen.add(account.listing)
    return SheetFinding(row.line, account, QualificationCode(code), row.columns["reference"], row.columns["note"])


def _rows(tx: Tx, data: bytes, country: str) -> tuple[list[SheetRow], list[RefusedRow], int]:
    """Return the rows with a code, those whose value cannot be read, and the number of those without a code."""
    given = list(_columns(data))
    named = listings.subjects(tx, {columns["listing"] for _, columns in given if columns["code"]})
    rows, refused, without_code = list[SheetRow](), list[RefusedRow](), 0
    for line, columns in given:
        if not columns["code"]:
            without_code += 1
            continue
        try:
            rows.append(SheetRow(line, columns, _subjects(columns, named, country)))
        except Rejected as refusal:
            refused.append(_refused(line, columns, refusal))
    return rows, refused, without_code


def _subjects(columns: Mapping[str, str], named: Mapping[str, str], country: str) -> frozenset[str]:
    """Return the subjects of a row: by its listing, else by its value. Raises ``Rejected``."""
    if columns["listing"]:
        subject = named.get(columns["listing"])
        return frozenset((subject,)) if subject is not None else frozenset()
    if not columns["value"]:
        raise _NO_SUBJECT
    details = {name: text for name, text in columns.items() if text and name not in _TEXTS}
    return frozenset(one.name for one in readings(columns["value"], columns["kind"] or None, details, country))


def _columns(data: bytes) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield the rows of a table with the numbers of their lines. Raises ``UnreadableSheet``."""
    try:
        text = data.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        names = [name.strip().lower() for name in next(reader, [])]
        if "code" not in names or not {"listing", "value"} & {*names}:
            raise UnreadableSheet
        for number, cells in enumerate(row for row in reader if any(row)):
            if number >= MOST_ROWS:
                raise UnreadableSheet
            columns = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
            yield reader.line_num, {**dict.fromkeys(_TEXTS, ""), **columns}
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableSheet from error


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)


def _refused(line: int, columns: Mapping[str, str], refusal: Rejected) -> RefusedRow:
    return RefusedRow(line, (columns["value"] or columns["listing"])[:100], refusal)
