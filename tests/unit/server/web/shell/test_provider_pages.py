"""The pages of a provider: pending questions, its findings, and nothing of another institution."""

import csv
import io
import re
from collections.abc import Sequence
from html import unescape

import pytest
from flask import Flask

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from schemas.vocabulary import QualificationCode
from server.features.findings.pages import ANSWERS
from server.release.contribute import contribute
from server.release.hub import Hub
from server.store import Store, audit, collections, partners
from server.store.item import Item
from server.store.operators.users import PartnerRole
from server.store.providers import kept_accounts
from tests.unit.server.web.shell.people import Visitor, token_of, visitor_of

PROVIDER, OTHER = "Keeping Bank", "Other Keeper"
NUMBERS = ("4567890123", "4567890124", "4567890125")


@pytest.fixture(autouse=True)
def _providers(store: Store) -> None:
    with store.begin() as tx:
        for name, institution in ((PROVIDER, "KASITHBK"), (OTHER, "GSBATHBK")):
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, institutions=(institution,)))
            collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    reported(store, NUMBERS)


@pytest.fixture
def writer(app: Flask) -> Visitor:
    return visitor_of(app, PartnerRole.WRITER, PROVIDER)


def reported(store: Store, numbers: Sequence[str], bank: str = "KBANK") -> None:
    given = {"reporter": "First Bank", "kind": "bank-account", "tlp": "amber", "bank": bank, "country": "TH"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [Item.of(obj) for number in numbers for obj in to_stix(reader.report({"value": number}))]
    with store.begin() as tx:
        contribute(Hub(store), tx, partners.get(tx, "First Bank"), items)


def listings_on(page: str) -> list[str]:
    """Return the listings that need a finding, in the order of their account numbers."""
    item = r"([0-9-]+)<strong>([0-9-]+)</strong>.*?name=\"code (indicator--[0-9a-f-]{36})\""
    return [found[2] for found in sorted(re.findall(item, page, re.DOTALL))]


def check(visitor: Visitor, **fields: object) -> tuple[int, str]:
    token = token_of(visitor.get("/partner/accounts").text)
    answer = visitor.client.post("/partner/accounts/check", data={"token": token, **fields})
    return answer.status_code, answer.text


def send(visitor: Visitor, page: str, **fields: object) -> tuple[int, str]:
    given = [unescape(text) for text in re.findall(r'name="answer" value="([^"]+)"', page)]
    data = {"token": token_of(page), "answer": given, **fields}
    answer = visitor.client.post("/partner/accounts/answer", data=data)
    return answer.status_code, answer.text


def codes(store: Store) -> dict[str, str | None]:
    with store.read() as tx:
        return {kept.subject[-10:]: kept.code for kept in kept_accounts.find(tx, PROVIDER, every=True)}


def test_login_starts_with_the_pending_accounts(app: Flask, writer: Visitor) -> None:
    assert writer.get("/login").headers["Location"] == "/partner/accounts"
    assert visitor_of(app, PartnerRole.READER, OTHER).get("/login").headers["Location"] == "/partner/"


def test_findings_are_previewed_with_their_effects(store: Store, writer: Visitor) -> None:
    page = writer.get("/partner/accounts").text
    first, second, third = listings_on(page)
    fields = {f"code {first}": "genuine", "id": [second], "code": "unknown"}
    status, preview = check(writer, **fields)
    assert status == 200
    assert "456-7-89<strong>012-3</strong>" in preview
    assert ANSWERS[QualificationCode.UNKNOWN].effect in preview
    assert third not in preview
    assert set(codes(store).values()) == {None}
    status, done = send(writer, preview, note="seen at the desk")
    assert status == 200
    assert done.count("It counts from now on") == 2
    assert codes(store) == {NUMBERS[0]: "genuine", NUMBERS[1]: "unknown", NUMBERS[2]: None}
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 20) if entry.event.method == "ANSWER"]
    assert [(event.remote, event.partner) for event in events] == [(writer.name, PROVIDER)] * 2
    assert listings_on(writer.get("/partner/accounts").text) == [third]
    assert listings_on(writer.get("/partner/accounts?list=answered").text) != []


