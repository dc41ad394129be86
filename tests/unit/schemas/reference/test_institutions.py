"""Names that only an institution can have registered."""

import pytest

from schemas.reference import hosts, read_toml
from schemas.reference.institutions import is_institutional

# Endings of public bodies, schools, armed forces and banks of many countries.
INSTITUTIONS = (
    "go.th ac.th mi.th or.th gov.sg edu.sg gov.my edu.my mil.my gov.ph edu.ph mil.ph go.id ac.id sch.id mil.id gov.vn edu.vn "
    "gov.kh edu.kh gov.la edu.la gov.mm edu.mm gov.bn edu.bn gov.in ac.in edu.in bank.in fin.in nic.in gov.bd ac.bd gov.lk ac.lk "
    "gov.np edu.np gov.pk edu.pk gov.cn edu.cn gov.hk edu.hk gov.tw edu.tw go.jp ac.jp lg.jp go.kr ac.kr gov.au edu.au "
    "govt.nz ac.nz school.nz mil.nz gov.uk ac.uk nhs.uk police.uk gc.ca gov.br edu.br jus.br gob.mx edu.mx gob.ar edu.ar gob.cl "
    "gob.pe edu.pe gov.co edu.co gob.ec gub.uy gob.ve gouv.fr gob.es edu.es gov.it gov.pt gv.at ac.at gov.gr gov.pl gov.ua "
    "edu.ua gov.tr edu.tr pol.tr gov.il ac.il gov.ae ac.ae gov.sa edu.sa gov.qa edu.qa gov.kw gov.eg edu.eg gouv.ci go.ke ac.ke "
    "go.tz go.ug gov.ng edu.ng gov.za ac.za gov.gh edu.gh gov.zm ac.zm"
).split()
# Endings that anybody may register below, and names that only look like an institution's.
OPEN = (
    "co.th in.th co.id or.id web.id my.id biz.id com.sg com.my net.my com.ph co.in net.in firm.in gen.in com.vn co.uk org.uk me.uk "
    "co.nz net.nz com.au id.au com.br com.mx com.ar co.kr or.kr co.jp ne.jp or.jp com.pl edu.pl go.it mi.it mi.us or.us or.at co.at "
    "co.za org.za co.ke or.ke com.ng co.il com.tr gov.example.com bank.th police.co govt.cc mil.me nhs.co mygov.sg go-th.com"
).split()


@pytest.mark.parametrize("ending", INSTITUTIONS)
def test_names_below_an_institutions_ending(ending: str) -> None:
    assert is_institutional(f"any-name.{ending}")
    assert is_institutional(f"www.any-name.{ending}")
    assert not is_institutional(f"{ending.replace('.', '-')}.com")


@pytest.mark.parametrize("ending", OPEN)
def test_names_below_any_other_ending(ending: str) -> None:
    assert not is_institutional(f"any-name.{ending}")


@pytest.mark.parametrize("ending", ["gov", "mil", "edu", "int", "bank"])
def test_names_below_an_institutions_top_level_domain(ending: str) -> None:
    assert is_institutional(f"any-name.{ending}")
    assert not is_institutional(ending)
    assert not is_institutional(f"{ending}.com")


def test_table_names_country_endings_once_and_in_lower_case() -> None:
    for level, countries in read_toml("institution_suffixes.toml")["countries"].items():
        assert len(set(countries)) == len(countries)
        assert all(hosts.has_public_suffix(f"{level}.{country}") for country in countries)
