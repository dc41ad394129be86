"""The parents checked for a value: domains of one owner, and never a service shared by strangers."""

import pytest
from hypothesis import given, strategies as st

from schemas import kinds
from schemas.reference import hosts
from schemas.reference.sites import is_shared
from schemas.site import MOST_PARENTS, parents_of


@pytest.mark.parametrize(
    ("kind", "value", "parents"),
    [
        ("domain", "rogue-shop.com", []),
        ("domain", "www.rogue-shop.com", ["rogue-shop.com"]),
        ("domain", "a.b.rogue-shop.co.th", ["b.rogue-shop.co.th", "rogue-shop.co.th"]),
        ("url", "https://rogue-shop.com/", ["rogue-shop.com"]),
        ("url", "http://pay.rogue-shop.com:8080/a?b=c", ["pay.rogue-shop.com", "rogue-shop.com"]),
        ("url", "http://192.0.2.7:81/login", ["192.0.2.7"]),
        ("url", "https://[2001:db8::7]/login", ["2001:db8::7"]),
        ("email", "help@mail.rogue-shop.com", ["mail.rogue-shop.com", "rogue-shop.com"]),
        # The customer of a host only owns its own name.
        ("url", "https://rogue.github.io/x", ["rogue.github.io"]),
        ("url", "https://pay.rogue.myshopify.com/x", ["pay.rogue.myshopify.com", "rogue.myshopify.com"]),
        ("domain", "rogue.duckdns.org", []),
        ("domain", "ec2-192-0-2-7.compute-1.amazonaws.com", []),
        ("url", "https://github.io/x", []),
        ("url", "https://bit.ly/abc", []),
        ("url", "https://www.bit.ly/abc", []),
        ("url", "https://www.facebook.com/rogue/posts/1", []),
        ("url", "https://docs.google.com/forms/d/e/abc", []),
        ("email", "rogue@gmail.com", []),
        ("email", "rogue@yahoo.co.th", []),
        ("email", "rogue@mailinator.com", []),
        ("email", "rogue@rogue-shop.pages.dev", ["rogue-shop.pages.dev"]),
        ("wallet", "ethereum:0x00000000219ab540356cbb839cbe05303d7705fa", []),
        ("phone", "+66812345678", []),
        ("ip", "192.0.2.7", []),
        ("social-account", "telegram:rogue", []),
    ],
)
def test_parents(kind: str, value: str, parents: list[str]) -> None:
    assert [parent.value for parent in parents_of(kind, value)] == parents


def test_deep_name_is_checked_at_its_host_and_near_the_registered_domain() -> None:
    labels = [f"l{number}" for number in range(30)]
    found = [parent.value for parent in parents_of("url", f"https://{'.'.join(labels)}.rogue-shop.com/")]
    assert len(found) == MOST_PARENTS
    assert found[0] == f"{'.'.join(labels)}.rogue-shop.com"
    assert found[-2:] == ["l29.rogue-shop.com", "rogue-shop.com"]


@given(st.lists(st.sampled_from(["a", "www", "github", "co", "bit", "gmail", "rogue"]), min_size=1, max_size=12))
def test_every_parent_is_a_domain_not_shared_by_strangers(labels: list[str]) -> None:
    for suffix in ("com", "co.th", "github.io", "ck", "ly"):
        host = ".".join([*labels, suffix])
        if not hosts.is_registrable(host):
            continue
        found = parents_of("domain", host)
        assert len(found) <= MOST_PARENTS
        for parent in found:
            assert host.endswith(f".{parent.value}")
            assert not is_shared(parent.value)
            assert kinds.name_of(parent.kind, kinds.get(parent.kind).normalise(parent.value).value) == parent.name


@pytest.mark.parametrize("name", ["co.th", "github.io", "compute-1.amazonaws.com", "ck"])
def test_a_public_suffix_is_shared(name: str) -> None:
    assert is_shared(name)