def test_changed_preview_is_not_sent(store: Store, writer: Visitor) -> None:
    first, *_ = listings_on(writer.get("/partner/accounts").text)
    _, preview = check(writer, **{f"code {first}": "fraud"})
    assert send(writer, preview)[0] == 200
    assert send(writer, preview)[0] == 409
    assert codes(store)[NUMBERS[0]] == "fraud"


def test_foreign_and_absent_accounts_are_refused_alike(app: Flask, store: Store, writer: Visitor) -> None:
    reported(store, ["012345678901"], "GSB")
    [theirs] = listings_on(visitor_of(app, PartnerRole.WRITER, OTHER).get("/partner/accounts").text)
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    refused = [check(writer, **{f"code {id_}": "genuine"}) for id_ in (theirs, absent, "indicator--x", "' OR 1=1")]
    assert {status for status, _ in refused} == {404}
    assert len({re.sub(r'value="[^"]*"', "", page) for _, page in refused}) == 1
    mine = listings_on(writer.get("/partner/accounts").text)[0]
    assert check(writer, **{f"code {mine}": "genuine", f"code {theirs}": "genuine"})[0] == 404
    assert "012345678901" not in writer.get("/partner/accounts").text


def test_empty_and_too_large_selections_are_refused(writer: Visitor) -> None:
    mine = listings_on(writer.get("/partner/accounts").text)[0]
    assert check(writer)[0] == 422
    assert check(writer, id=[mine])[0] == 422
    assert check(writer, **{f"code {mine}": "no-such-code"})[0] == 422
    many = {f"code indicator--{number:036d}": "genuine" for number in range(101)}
    assert check(writer, **many)[0] == 422


def test_reader_sees_pending_accounts_and_cannot_report_findings(app: Flask) -> None:
    reader = visitor_of(app, PartnerRole.READER, PROVIDER)
    page = reader.get("/partner/accounts").text
    assert "456-7-89<strong>012-3</strong>" in page
    assert listings_on(page) == []
    assert reader.client.post("/partner/accounts/check", data={"token": token_of(page)}).status_code == 403
    assert reader.client.post("/partner/accounts/answer", data={"token": token_of(page)}).status_code == 403


def search(visitor: Visitor, **fields: str) -> str:
    answer = visitor.client.post("/partner/accounts", data=fields)
    assert answer.status_code == 200
    return answer.text


def numbers_on(page: str) -> list[str]:
    found = re.findall(r'class="digits">([0-9-]+)<strong>([0-9-]+)</strong>', page)
    return ["".join(written).replace("-", "") for written in found]


def test_accounts_are_found_by_value_end_reference_and_state(store: Store, writer: Visitor) -> None:
    first, *_ = listings_on(writer.get("/partner/accounts").text)
    assert numbers_on(search(writer, value="456-7-89012-4 KBANK")) == [NUMBERS[1]]
    assert numbers_on(search(writer, value="0125")) == [NUMBERS[2]]
    # Also where the digits could be a short code.
    assert numbers_on(search(writer, value="9012 4")) == [NUMBERS[1]]
    reported(store, ["9876543290"])
    assert numbers_on(search(writer, value="3290")) == ["9876543290"]
    assert numbers_on(search(writer, value=NUMBERS[0])) == [NUMBERS[0]]
    assert numbers_on(search(writer, value="TH:GSBATHBK:4567890123")) == []
    assert len(numbers_on(search(writer, bank="KASITHBK"))) == 4
    assert numbers_on(search(writer, age="4")) == numbers_on(search(writer, overdue="1")) == []
    status, preview = check(writer, **{f"code {first}": "genuine"})
    assert status == 200
    assert send(writer, preview, reference="OUR-1")[0] == 200
    assert numbers_on(search(writer, list="answered", reference="our-1")) == [NUMBERS[0]]
    assert numbers_on(search(writer, list="answered", reference="our-2")) == []
    assert numbers_on(search(writer, list="answered", overdue="1")) == []
    too_short = writer.client.post("/partner/accounts", data={"value": "12"})
    assert too_short.status_code == 422
    assert 'value="12"' in too_short.text


