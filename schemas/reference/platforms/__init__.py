"""Platforms that people have accounts on: handles, the platforms' own numbers, addresses of profiles."""

import re

from schemas.reference.platforms.communities import COMMUNITIES
from schemas.reference.platforms.messengers import MESSENGERS
from schemas.reference.platforms.networks import NETWORKS
from schemas.reference.sites import Site, SiteMatch, Sites, word_key
from schemas.reference.urls import split_address

# Words beside a platform's name that do not change its meaning.
_BESIDE = re.compile(
    r"\b(?:page|group|account|profile|user ?name|user|id|channel|oa|official|handle|chat|app|add)\b|@"
    r"|แอด|เพิ่มเพื่อน|ทัก|บัญชี|ไอดี|เพจ|กลุ่ม|ช่อง|แอป(?:พลิเคชัน)?",
    re.IGNORECASE,
)


class Platforms(Sites):
    """Platforms; a platform's name is its ``account_type`` in STIX."""

    def find(self, word: str) -> Site | None:
        """Return the platform that people call ``word``: its name, an abbreviation, its host, in English and Thai."""
        found = super().find(word)
        if found is None and (rest := _BESIDE.sub(" ", word)) != word and word_key(rest):
            found = super().find(rest)
        return found

    def read_address_on_own_host(self, platform: Site, url: str) -> SiteMatch | None:
        """Return the account in an address on a host of its own, as networks of many hosts have; else None."""
        address = split_address(url)
        if address is None or "host" not in platform.groups:
            return None
        first = address.path.removeprefix("users/").removeprefix("@").partition("/")[0]
        return self.read_name(platform, first if "@" in first else f"{first}@{address.host}")


PLATFORMS = Platforms((*NETWORKS, *MESSENGERS, *COMMUNITIES))
