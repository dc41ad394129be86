"""Files and posts where a value could be mistaken for another person's: read correctly, or refused with a reason.

Each case goes through ``scamfeed map`` and ``scamfeed contribute``. Cases with one value go through the inbox, too.
"""

import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result as Ended

from feeds.formats.excel import build_workbook
from schemas.vocabulary import Tlp
from server.app import close, create_app
from server.cli.context import show_json
from server.release.results import Result
from server.settings import Settings
from server.web.taxii.application import TaxiiApplication, call_wsgi
from tests.integration.command import Run, answer
from tests.integration.taxii_hub import TAXII, indicator
from tests.integration.wrong_person.files import Case, read_cases

VICTIM, SCAMMER = "0812345678", "0898765432"
SCAMMERS = "+66898765432"
# Invented Thai national identity numbers with a valid check digit; one is also a valid card number.
THAI_ID, THAI_ID_LIKE_A_CARD = "1234545678781", "4000000000071"
CARD = "4111111111111111"


HEADERS = {
    "roles over names": Case(f"ผู้เสียหาย,,คนร้าย\nชื่อ,โทรศัพท์,โทรศัพท์\nA,{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "roles repeated": Case(f"ผู้เสียหาย,ผู้เสียหาย,คนร้าย\nชื่อ,โทรศัพท์,โทรศัพท์\nA,{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "one role over one column": Case(f"ผู้เสียหาย\nโทรศัพท์\n{VICTIM}\n0812345679\n0812345670\n"),
    "the same in a list": Case(f"ผู้เสียหาย\nโทรศัพท์\n{VICTIM}\n", (), ("--country", "TH", "--kind", "phone"), "a.txt"),
    "a heading over a list": Case(f"ผู้เสียหาย\n{VICTIM}\n", (), ("--country", "TH", "--kind", "phone"), "a.txt"),
    "names over roles": Case(f"โทรศัพท์,โทรศัพท์\nผู้เสียหาย,คนร้าย\n{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "a merged name over roles": Case(f"โทรศัพท์,,ธนาคาร\nผู้เสียหาย,คนร้าย,\n{VICTIM},{SCAMMER},X\n", (SCAMMERS,)),
    "three rows": Case(
        "ข้อมูลผู้เสียหาย,,,ข้อมูลคนร้าย,,\nบุคคล,ติดต่อ,,บุคคล,ติดต่อ,\nชื่อ,โทรศัพท์,อีเมล,ชื่อ,โทรศัพท์,x\n"
        f"A,{VICTIM},a@example.com,B,{SCAMMER},-\n",
        (SCAMMERS,),
    ),
    "a bank's own number": Case(f"ธนาคาร,,คนร้าย\nชื่อ,โทรศัพท์,โทรศัพท์\nA,{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "English roles": Case(f"Victim,,Suspect\nPhone,Email,Phone\n{VICTIM},a@example.com,{SCAMMER}\n", (SCAMMERS,)),
    "an officer": Case(
        f"Complainant,,Officer,,Suspect\nName,Phone,Name,Phone,Phone\nA,{VICTIM},B,0811111111,{SCAMMER}\n", (SCAMMERS,)
    ),
    "unknown roles": Case(f"ผู้ยื่น,,ผู้โดนยื่น,\nชื่อ,โทรศัพท์,ชื่อ,โทรศัพท์\nA,{VICTIM},B,{SCAMMER}\n"),
    "accounts of both": Case(
        "ผู้เสียหาย,,,คนร้าย,,\nชื่อ,ธนาคาร,เลขบัญชี,ชื่อ,ธนาคาร,เลขบัญชี\nA,KBANK,1234567890,B,SCB,1234567891\n",
        ("TH:SICOTHBK:1234567891",),
    ),
    "a victim beside a mule account": Case(
        f"ผู้เสียหาย,บัญชีม้า,\nโทรศัพท์,เลขบัญชี,ธนาคาร\n{VICTIM},1234567890,KBANK\n", ("TH:KASITHBK:1234567890",)
    ),
    "Vietnamese roles": Case(f"Nạn nhân,Đối tượng\nphone,phone\n{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "Chinese roles": Case(f"受害人,嫌疑人\nphone,phone\n{VICTIM},{SCAMMER}\n", (SCAMMERS,)),
    "a section of victims with a number and a note": Case(
        f"โทรศัพท์,วันที่\n{SCAMMER},2026-01-01\n3. Victims (do not share),\n{VICTIM},2026-01-02\n", (SCAMMERS,)
    ),
    "numbers of a scammer and of a customer": Case(
        f"#,Scammer number(s),Customer mobile\n1,{SCAMMER},{VICTIM}\n", (SCAMMERS,)
    ),
    "a title of victims": Case(f"รายชื่อผู้เสียหาย,,\nเบอร์โทร,ธนาคาร,วันที่\n{VICTIM},KBANK,2026-01-01\n"),
    "a title with reports of victims": Case(
        f"เบอร์ที่ผู้เสียหายแจ้ง,,\nเบอร์โทร,ธนาคาร,วันที่\n{SCAMMER},KBANK,2026-01-01\n", (SCAMMERS,)
    ),
    "a title without a person": Case(
        f"รายงานประจำเดือน,,\nเบอร์โทร,ธนาคาร,วันที่\n{SCAMMER},KBANK,2026-01-01\n", (SCAMMERS,)
    ),
    "a title over rows without header": Case("ผู้เสียหาย,\n+66812345678,KBANK\n+66812345679,KBANK\n"),
    "a role in each row": Case(f"บทบาท,เบอร์โทร\nผู้เสียหาย,{VICTIM}\nคนร้าย,{SCAMMER}\n", (SCAMMERS,)),
    "a role in an unknown column": Case(f"เบอร์โทร,x\n{VICTIM},ผู้เสียหาย\n{SCAMMER},คนร้าย\n", (SCAMMERS,)),
    "a role as type": Case(f"type,phone\nvictim,{VICTIM}\n"),
    "a victim who reported": Case(f"เบอร์โทร,reported_by\n{SCAMMER},victim\n", (SCAMMERS,)),
    "sections": Case(f"เบอร์โทร,ธนาคาร\n{SCAMMER},X\nผู้เสียหาย,\n{VICTIM},X\n", (SCAMMERS,)),
    "semicolons": Case(f"ผู้เสียหาย;คนร้าย\nโทรศัพท์;โทรศัพท์\n{VICTIM};{SCAMMER}\n", (SCAMMERS,)),
    "role in JSON": Case(
        f'[{{"role": "victim", "phone": "{VICTIM}"}}, {{"role": "suspect", "phone": "{SCAMMER}"}}]',
        (SCAMMERS,),
        name="a.json",
    ),
    "nested in JSON": Case(
        f'[{{"victim": {{"phone": "{VICTIM}"}}, "phone": "{SCAMMER}"}}]', (SCAMMERS,), name="a.json"
    ),
}
NUMBERS = {
    text: Case(f'account_number,bank,country\n"{text}",KBANK,TH\n')
    for text in (
        "0.123456789",
        "123456789.0",
        ".123456789",
        "1.23456789E+09",
        "1,234567890",
        "-123456789",
        "0,123456789",
    )
} | {
    "a date at a bank abroad": Case("account_number,bic\n2026-01-15,DBSSSGSG\n", (), ()),
    "a decimal in JSON": Case('[{"account_number": 0.123456789, "bank": "KBANK", "country": "TH"}]', (), (), "a.json"),
    "a float in JSON": Case('[{"account_number": 1234567890.0, "bank": "KBANK", "country": "TH"}]', (), (), "a.json"),
    "a decimal phone": Case("phone\n0.812345678\n"),
    "a negative phone": Case("phone\n-0812345678\n"),
    "a decimal alias": Case("value,kind,system\n0.812345678,payment-alias,promptpay\n"),
    "a decimal beside its bank": Case("value,kind\nKBANK 0.123456789,bank-account\n"),
}
CODES = {
    f"{code} alone": Case(f"account_number,bank\n1234567890,{code}\n", (), ())
    for code in ("004", "4", "002", "014", "SCB", "tcb")
} | {
    "with the country": Case("account_number,bank,country\n1234567890,004,TH\n", ("TH:KASITHBK:1234567890",), ()),
    "with the option": Case("account_number,bank\n1234567890,004\n", ("TH:KASITHBK:1234567890",)),
    "of another country": Case("account_number,bank,country\n123456789001,004,HK\n", ("HK:HSBCHKHH:123456789001",), ()),
    "as Thai numbers are written": Case("account_number,bank\n123-4-56789-0,004\n", ("TH:KASITHBK:1234567890",), ()),
    "before the number": Case("value,kind\n004 1234567890,bank-account\n", (), ()),
}
URLS = (
    f"https://{CARD}.example.com/",
    "https://4111-1111-1111-1111.example.com/a",
    *(
        f"https://shop.example.com/{rest}"
        for rest in (
            *(f"?card={CARD}", f"pay/{CARD}", f"{CARD}/x", "?c=4111-1111-1111-1111", "?c=4111+1111+1111+1111"),
            *(
                "?c=4111%201111%201111%201111",
                "?c=4111.1111.1111.1111",
                "4111/1111/1111/1111",
                "?c=4111_1111_1111_1111",
            ),
            *("?c=%34%31%31%31111111111111", "?c=%2534111111111111111", "?a=4111&b=1111&c=1111&d=1111", f"x{CARD}y"),
            *(
                "?c=3782-822463-10005",
                "?pan=5555555555554444",
                "?c=６０１１１１１１１１１１１１１７",
                "?id=4000-0000-0000-0002-x",
            ),
            f"#{CARD}",
        )
    ),
)
TEXTS = {
    "a Thai id in a text": f'value,kind,description\nshop.example.com,domain,"บัตรประชาชน {THAI_ID}"\n',
    "with its dashes": "value,kind,description\nshop.example.com,domain,1-2345-45678-78-1\n",
    "a Singaporean id": "value,kind,description\nshop.example.com,domain,the victim has NRIC S1234567D\n",
    "a card": f"value,kind,description\nshop.example.com,domain,card {CARD}\n",
    "a victim's number": f"value,kind,description\nshop.example.com,domain,call the victim at {VICTIM}\n",
    "a Thai id as an account": f"account_number,bank,country\n{THAI_ID},GSB,TH\n",
}
REFUSED_TEXTS = {name: Case(text, (), ()) for name, text in TEXTS.items()}
PROSE = {
    "a unit below a closing": Case(
        f"Scammers called from {SCAMMER}.\n\nCheers,\nA Example\nFraud Operations | Example Bank\np {VICTIM}\n",
        (SCAMMERS,),
        ("--country", "TH", "--format", "prose"),
    ),
    "a witness below a scammer": Case(
        f"Scammer's phone: {SCAMMER}\nWitness: A Example, {VICTIM}\n",
        (SCAMMERS,),
        ("--country", "TH", "--format", "prose"),
    ),
    "a handle with a dash": Case("LINE: @kbank-live159\n", ("line:@kbank-live159",), ("--format", "prose")),
    "a handle in a sentence": Case(
        "แอดไลน์ LINE @kbank-live159 ได้เลย\n", ("line:@kbank-live159",), ("--format", "prose")
    ),
    "a handle with a number": Case("Telegram: @kbank#1234\n", (), ("--format", "prose")),
    "a handle at a host": Case("Facebook: @kbank@social.example\n", (), ("--format", "prose")),
    "a mailbox with an apostrophe": Case("write to o'brien@example.com\n", (), ("--format", "prose")),
    "a name in two scripts": Case("see раypal.com now\n", (), ("--format", "prose")),
    "a number that goes on": Case("call +66812345678abc\n", (), ("--format", "prose")),
}
ALIASES = {
    "an id that is like a card": Case(
        f"value,kind,system\n{THAI_ID_LIKE_A_CARD},payment-alias,promptpay\n", (f"promptpay:{THAI_ID_LIKE_A_CARD}",), ()
    ),
    "another id": Case(f"value,kind,system\n{THAI_ID},payment-alias,promptpay\n", (f"promptpay:{THAI_ID}",), ()),
    "a card": Case(f"value,kind,system\n{CARD},payment-alias,promptpay\n", (), ()),
    "a wrong check digit": Case("value,kind,system\n4000000000072,payment-alias,promptpay\n", (), ()),
}
CASES = {
    f"{group}: {name}": case
    for group, cases in {
        **{
            "headers": HEADERS,
            "numbers": NUMBERS,
            "codes": CODES,
            "texts": REFUSED_TEXTS,
            "prose": PROSE,
            "aliases": ALIASES,
        },
        "urls": {url: Case(f"value,kind\n{url},url\n", (), ()) for url in URLS},
    }.items()
    for name, case in cases.items()
} | read_cases()
# Files of one set of options are contributed together.
OPTIONS = sorted({case.options for case in CASES.values()})


def values(objects: bytes) -> list[str]:
    """Return the values of the indicators in JSON lines, taken from their names."""
    found = [orjson.loads(line) for line in objects.splitlines() if line]
    return sorted(obj["name"].rpartition(": ")[2] for obj in found if obj["type"] == "indicator")


@pytest.mark.parametrize("name", CASES)
def test_file_is_mapped_to_the_scammers_values_only(run: Run, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    case.write(tmp_path)
    counts = told(run("map", case.name, *case.options, "--output", "out.jsonl", "--rejects", "rejects.jsonl", "--json"))
    objects = (tmp_path / "out.jsonl").read_bytes()
    found = values(objects)
    assert [value for value in found if value not in case.may] == sorted(case.values)
    assert counts["mapped"] == len(found)
    indicators = [line for line in objects.splitlines() if b'"indicator--' in line]
    assert not [one for one in case.never if any(bare(one) in bare(line.decode()) for line in indicators)]
    rejects = [orjson.loads(line) for line in (tmp_path / "rejects.jsonl").read_bytes().splitlines()]
    assert all(reject["reason"] and reject["message"] for reject in rejects)
    assert {*case.reasons} <= {reject["reason"] for reject in rejects}
    # No row is dropped silently: an unmapped value is refused, or its column or cell is named.
    unread = counts["unread"]
    assert rejects or unread["columns"] or unread["cells"] or not (case.never or counts["read"] > len(case.values))


def told(result: Ended) -> dict[str, Any]:
    """Return the counts of a run; a run without any value says so, and ends with 2."""
    counts: dict[str, Any] = orjson.loads(result.stdout)
    assert result.exit_code == (0 if counts["read"] else 2), result.output
    assert counts["read"] or "nothing in this document" in result.stderr
    return counts


def bare(text: str) -> str:
    """Return the letters and digits of a text, without zeros in front."""
    return "".join(filter(str.isalnum, text.casefold())).lstrip("0")


@pytest.mark.long_but("none")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options[-1] if options else "none")
def test_contributing_gives_the_same_values(run_with_store: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    run = run_with_store
    answer(run("partner", "add", "Bank", "--kind", "bank", "--country", "TH", "--json"))
    cases = [case for case in CASES.values() if case.options == options]
    files = [str(case.write(tmp_path / str(number))) for number, case in enumerate(cases)]
    mapped = orjson.loads(run("map", *files, *options, "--output", "out.jsonl", "--json").stdout)
    counts = orjson.loads(run("contribute", *files, "--partner", "Bank", *options, "--json").stdout)
    expected = {value for case in cases for value in (*case.values, *case.may)}
    assert {*values((tmp_path / "out.jsonl").read_bytes())} <= expected
    assert counts["mapped"] == mapped["mapped"]
    assert counts["mapped"] + counts["duplicates"] >= sum(len(case.values) for case in cases)


def test_workbook_with_merged_cells_is_read_like_a_table(run: Run, tmp_path: Path) -> None:
    rows = [["ผู้เสียหาย", None, "คนร้าย", None], ["ชื่อ", "โทรศัพท์", "ชื่อ", "โทรศัพท์"], ["A", VICTIM, "B", SCAMMER]]
    (tmp_path / "a.xlsx").write_bytes(build_workbook({"Sheet1": rows}))
    answer(run("map", "a.xlsx", "--country", "TH", "--output", "out.jsonl", "--json"))
    assert values((tmp_path / "out.jsonl").read_bytes()) == [SCAMMERS]


def test_a_number_cell_with_a_decimal_part_is_no_account(run: Run, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["account_number", "bank", "country"],
        [0.123456789, "KBANK", "TH"],
        [1234567890.5, "KBANK", "TH"],
    ]
    (tmp_path / "a.xlsx").write_bytes(build_workbook({"Sheet1": rows}))
    counts = answer(run("map", "a.xlsx", "--output", "out.jsonl", "--json"))
    assert counts["mapped"] == 0
    assert counts["rejected"] == {"digits-lost": 2}


PATTERNS = [
    *(f"[url:value = '{url}']" for url in URLS),
    f"[domain-name:value = '{CARD}.example.com']",
    f"[email-addr:value = '{CARD}@example.com']",
    "[bank-account:account_number = '0.123456789' AND bank-account:bic = 'KASITHBK']",
    f"[bank-account:account_number = '{THAI_ID}' AND bank-account:bic = 'GSBATHBK']",
]


def test_the_inbox_refuses_the_same_values(run_with_store: Run, tmp_path: Path) -> None:
    added = answer(run_with_store("partner", "add", "Bank", "--kind", "bank", "--country", "TH", "--json"))
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'scamfeed.db'}"))
    application = app.wsgi_app
    assert isinstance(application, TaxiiApplication)
    patterns = [*PATTERNS, "[domain-name:value = 'harmless-control.example.com']"]
    body = orjson.dumps(
        {"objects": [indicator(pattern=pattern, created_by_ref=added["identity"]) for pattern in patterns]}
    )
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/feed/collections/inbox/objects/", "QUERY_STRING": "",
        "HTTP_AUTHORIZATION": f"Bearer {added['token']}", "HTTP_ACCEPT": TAXII, "HTTP_HOST": "hub.example",
        "SERVER_NAME": "hub.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": TAXII, "CONTENT_LENGTH": str(len(body)), "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True, "wsgi.errors": io.StringIO(),
    }  # fmt: skip
    _, _, said = call_wsgi(application, environ)
    status = orjson.loads(said)
    close(app)
    assert status["failure_count"] == len(PATTERNS), status["failures"][-3:]


def test_a_refusal_of_personal_data_is_named_in_json(run_with_store: Run, tmp_path: Path) -> None:
    answer(run_with_store("partner", "add", "Bank", "--kind", "bank", "--country", "TH", "--json"))
    (tmp_path / "a.csv").write_text(f"value,kind,description\nshop.example.com,domain,the victim is at {VICTIM}\n")
    counts = answer(run_with_store("contribute", "a.csv", "--partner", "Bank", "--rejects", "rejects.jsonl", "--json"))
    assert counts["rejected"] == counts["results"]["refused"] == {"personal-data": 1}
    (reject,) = map(orjson.loads, (tmp_path / "rejects.jsonl").read_bytes().splitlines())
    assert (reject["reason"], reject["result"]) == ("personal-data", "refused")


def test_a_refusal_by_the_hub_itself_is_named_in_json(
    run_with_store: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A value accepted by the mapping rules and refused by the hub's guard.
    monkeypatch.setattr("feeds.mapping.rows.may_contain_personal_data", lambda _: False)
    test_a_refusal_of_personal_data_is_named_in_json(run_with_store, tmp_path)


@pytest.mark.parametrize("keys", [{Result.REFUSED: 1}, {Tlp.AMBER: {Result.HELD: 2}}, {1: "one"}])
def test_vocabulary_words_can_be_keys_in_json_output(capsys: pytest.CaptureFixture[str], keys: dict[Any, Any]) -> None:
    show_json({"counts": keys})
    assert orjson.loads(capsys.readouterr().out)["counts"].keys() == {str(key) for key in keys}
