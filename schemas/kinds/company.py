"""Companies: by their number in the register that lists them, never by name alone."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import ClassVar

from schemas.errors import Rejected
from schemas.kind import NO_DETAILS, Kind, Normal, ValueExample
from schemas.reference import company_registers
from schemas.reference.numbers import plain, refuse_spreadsheet_number

_LONGEST = 300
_OWN = re.compile(r"(LEI|[A-Z]{2}(?:-[A-Z0-9]{1,3})?):\s*(\S.*)", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:(?:company|registration|registered|reg|business|corporate)\.?\s*)*(?:number|no|nr|id|code)\b\.?\s*:?\s*"
    r"|(?:lei|cin|uen|acn|abn|brn|cnpj|siren|siret|kvk|ico|ičo|krs|cvr|ogrn|rc)\b\.?\s*:?\s*"
    r"|(?:เลขทะเบียนนิติบุคคล|ทะเบียนเลขที่|เลขที่)\s*:?\s*",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(\S.{1,199}?)\s*[(\[]([^()\[\]]{2,80})[)\]]")


class Company(Kind):
    """A registered company, real or invented for a scam.

    The normal form is the register and the number in it: ``GB:00000006``, ``US-DE:1234567``, or ``LEI:`` and the legal
    entity identifier. The name is a detail and distinguishes nothing: honest companies have namesakes, and scammers
    clone names on purpose.
    """

    name: ClassVar[str] = "company"
    title: ClassVar[Mapping[str, str]] = {"en": "Company", "th": "บริษัท"}
    time_to_live: ClassVar[timedelta] = timedelta(days=365)
    columns: ClassVar[Mapping[str, str]] = {
        "company_number": "number in the register of companies, or LEI",
        "company_name": "registered name",
        "country": "ISO 3166-1 alpha-2 country of the register, with the state where states have registers (US-DE)",
    }

    def normalise(self, raw: str, given: Mapping[str, str] = NO_DETAILS) -> Normal:
        """Return register and number, with the company's name as a detail if the report gives it."""
        text = plain(raw)
        if len(text) > _LONGEST:
            raise Rejected("company-form", "far longer than a company's name and number; give these alone")
        name = given.get("company_name", "")
        if written := plain(given.get("company_number", "")):
            name = name or (text if text != written else "")
        elif named := _NAMED.fullmatch(text):
            name, written = name or named[1], named[2]
        else:
            written = text
        refuse_spreadsheet_number(written)
        place = given.get("country", "")
        if own := _OWN.fullmatch(written):
            place, written = own[1], own[2]
        else:
            written = _LABEL.sub("", written, count=1) if _LABEL.match(written) else written
        if not any(char.isdigit() for char in written):
            raise Rejected(
                "company-number-missing",
                "a name alone is another company's too, by chance or on purpose: give the number that it is registered "
                "under, and the country",
            )
        place = company_registers.place_of(written) or place
        if not place:
            raise Rejected("country-missing", "several registers have such numbers: give the country of the register")
        place = place.upper() if place.upper() == company_registers.LEI else company_registers.checked_place(place)
        number = company_registers.checked_number(place, written)
        name = " ".join(name.split())[:200]
        return Normal(f"{place}:{number}", {"company_name": name} if name else NO_DETAILS)

    def recognises(self, raw: str) -> bool:
        """Return True if ``raw`` is a number whose form belongs to one register, such as an LEI."""
        # Twenty letters and a dot may be a domain, and pass for an LEI by chance.
        return (
            len(raw) <= 40 and "." not in raw and company_registers.place_of(raw.removeprefix("LEI:")) not in ("", "CH")
        )

    def examples(self) -> Iterable[ValueExample]:
        """Return published example numbers of registers, in several spellings, and refused values."""
        yield from _examples_of_register()
        yield from _examples_of_name()
        yield from _examples_of_refusal()


def _examples_of_register() -> Iterable[ValueExample]:
    """Yield numbers of registers."""
    for country, raw, number in (
        ("GB", "00000006", "00000006"),
        ("GB", "6", "00000006"),
        ("UK", "sc 123456", "SC123456"),
        ("TH", "0-99-4-000-61772-1", "0994000617721"),
        ("TH", "เลขที่ ๐๙๙๔๐๐๐๖๑๗๗๒๑", "0994000617721"),
        ("SG", "uen 197401143c", "197401143C"),
        ("MY", "201901000005", "201901000005"),
        ("MY", "1234567-X", "1234567X"),
        ("AU", "ACN 004 085 616", "004085616"),
        ("AU", "83 914 571 673", "83914571673"),
        ("BR", "16.727.230/0001-97", "16727230000197"),
        ("EE", "12345678", "12345678"),
        ("FR", "552 008 443", "552008443"),
        ("FR", "73282932000074", "732829320"),
        ("DE", "Amtsgericht Aachen HRA 11223", "Aachen HRA 11223"),
        ("CH", "CHE-100.155.212", "CHE100155212"),
        ("IN", "U12345MH2020PTC123456", "U12345MH2020PTC123456"),
        ("JP", "5-8356-7825-6246", "5835678256246"),
        ("KR", "116-82-00276", "1168200276"),
        ("NO", "988 077 917", "988077917"),
        ("US-DE", "1234567", "1234567"),
        ("VG", "1 234 567", "1234567"),
    ):
        place = {"UK": "GB"}.get(country, country)
        yield ValueExample(raw, f"{place}:{number}", given={"country": country})
        yield ValueExample(f"{place}:{number}", f"{place}:{number}")
    yield ValueExample("LEI: 213800KUD8LAJWSQ9D15", "LEI:213800KUD8LAJWSQ9D15")
    yield ValueExample("213800kud8lajwsq9d15", "LEI:213800KUD8LAJWSQ9D15", given={"country": "GB"})


def _examples_of_name() -> Iterable[ValueExample]:
    """Yield numbers with the company's name beside them."""
    details = {"company_name": "EXAMPLE LTD"}
    yield ValueExample("EXAMPLE  LTD (00000006)", "GB:00000006", given={"country": "GB"}, details=details)
    yield ValueExample("EXAMPLE LTD", "GB:00000006", given={"country": "GB", "company_number": "6"}, details=details)
    yield ValueExample("GB:00000006", "GB:00000006", given=details, details=details)
    yield ValueExample(
        "", "GB:00000006", given={"company_number": "Company No. 00000006", "country": "GB", **details}, details=details
    )


def _examples_of_refusal() -> Iterable[ValueExample]:
    """Yield refused values."""
    yield ValueExample("EXAMPLE LTD", reason="company-number-missing", given={"country": "GB"})
    yield ValueExample("", reason="company-number-missing")
    yield ValueExample("00000006", reason="country-missing")
    yield ValueExample("00000006", reason="country-form", given={"country": "Britain"})
    yield ValueExample("1234567", reason="register-missing", given={"country": "US"})
    yield ValueExample("123456789", reason="company-form", given={"country": "GB"})
    yield ValueExample("HRB 11223", reason="company-form", given={"country": "DE"})
    yield ValueExample("1234545678781", reason="company-form", given={"country": "TH"})
    yield ValueExample("0994000617723", reason="company-checksum", given={"country": "TH"})
    yield ValueExample("197401143D", reason="company-checksum", given={"country": "SG"})
    yield ValueExample("LEI:213800KUD8LAJWSQ9D16", reason="company-checksum")
