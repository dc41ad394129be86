"""Banks of Thailand: BICs, codes and names."""

from collections import Counter

import pytest
from schwifty import BIC

from schemas.reference.banks import _thai_keys, banks_of, find_thai_bank


def test_every_thai_bank_has_a_valid_bic_and_unique_names() -> None:
    banks = banks_of("TH")
    assert all(BIC(bank.bic).country_code == "TH" for bank in banks)
    names = Counter(key for bank in banks for key in {*bank.codes, *_thai_keys((*bank.names, *bank.shared, bank.bic))})
    assert {key for key, count in names.items() if count > 1} == set()
    assert len(names) > 100


@pytest.mark.parametrize(
    ("name", "bic"),
    [
        ("ธนาคารกรุงเทพ จำกัด (มหาชน)", "BKKBTHBK"),
        ("บมจ. ธนาคารกรุงไทย", "KRTHTHBK"),
        ("บริษัท ธนาคารทหารไทยธนชาต จำกัด (มหาชน)", "TMBKTHBK"),
        ("ธ.ก.ส.", "BAABTHBK"),
        ("ธ.อ.ส.", "GOHUTHB1"),
        ("The Siam Commercial Bank Public Company Limited", "SICOTHBK"),
        ("Bank of Ayudhya PCL.", "AYUDTHBK"),
        ("แลนด์ แอนด์ เฮ้าส์", "LAHRTHB2"),
        ("Krungthai", "KRTHTHBK"),
        ("076", "TMBKTHBK"),
    ],
)
def test_a_thai_bank_is_found_by_its_names(name: str, bic: str) -> None:
    found = find_thai_bank(name)
    assert found is not None
    assert found.bank.bic == bic
