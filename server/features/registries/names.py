"""The host of a listed value, and the name that was registered for it."""

from ipaddress import ip_address
from typing import NamedTuple

from schemas.reference import hosts
from schemas.reference.sites import is_shared
from schemas.site import bare_host, host_of_url


class ListedHost(NamedTuple):
    """The host of a value: a name, or an address.

    ``registered`` is the name whose registrar may act, "" for an address and for a host that strangers share: its
    registrar would act against all of them.
    """

    host: str
    is_address: bool
    registered: str


def host_of(subject: str) -> ListedHost | None:
    """Return the host of a value by its subject, None where it has none."""
    kind, _, value = subject.partition(":")
    host = host_of_url(value) if kind == "url" else value if kind in ("domain", "ip") else None
    if not host:
        return None
    host = host.strip("[]")
    try:
        return ListedHost(str(ip_address(host)), True, "")
    except ValueError:
        return ListedHost(host, False, _registered(host))


def _registered(host: str) -> str:
    if is_shared(bare_host(host)):
        return ""
    found = hosts.registrable_domain(host)
    if found is None or is_shared(found) or hosts.is_provider_suffix(found.partition(".")[2]):
        return ""
    return found
