"""Examples of accounts: made-up handles, example numbers, ids from the platforms' own documents."""

from collections.abc import Iterable

from schemas.kind import ValueExample

_INVITE = "AbCdEfGhIjKlMnOpQrStUv"
_CHANNEL = "UC0123456789abcdefABCDEF"
_DID = "did:plc:" + "abcdefgh234567" + "abcdefghij"
_PHONE = "+66812345678"  # libphonenumber's example


def every() -> Iterable[ValueExample]:
    """Yield accounts, and refused values."""
    yield from _of_networks()
    yield from _of_messengers()
    yield from _of_communities()
    yield from _of_writing()
    yield from _of_refusal()


def _meeting(value: str, *spellings: str) -> Iterable[ValueExample]:
    for raw in spellings:
        yield ValueExample(raw, value)


def _of_networks() -> Iterable[ValueExample]:
    yield from _meeting(
        "facebook:examplepage",
        "https://www.facebook.com/Example.Page",
        "http://m.facebook.com/example.page/?ref=bookmarks",
        "https://th-th.facebook.com/examplepage/about",
        "fb.com/examplepage",
        "https://m.me/example.page",
        "hxxps://facebook[.]com/example[.]page",
        "https://www.facebook.com/examplepage/posts/pfbid02",
    )
    yield from _meeting(
        "facebook:id=100000000000001",
        "https://www.facebook.com/profile.php?id=100000000000001&sk=about",
        "https://www.facebook.com/people/Example-Name/100000000000001/",
        "https://facebook.com/Example-Page-100000000000001",
        "https://www.facebook.com/100000000000001",
        "https://www.facebook.com/permalink.php?story_fbid=1&id=100000000000001",
        "fb://profile/100000000000001",
    )
    yield from _meeting("facebook:groups/examplegroup", "https://www.facebook.com/groups/example.group/")
    yield from _meeting("facebook:id=1234567", "https://m.facebook.com/groups/1234567")
    yield from _meeting(
        "instagram:example.name",
        "https://www.instagram.com/Example.Name/?igsh=x",
        "instagram.com/_u/example.name",
        "https://instagram.com/stories/example.name/1/",
        "https://ig.me/m/example.name",
    )
    yield from _meeting("threads:example_name", "https://www.threads.net/@example_name", "threads.com/@Example_Name")
    yield from _meeting(
        "tiktok:example_name",
        "https://www.tiktok.com/@Example_Name?lang=th",
        "https://tiktok.com/@example_name/video/1",
    )
    yield from _meeting(
        "twitter:example_name",
        "https://x.com/Example_Name",
        "https://mobile.twitter.com/example_name/with_replies",
        "https://twitter.com/#!/example_name",
        "https://twitter.com/intent/user?screen_name=Example_Name",
        "https://x.com/example_name/status/1",
    )
    yield from _meeting("twitter:id=1234", "https://twitter.com/intent/user?user_id=1234", "https://x.com/i/user/1234")
    yield from _meeting("youtube:example", "https://www.youtube.com/@Example", "https://youtube.com/@example/videos")
    yield from _meeting("youtube:ตัวอย่าง", "https://www.youtube.com/@ตัวอย่าง")
    yield from _meeting(f"youtube:id={_CHANNEL}", f"https://www.youtube.com/channel/{_CHANNEL}/about")
    yield from _meeting("youtube:c/example", "https://www.youtube.com/c/Example")
    yield from _meeting("youtube:user/example", "https://m.youtube.com/user/example")
    yield from _meeting("linkedin:example-name", "https://th.linkedin.com/in/Example-Name/")
    yield from _meeting("linkedin:company/example", "https://www.linkedin.com/company/example/about/")
    yield from _meeting("pinterest:example", "https://www.pinterest.co.uk/example/")
    yield from _meeting("bluesky:example.bsky.social", "https://bsky.app/profile/Example.bsky.social")
    yield from _meeting(f"bluesky:id={_DID}", f"https://bsky.app/profile/{_DID}")


