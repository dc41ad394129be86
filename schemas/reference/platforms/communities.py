"""Communities: forums, streams, code, games, and networks of many hosts."""

from schemas.reference.sites import HANDLE, ID_OR_HANDLE, Site, page, post

_FEDIVERSE_NAME = r"[a-z0-9_](?:[a-z0-9_.-]{0,60}[a-z0-9_])?"

COMMUNITIES = (
    Site(
        "discord",
        words="ดิสคอร์ด",
        hosts="discord.com discordapp.com",
        groups={"login": r"(?!.*\.\.)[a-z0-9_.]{2,32}", "id": r"[1-9][0-9]{16,19}", "code": r"[A-Za-z0-9-]{2,40}"},
        pages=(
            page("/users/<id>", "id=<id>"),
            page("/servers/*-<id>", "id=<id>"),
            page("/invite/<code>", "invite/<code>"),
            page("discord.gg/<code>", "invite/<code>"),
            page("discord.gg/invite/<code>", "invite/<code>"),
            post("/channels/<id>/**", "id=<id>"),
        ),
        written=ID_OR_HANDLE,
        elsewhere="cdn.discordapp.com media.discordapp.net",
    ),
    Site(
        "reddit",
        words="เรดดิต",
        hosts="reddit.com",
        groups={"login": r"[a-z0-9_-]{2,21}", "id": r"t[25]_[a-z0-9]{2,13}"},
        folded=frozenset({"login", "id"}),
        pages=(
            page("/{u|user}/<login>"),
            page("/{u|user}/<login>/{comments|submitted|overview|m}"),
            page("/r/<login>", "r/<login>"),
            page("/r/<login>/{new|hot|top|rising|about|wiki}", "r/<login>"),
            post("/{u|user}/<login>/**"),
        ),
        written=(
            page("id=<id>", "id=<id>"),
            page("{u/|/u/|user/}<login>"),
            page("/r/<login>", "r/<login>"),
            page("<login>"),
            page("@<login>"),
        ),
        elsewhere="redd.it",
    ),
    Site(
        "vk",
        words="vkontakte вконтакте",
        hosts="vk.com vk.ru vkontakte.ru vk.me",
        groups={
            # A path that begins with a thing's name and a number is that thing.
            "login": r"(?!(?:id|club|public|event|wall|photo|video|clip|album|topic|doc|audio|market|app|note|page"
            r"|product|story|poll|write)-?[0-9]+(?:_[0-9]+)?$)[a-z][a-z0-9_.]{3,31}",
            "id": r"[1-9][0-9]{0,11}",
            "owner": r"-?[1-9][0-9]{0,11}",
        },
        pages=(
            page("/{id|write}<id>", "id=<id>"),
            page("/{club|public|event}<id>", "id=-<id>"),
            page("/<login>"),
            page("/@<login>"),
            post("/{wall|photo|video|clip|album|topic|market}<owner>_*", "id=<owner>"),
        ),
        written=(
            page("id=<owner>", "id=<owner>"),
            page("id<id>", "id=<id>"),
            page("{club|public|event}<id>", "id=-<id>"),
            page("<login>"),
            page("@<login>"),
        ),
        reserved="away away.php feed login join video photo wall album topic apps market search friends groups audio "
        "clips docs page bugs jobs about support terms privacy share.php services music restore mail menu dev",
    ),
    Site(
        "ok",
        words="okru odnoklassniki одноклассники",
        hosts="ok.ru odnoklassniki.ru",
        groups={"login": r"(?=[a-z0-9._-]*[a-z])[a-z0-9._-]{3,32}", "id": r"[1-9][0-9]{4,17}"},
        pages=(
            page("/profile/<id>", "id=<id>"),
            page("/{group/|group}<id>", "group/<id>"),
            page("/<login>"),
            post("/profile/<id>/**", "id=<id>"),
            post("/group/<id>/**", "group/<id>"),
        ),
        written=ID_OR_HANDLE,
        reserved="video live music games feed dk login search profile group help market app apps",
    ),
    Site(
        "weibo",
        words="sinaweibo 微博 เวยป๋อ",
        hosts="weibo.com weibo.cn m.weibo.cn",
        groups={"login": r"(?=[a-z0-9_-]*[a-z])[a-z0-9_-]{4,20}", "id": r"[1-9][0-9]{6,11}"},
        pages=(
            page("/{u/|profile/}<id>", "id=<id>"),
            page("/<id>", "id=<id>"),
            page("/<login>"),
            post("/<id>/*", "id=<id>"),
        ),
        written=ID_OR_HANDLE,
        reserved="login signup search tv hot status detail ttarticle home",
    ),
    Site(
        "douyin",
        words="抖音 โต่วอิน",
        hosts="douyin.com",
        groups={"login": r"[a-z0-9_.-]{4,24}", "id": r"MS4w[A-Za-z0-9_.-]{20,120}"},
        pages=(page("/user/<id>", "id=<id>"),),
        written=ID_OR_HANDLE,
        elsewhere="v.douyin.com",
    ),
    Site(
        "xiaohongshu",
        words="rednote xhs 小红书 เสี่ยวหงซู",
        hosts="xiaohongshu.com",
        groups={"login": r"[a-z0-9_]{6,15}", "id": r"[0-9a-f]{24}"},
        pages=(page("/user/profile/<id>", "id=<id>"),),
        written=ID_OR_HANDLE,
        elsewhere="xhslink.com",
    ),
    Site(
        "snapchat",
        words="snap สแนปแชต สแนปแชท",
        hosts="snapchat.com",
        groups={"login": r"[a-z][a-z0-9._-]{1,13}[a-z0-9]"},
        pages=(page("/add/<login>"), page("/@<login>"), post("/@<login>/**")),
        written=HANDLE,
        elsewhere="t.snapchat.com",
    ),
    Site(
        "twitch",
        words="ทวิตช์",
        hosts="twitch.tv",
        groups={"login": r"[a-z0-9][a-z0-9_]{2,24}"},
        pages=(
            page("/<login>"),
            page("/<login>/{about|videos|clips|schedule|chat}"),
            post("/<login>/{clip|v|video}/**"),
        ),
        written=HANDLE,
        reserved="videos directory settings subscriptions drops jobs turbo prime search downloads store wallet",
        elsewhere="clips.twitch.tv",
    ),
    Site(
        "github",
        hosts="github.com",
        groups={"login": r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,38}"},
        pages=(
            page("/<login>"),
            page("/{orgs|sponsors}/<login>"),
            page("gist.github.com/<login>"),
            post("/<login>/**"),
            post("gist.github.com/<login>/**"),
        ),
        written=HANDLE,
        reserved="features topics about pricing login join explore marketplace sponsors orgs settings search apps "
        "security enterprise readme collections trending events notifications issues pulls new site contact team",
    ),
    Site(
        "steam",
        words="steamcommunity สตีม",
        hosts="steamcommunity.com",
        groups={"login": r"[a-z0-9_-]{2,32}", "id": r"7656119[0-9]{10}", "code": r"[A-Za-z0-9-]{4,20}"},
        pages=(
            page("/id/<login>"),
            page("/profiles/<id>", "id=<id>"),
            page("s.team/p/<code>", "p/<code>"),
            post("/id/<login>/**"),
            post("/profiles/<id>/**", "id=<id>"),
        ),
        written=ID_OR_HANDLE,
    ),
    Site(
        "tinder",
        words="ทินเดอร์",
        hosts="tinder.com gotinder.com",
        groups={"login": r"[a-z0-9._-]{2,30}"},
        pages=(page("/@<login>"),),
        written=HANDLE,
    ),
    Site(
        "mastodon",
        words="fediverse มาสโตดอน",
        hosts="mastodon.social mastodon.online mstdn.social mstdn.jp mas.to mastodon.world mastodon.cloud "
        "infosec.exchange pawoo.net techhub.social",
        groups={
            "login": _FEDIVERSE_NAME,
            "host": r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z]",
        },
        folded=frozenset({"login", "host"}),
        pages=(
            page("/@<login>@<host>", "<login>@<host>"),
            page("/{@|users/}<login>", "<login>@<host>"),
            post("/{@|users/}<login>/**", "<login>@<host>"),
        ),
        written=(page("<login>@<host>", "<login>@<host>"), page("@<login>@<host>", "<login>@<host>")),
    ),
)
