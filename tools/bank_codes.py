"""Renew the table of docs/bank-codes.md from the reference data: ``python -m tools.bank_codes``."""

from pathlib import Path

from schemas.reference.banks.code_table import listed_banks

PAGE = Path(__file__).parents[1] / "docs" / "bank-codes.md"
_BEGIN, _END = "<!-- written by make generate -->", "<!-- end of what make generate writes -->"


def page() -> str:
    """Return the page with its table as the code is now."""
    rows = [f"| {bank.country} | `{bank.bic}` | {' '.join(bank.codes)} | {bank.name} |" for bank in listed_banks()]
    table = "\n".join(("| country | BIC | codes | as people write it |", "| --- | --- | --- | --- |", *rows))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table}\n{_END}{rest.partition(_END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