def test_next_page_goes_on_behind_the_last_account(writer: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.features.findings.pages.PAGE", 2)
    first = writer.get("/partner/accounts").text
    [place] = re.findall(r'name="after" value="([^"]+)"', first)
    rest = search(writer, after=place)
    assert sorted(numbers_on(first) + numbers_on(rest)) == list(NUMBERS)
    assert numbers_on(search(writer, after=f"1~{10**19 - 1}")) == numbers_on(first)


def test_file_has_the_found_accounts_without_formulas(writer: Visitor) -> None:
    first, *_ = listings_on(writer.get("/partner/accounts").text)
    _, preview = check(writer, **{f"code {first}": "genuine"})
    send(writer, preview, reference="=cmd()")
    sent = writer.client.post("/partner/accounts.csv", data={"list": "answered"})
    [row] = csv.DictReader(io.StringIO(sent.get_data(as_text=True).removeprefix("\ufeff")))
    assert (row["listing"], row["code"], row["value"]) == (first, "genuine", f"TH:KASITHBK:{NUMBERS[0]}")
    assert row["reference"] == " =cmd()"


def test_page_of_an_account_is_the_providers_alone(app: Flask, store: Store, writer: Visitor) -> None:
    mine, *_ = listings_on(writer.get("/partner/accounts").text)
    page = writer.get(f"/partner/accounts/{mine}").text
    assert "not reported, or withheld by the contributors’ limits" in page
    assert f'name="code {mine}"' in page
    stranger = visitor_of(app, PartnerRole.WRITER, OTHER)
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    refused = [stranger.get(f"/partner/accounts/{id_}") for id_ in (mine, absent, "x")]
    assert {answer.status_code for answer in refused} == {404}
    assert len({re.sub(r'href="[^"]*lang=[^"]*"', "", answer.text) for answer in refused}) == 1
    reader = visitor_of(app, PartnerRole.READER, PROVIDER)
    assert "<form" not in reader.get(f"/partner/accounts/{mine}").text.partition("<main")[2].partition("</main")[0]


def test_reporter_is_asked_and_its_answer_is_read_on_the_pages(app: Flask, store: Store, writer: Visitor) -> None:
    mine, *_ = listings_on(writer.get("/partner/accounts").text)
    path = f"/partner/accounts/{mine}"
    given = {"kind": "evidence", "text": "see bank.example.com", "days": "7"}
    refused = writer.send(f"{path}/ask", path, **given)
    assert refused.status_code == 422
    assert "see bank.example.com</textarea>" in refused.text
    assert writer.send(f"{path}/ask", path, **{**given, "kind": "name"}).status_code == 422
    assert writer.send(f"{path}/ask", path, **{**given, "text": "A picture?"}).status_code == 303
    with store.begin() as tx:
        collections.grant(tx, "First Bank", collections.get(tx, "inbox"), write=True)
    reporter = visitor_of(app, PartnerRole.WRITER, "First Bank")
    assert "/partner/questions" in reporter.get("/partner/").text
    [question] = re.findall(r'href="(/partner/questions/[a-z]{20})"', reporter.get("/partner/questions").text)
    [of] = re.findall(r'name="of" value="([^"]+)"', reporter.get(question).text)
    answered = reporter.send(f"{question}/answer", question, of=of, text="Two pictures of the transfer.")
    assert answered.status_code == 200
    assert "Two pictures" in reporter.get("/partner/questions?list=answered").text
    page = writer.get(path).text
    assert "Two pictures of the transfer." in page
    assert "First Bank" not in page
    stranger = visitor_of(app, PartnerRole.WRITER, OTHER)
    assert stranger.get(question).status_code == 404
    assert stranger.send(f"{path}/ask", "/partner/accounts", **given).status_code == 404


def send_sheet(visitor: Visitor, text: str) -> tuple[int, str]:
    token = token_of(visitor.get("/partner/accounts").text)
    data = {"token": token, "file": (io.BytesIO(text.encode()), "findings.csv")}
    answer = visitor.client.post("/partner/accounts/file", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.text


def test_findings_of_a_file_are_previewed_and_sent(store: Store, writer: Visitor) -> None:
    reported(store, ["012345678901"], "GSB")
    first, _, third = listings_on(writer.get("/partner/accounts").text)
    sheet = (
        "listing,value,kind,code,reference\n"
        f"{first},,,genuine,OUR-1\n"
        f",KBANK {NUMBERS[1]},bank-account,FRAUD,\n"
        f"{third},,,,\n"
        f"{first},,,fraud,\n"
        f"{third},,,no-such-code,\n"
        ",TH:GSBATHBK:012345678901,bank-account,genuine,\n"
        ",TH:KASITHBK:9999999999,bank-account,genuine,\n"
        "indicator--00000000-0000-4000-8000-000000000000,,,genuine,\n"
    )
    status, preview = send_sheet(writer, sheet)
    assert status == 200
    assert "Rows with a finding: 2. Refused rows: 5. Rows without a code, left out: 1." in preview
    refused = dict(re.findall(r'class="number">([0-9]+)</td>.*?"Reason">([^<]+)</td></tr>', preview))
    assert refused.keys() == {"5", "6", "7", "8", "9"}
    # Another bank's account, an unreported one and an unknown listing are refused alike.
    assert len({refused[line] for line in ("7", "8", "9")}) == 1
    assert set(codes(store).values()) == {None}
    status, done = send(writer, preview)
    assert (status, done.count("It counts from now on")) == (200, 2)
    assert codes(store) == {NUMBERS[0]: "genuine", NUMBERS[1]: "fraud", NUMBERS[2]: None}
    with store.read() as tx:
        events = [entry.event for entry in audit.tail(tx, 20) if entry.event.method == "ANSWER"]
        kept = {one.subject[-10:]: one.reference for one in kept_accounts.find(tx, PROVIDER, every=True)}
    assert len(events) == 2
    assert kept[NUMBERS[0]] == "OUR-1"
    assert "has this finding already" in send_sheet(writer, f"listing,code\n{first},genuine\n")[1]


def test_row_about_an_account_that_changed_is_refused_alone(store: Store, writer: Visitor) -> None:
    first, second, _ = listings_on(writer.get("/partner/accounts").text)
    _, preview = send_sheet(writer, f"listing,code\n{first},genuine\n{second},genuine\n")
    _, other = check(writer, **{f"code {first}": "fraud"})
    assert send(writer, other)[0] == 200
    status, done = send(writer, preview)
    assert (status, done.count("It counts from now on")) == (200, 1)
    assert "new finding or a new report since the preview" in done
    assert codes(store)[NUMBERS[0]] == "fraud"
    assert codes(store)[NUMBERS[1]] == "genuine"


@pytest.mark.parametrize(
    "text", ["", "value\nx\n", "code\ngenuine\n", "listing,code\n" + "a,genuine\n" * 301, "\x00", "x" * 300_000]
)
def test_file_that_is_no_table_of_findings_is_refused(writer: Visitor, text: str) -> None:
    status, page = send_sheet(writer, text)
    assert status == 422
    assert 'name="file"' in page


def test_listed_file_can_be_filled_in_and_sent_back(store: Store, writer: Visitor) -> None:
    sent = writer.client.post("/partner/accounts.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(sent.removeprefix("\ufeff"))))
    rows[0]["code"] = "unknown"
    filled = io.StringIO()
    table = csv.DictWriter(filled, [*rows[0]], delimiter=";")
    table.writeheader()
    table.writerows(rows)
    status, preview = send_sheet(writer, "\ufeff" + filled.getvalue())
    assert status == 200
    assert send(writer, preview)[0] == 200
    assert sorted(code or "" for code in codes(store).values()) == ["", "", "unknown"]


def test_form_that_was_changed_is_refused(writer: Visitor) -> None:
    first, *_ = listings_on(writer.get("/partner/accounts").text)
    _, preview = check(writer, **{f"code {first}": "fraud"})
    [row] = [unescape(text) for text in re.findall(r'name="answer" value="([^"]+)"', preview)]
    for given in ([row, row], ["{"], ["[]"], [row.replace("fraud", "none")], [row] * 301, []):
        data = {"token": token_of(preview), "answer": given}
        assert writer.client.post("/partner/accounts/answer", data=data).status_code == 422
