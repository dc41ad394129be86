"""The message for a refused field has the field, the rule and the remedy, in plain words."""

from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, Field, ValidationError

from schemas.errors import rejection_of


def in_capitals(text: str) -> str:
    if not text.isupper():
        raise ValueError("write it in capitals")
    return text


class Item(BaseModel):
    amount: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    code: Annotated[str, AfterValidator(in_capitals)] = "A"


@pytest.mark.parametrize(
    ("columns", "reason", "message"),
    [
        ({"amount": "-1"}, "bad-amount", "amount: has to be greater than 0"),
        ({"code": "a"}, "bad-code", "code: write it in capitals"),
    ],
)
def test_error_message_is_in_plain_words(columns: dict[str, str], reason: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Item.model_validate(columns)

    rejected = rejection_of(refused.value)

    assert (rejected.reason, rejected.message) == (reason, message)
