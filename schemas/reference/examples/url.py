"""URLs as reports write them: spellings of one, hosts that hide, and values that are no URL of the web."""

from collections.abc import Iterable

from schemas.kind import ValueExample

_PAGE, _SHOP = "https://shop.example.com/pay", "https://shop.example.com/"


def _examples_of_spelling() -> Iterable[ValueExample]:
    """Yield several spellings of one URL."""
    for raw in (
        _PAGE,
        "hxxps://shop[.]example[.]com/pay",
        "HTTPS://Shop.Example.COM:443/pay",
        "https://shop.example.com./a/.././pay?#top",
        "https:\\\\shop.example.com\\pay",
        "https//shop.example.com/pay",
        "https;//shop.example.com/pay",
        "ttps://shop.example.com/pay",
        "http://https://shop.example.com/pay",
        "https://someone:secret@shop.example.com/pay",
        "https://ｓｈｏｐ。example.com/%70a%79",
        "https://shop.example.com/pay?utm_source=sms&fbclid=IwAR0&UTM_Medium=x",
        "https://shop.example.com/pay?email=someone%40example.org",
        "https://shop.example.com/pay#someone@example.org",
    ):
        yield ValueExample(raw, _PAGE)
    yield ValueExample(_SHOP, _SHOP)
    yield ValueExample("https://shop.example.com", _SHOP)
    yield ValueExample("shop.example.com/pay", "http://shop.example.com/pay")
    yield ValueExample("shop.example.com", "http://shop.example.com/")
    yield ValueExample("shop.example.com:8080/a", "http://shop.example.com:8080/a")
    yield ValueExample(_SHOP + "it's%e0%b8%81", _SHOP + "it%27s%E0%B8%81")
    yield ValueExample(_SHOP + "ก?q=ข {x}|[0]", _SHOP + "%E0%B8%81?q=%E0%B8%82%20%7Bx%7D%7C%5B0%5D")
    yield ValueExample(_SHOP + "100%&amp;x", _SHOP + "100%25&x")
    for behind in (".", ",", ")", ").", "),", ";", "!", "。", "]", "?", "&", "?&"):
        yield ValueExample(_PAGE + behind if "&" not in behind else _PAGE + "?" + behind.removeprefix("?"), _PAGE)
    yield ValueExample(f"({_PAGE})", _PAGE)
    yield ValueExample(_SHOP + "a?&id=", _SHOP + "a?id=")
    yield ValueExample(_SHOP + "a?id=7&", _SHOP + "a?id=7")
    yield ValueExample(_SHOP + "a_(b)", _SHOP + "a_(b)")
    yield ValueExample(_SHOP + "a_(b)).", _SHOP + "a_(b)")
    yield ValueExample(_SHOP + "?to=hxxps://other[.]example", _SHOP + "?to=https://other.example")
    yield ValueExample(_SHOP + "?to=hxxp%3A%2F%2Fother[.]example", _SHOP + "?to=http%3A%2F%2Fother.example")
    yield ValueExample(_SHOP + "?b=2&utm_id=7&a=1&amp;b=3", _SHOP + "?b=2&a=1&b=3")


def _examples_of_host() -> Iterable[ValueExample]:
    """Yield hosts that look like others, addresses, and pages on hosts that many share."""
    yield ValueExample("https://bank.example.com%E2%88%95login@shop.example.org/", "https://shop.example.org/")
    yield ValueExample("bank.example.com%E2%88%95login@shop.example.org", "http://shop.example.org/")
    yield ValueExample("https://shop.example.org\\@bank.example.com/", "https://shop.example.org/@bank.example.com/")
    yield ValueExample("https://bank.example.com／login@shop.example.org", "https://shop.example.org/")
    yield ValueExample("https://track_1.example.com/a", "https://track_1.example.com/a")
    yield ValueExample("http://192.0.2.7:80/a", "http://192.0.2.7/a")
    yield ValueExample("192[.]0[.]2[.]7/a", "http://192.0.2.7/a")
    yield ValueExample("http://0xC0.0.0x207/", "http://192.0.2.7/")
    yield ValueExample("http://[2001:DB8:0::7]/", "http://[2001:db8::7]/")
    yield ValueExample("http://[::ffff:192.0.2.7]/", "http://192.0.2.7/")
    yield ValueExample("https://github.io/someone/", "https://github.io/someone/")
    yield ValueExample("https://github.io/", reason="public-suffix")
    yield ValueExample("https://co.th/pay", reason="public-suffix")
    yield ValueExample("http://0x7f.1/", reason="own-machine")
    yield ValueExample("http://localhost:8080/", reason="own-machine")
    yield ValueExample("http://192.168.0.1/login", reason="not-routable")
    yield ValueExample("http://[fe80::1]/", reason="not-routable")
    yield ValueExample("http://printer.local/", reason="unknown-suffix")


def _examples_of_refusal() -> Iterable[ValueExample]:
    """Yield values that are no URL of the web, or not of one page."""
    yield ValueExample("mailto:someone@example.com", reason="scheme")
    yield ValueExample("tel:+66812345678", reason="scheme")
    yield ValueExample("tg://resolve?domain=example", reason="scheme")
    yield ValueExample("javascript:alert(1)", reason="scheme")
    yield ValueExample("ftp://shop.example.com/a", reason="scheme")
    yield ValueExample("someone@example.com", reason="email-not-url")
    yield ValueExample("https://shop.example.com/...", reason="url-cut")
    yield ValueExample("https://shop.example.com/a…", reason="url-cut")
    yield ValueExample("https://shop.example.com/a https://shop.example.com/b", reason="several-values")
    yield ValueExample("https://*.example.com/", reason="url-wildcard")
    yield ValueExample("https://shop.example.com/*", reason="url-wildcard")
    yield ValueExample("https://shop.example.com/for/someone@example.org", reason="personal-data")
    yield ValueExample(
        "https://shop.example.com/go?to=https%3A%2F%2Fexample.net%2F%3Fe%3Da%40example.org", reason="personal-data"
    )
    yield ValueExample("https://shop.example.com:99999/", reason="url-form")
    yield ValueExample("https://a..example.com/", reason="url-form")
    yield ValueExample("12.50", reason="url-form")
    yield ValueExample("", reason="url-form")
    yield ValueExample(_SHOP + "ก" * 1000, reason="url-too-long")


def every() -> Iterable[ValueExample]:
    """Yield several spellings of one URL, hosts that hide, and values that are no URL of the web."""
    yield from _examples_of_spelling()
    yield from _examples_of_host()
    yield from _examples_of_refusal()
