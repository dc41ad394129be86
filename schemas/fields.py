"""Amounts of money, and what they are of."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer


def plain_amount(amount: Decimal) -> str:
    """Write an amount as digits, with no more of them than it takes."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Amount = Annotated[
    Decimal,
    Field(gt=0, lt=10**30, max_digits=48, decimal_places=18),
    PlainSerializer(plain_amount, return_type=str, when_used="json"),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,12}$", description="ISO 4217, or a coin's symbol")]