def _of_messengers() -> Iterable[ValueExample]:
    yield from _meeting(
        "telegram:example_name",
        "https://t.me/Example_Name",
        "https://t.me/s/example_name",
        "https://telegram.me/example_name?start=x",
        "tg://resolve?domain=example_name",
        "https://web.telegram.org/k/#@example_name",
        "https://example_name.t.me",
        "t.me/example_name/14",
    )
    yield from _meeting(
        f"telegram:+{_INVITE}", f"https://t.me/+{_INVITE}", f"t.me/joinchat/{_INVITE}", f"tg://join?invite={_INVITE}"
    )
    yield from _meeting(f"telegram:{_PHONE}", "https://t.me/+66812345678")
    yield from _meeting("telegram:id=1234567890", "tg://user?id=1234567890", "https://web.telegram.org/a/#1234567890")
    yield from _meeting(
        f"whatsapp:{_PHONE}",
        "https://wa.me/66812345678?text=hi",
        "https://api.whatsapp.com/send?phone=66812345678",
        "https://api.whatsapp.com/send/?phone=%2B66+81+234+5678&text=hi",
        "whatsapp://send?phone=+66812345678",
    )
    yield from _meeting(f"whatsapp:invite/{_INVITE}", f"https://chat.whatsapp.com/{_INVITE}")
    yield from _meeting("whatsapp:message/ABCDEFGH1234", "https://wa.me/message/ABCDEFGH1234")
    yield from _meeting("line:example.id", "https://line.me/ti/p/~Example.id", "line://ti/p/~example.id")
    yield from _meeting(
        "line:@example",
        "https://line.me/R/ti/p/@example",
        "https://line.me/R/ti/p/%40Example",
        "https://page.line.me/example",
    )
    yield from _meeting("line:lin.ee/AbC1dEf", "https://lin.ee/AbC1dEf")
    yield from _meeting("line:ti/g/AbCdEfGhIj", "https://line.me/R/ti/g/AbCdEfGhIj")
    yield from _meeting(f"viber:{_PHONE}", "viber://chat?number=%2B66812345678")
    yield from _meeting("viber:chats/example", "viber://pa?chatURI=example", "https://chats.viber.com/Example")
    yield from _meeting(f"signal:{_PHONE}", "https://signal.me/#p/+66812345678")
    yield from _meeting("kakaotalk:o/sAbCdEfG", "https://open.kakao.com/o/sAbCdEfG")
    yield from _meeting("zalo:+84912345678", "https://zalo.me/0912345678", "https://zalo.me/84912345678")
    yield from _meeting("zalo:g/abcdef123", "https://zalo.me/g/abcdef123")
    yield from _meeting("wechat:u/AbCdEfGhIjKl", "https://u.wechat.com/AbCdEfGhIjKl")
    yield from _meeting("skype:live:.cid.0123456789abcdef", "skype:live:.cid.0123456789abcdef?chat")


def _of_communities() -> Iterable[ValueExample]:
    yield from _meeting("discord:invite/AbCdEf", "https://discord.gg/AbCdEf", "https://discord.com/invite/AbCdEf")
    yield from _meeting("discord:id=123456789012345678", "https://discord.com/users/123456789012345678")
    yield from _meeting(
        "reddit:example_name", "https://www.reddit.com/user/Example_Name/", "https://reddit.com/u/example_name"
    )
    yield from _meeting("reddit:r/example", "https://old.reddit.com/r/Example/")
    yield from _meeting("vk:id=12345", "https://vk.com/id12345")
    yield from _meeting("vk:id=-12345", "https://vk.com/club12345", "https://m.vk.com/public12345")
    yield from _meeting("vk:example", "https://vk.com/Example")
    yield from _meeting("ok:id=12345678", "https://ok.ru/profile/12345678")
    yield from _meeting("twitch:example", "https://www.twitch.tv/Example")
    yield from _meeting("github:example", "https://github.com/Example", "https://github.com/example/project")
    yield from _meeting("snapchat:example", "https://www.snapchat.com/add/Example")
    yield from _meeting("steam:id=76561197960287930", "https://steamcommunity.com/profiles/76561197960287930")
    yield from _meeting("tinder:example", "https://tinder.com/@example")
    yield from _meeting(
        "mastodon:example@mastodon.social", "https://mastodon.social/@Example", "@example@mastodon.social"
    )
    yield ValueExample(
        "https://social.example/@Example", "mastodon:example@social.example", given={"platform": "mastodon"}
    )


