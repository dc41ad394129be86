"""Files with headers in the languages of their writers: the suspect's values, and nobody else's."""

import io

import pytest

from feeds.formats import read
from feeds.readers.rows import Row

FILES = {
    "pt": (
        "Data do fato;Tipo de golpe;Chave Pix do golpista;Banco destino;Agência;Conta destino;Telefone da vítima\n"
        "01/10/2026;falso vendedor;golpista@example.com;Nubank;0001;1234567-8;11 99999-1234\n",
        {"golpista@example.com", "1234567-8"},
    ),
    "es": (
        "Fecha;Tipo de estafa;Teléfono del estafador;Página web;Cuenta destino;Correo de la víctima\n"
        "01/10/2026;inversión falsa;+34612345678;http://tienda.example.com;ES9121000418450200051332;v@example.org\n",
        {"+34612345678", "http://tienda.example.com", "ES9121000418450200051332"},
    ),
    "hi": (
        "शिकायत संख्या,पीड़ित का मोबाइल नंबर,संदिग्ध मोबाइल नंबर,बैंक खाता संख्या,आईएफएससी कोड,यूपीआई आईडी\n"
        "123,9812345670,9876543210,50100123456789,HDFC0001234,fraud@okhdfcbank\n",
        {"9876543210", "50100123456789", "fraud@okhdfcbank"},
    ),
    "ms": (
        "Tarikh,No. Telefon Suspek,No. Akaun Bank,Nama Bank,No. Telefon Pengadu\n"
        "01/10/2026,012-345 6789,164012345678,Maybank,019-8765432\n",
        {"012-345 6789", "164012345678"},
    ),
    "tl": (
        "Petsa,GCash number ng suspek,FB account,Pangalan ng biktima\n"
        "2026-10-01,09171234567,https://facebook.com/fake.seller,Juan\n",
        {"09171234567", "https://facebook.com/fake.seller"},
    ),
    "km": (
        "កាលបរិច្ឆេទ,លេខទូរស័ព្ទជនសង្ស័យ,លេខគណនី,ធនាគារ\n2026-10-01,012345678,000123456,ABA Bank\n",
        {"012345678", "000123456"},
    ),
    "lo": (
        "ວັນທີ,ເບີໂທມິດສະຊີບ,ເລກບັນຊີ,ທະນາຄານ\n2026-10-01,02055123456,010120001234567001,BCEL\n",
        {"02055123456", "010120001234567001"},
    ),
    "my": (
        "ရက်စွဲ,ဖုန်းနံပါတ်,ဘဏ်အကောင့်နံပါတ်,ဘဏ်အမည်\n2026-10-01,09420012345,0123456789012,KBZ\n",
        {"09420012345", "0123456789012"},
    ),
}


@pytest.mark.parametrize("language", FILES)
def test_values_of_the_suspect_are_read(language: str) -> None:
    text, values = FILES[language]
    rows = [row for row in read(io.BytesIO(text.encode()), name="report.csv") if isinstance(row, Row)]
    assert {row.fields.get("value") or row.fields["account_number"] for row in rows} == values