def _of_writing() -> Iterable[ValueExample]:
    for raw, platform, value in (
        ("@Example_Name", "Telegram", "telegram:example_name"),
        ("example_name", "tg", "telegram:example_name"),
        ("＠ｅｘａｍｐｌｅ＿ｎａｍｅ", "เทเลแกรม", "telegram:example_name"),
        ("Example.Page", "Facebook page", "facebook:examplepage"),
        ("groups/examplegroup", "เฟซบุ๊ก", "facebook:groups/examplegroup"),
        ("100000000000001", "facebook.com", "facebook:id=100000000000001"),
        ("๑๐๐๐๐๐๐๐๐๐๐๐๐๐๑", "เพจเฟซบุ๊ก", "facebook:id=100000000000001"),
        ("@Example", "X (Twitter)", "twitter:example"),
        ("id=1234", "x", "twitter:id=1234"),
        ("example.id", "LINE", "line:example.id"),
        ("@example", "LINE OA", "line:@example"),
        ("~example.id", "ไลน์", "line:example.id"),
        ("u/example", "Reddit", "reddit:example"),
        (_PHONE, "WhatsApp", f"whatsapp:{_PHONE}"),
        ("example@mastodon.social", "mastodon", "mastodon:example@mastodon.social"),
        ("wxid_0123456789abcd", "微信", "wechat:id=wxid_0123456789abcd"),
        ("Example_ID", "WeChat", "wechat:example_id"),
        ("12345678", "QQ", "qq:id=12345678"),
    ):
        yield ValueExample(raw, value, given={"platform": platform})
    yield ValueExample("081 234 5678", f"whatsapp:{_PHONE}", given={"platform": "whatsapp", "country": "TH"})
    yield ValueExample("https://t.me/example_name", "telegram:example_name", given={"platform": "telegram"})
    yield from _meeting("telegram:example_name", "Telegram: @example_name", "TG @Example_Name")
    yield from _meeting("line:example.id", "LINE ID: example.id", "ไอดีไลน์ example.id", "ไลน์: example.id")
    yield from _meeting(
        "line:example.id", "line id example.id", "แอดไลน์ example.id", "add line example.id", "LINE ID：example.id"
    )
    yield from _meeting("line:example.id", "ไอดี line example.id", "แอด line example.id")
    yield from _meeting(
        "line:@example", "แอดไลน์ @example", "แอดไลน์@example", "https://page.line.me/@example", "page.line.me/example."
    )
    yield from _meeting(
        "facebook:exampleshop", "https://www.facebook.com/pg/Example.Shop", "https://facebook.com/pg/exampleshop/about/"
    )
    yield from _meeting("line:@example", "line:@example")


def _of_refusal() -> Iterable[ValueExample]:
    for raw in (
        "https://www.youtube.com/watch?v=AbCdEfGhIjK",
        "https://youtu.be/AbCdEfGhIjK",
        "https://www.facebook.com/ads/library/?id=1234567890",
        "https://www.facebook.com/login/?next=x",
        "https://fb.watch/AbCdEfGhIj/",
        "https://x.com/i/status/1",
        "https://www.instagram.com/p/AbCdEfGhIjK/",
        "https://vm.tiktok.com/AbCdEfGhI/",
        "https://t.me/share/url?url=x",
        "https://www.facebook.com/",
        "https://vk.com/away.php?to=x",
    ):
        yield ValueExample(raw, reason="not-an-account")
    yield ValueExample("https://shop.example.com/@example", reason="not-a-platform")
    yield ValueExample("https://facebook.com@shop.example.com/example", reason="not-a-platform")
    yield ValueExample("@example_name", reason="platform-missing")
    yield ValueExample("someone@example.com", reason="platform-missing")
    yield ValueExample("+66812345678", reason="platform-missing")
    yield ValueExample("", reason="platform-missing")
    yield ValueExample("example_name", reason="platform-unknown", given={"platform": "Example Book"})
    yield ValueExample("https://t.me/example_name", reason="platform-conflict", given={"platform": "facebook"})
    yield ValueExample("telegram:example_name", reason="platform-conflict", given={"platform": "line"})
    yield ValueExample("Example Person", reason="display-name")
    yield ValueExample("Example Person", reason="display-name", given={"platform": "facebook"})
    yield ValueExample("คุณตัวอย่าง", reason="display-name", given={"platform": "line"})
    yield ValueExample("ab", reason="handle-form", given={"platform": "telegram"})
    yield ValueExample("1234567890", reason="handle-form", given={"platform": "telegram"})
    yield ValueExample("someone@example.com", reason="handle-form", given={"platform": "facebook"})
    yield ValueExample("+66812345678", reason="handle-form", given={"platform": "facebook"})
    yield ValueExample("channel/" + _CHANNEL.lower(), reason="handle-form", given={"platform": "youtube"})
    yield ValueExample("much_too_long_for_a_handle", reason="handle-form", given={"platform": "x"})
    yield ValueExample("812345678", reason="country-missing", given={"platform": "whatsapp"})
    yield ValueExample("https://wa.me/10000000000", reason="phone-not-assigned")
