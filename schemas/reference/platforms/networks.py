"""Social networks, with public profiles."""

from schemas.reference.sites import HANDLE, ID_OR_HANDLE, Site, page, post

# Letters of every script, digits, and of ASCII punctuation only . - and _
_WORDY = (
    r"[^\x00-,/:-@\[-^`{-\xa0\xad\u0600-\u0605\u061c\u1680\u180e\u2000-\u206f\u3000\ud800-\uf8ff\ufeff\ufff0-\uffff"
    r"\U000e0000-\U0010ffff]"
)
_TABS = "{about|photos|videos|reels|posts|friends|followers|following|reviews|mentions|community|services|shop|events}"
_INSTAGRAM = r"(?!\.)(?!.*\.\.)[a-z0-9._]{1,30}(?<!\.)"
_CHANNEL = "{videos|shorts|streams|featured|about|playlists|community|live|releases|podcasts|store|search|join}"

NETWORKS = (
    Site(
        "facebook",
        words="fb meta messenger facebookmessenger fbmessenger เฟซบุ๊ก เฟซบุ๊ค เฟสบุ๊ค เฟสบุ๊ก เฟส แมสเซนเจอร์",
        hosts="facebook.com fb.com fb.me m.me messenger.com",
        groups={"login": r"(?=[a-z0-9.]*[a-z])(?:\.?[a-z0-9]){5,50}\.?", "id": r"[1-9][0-9]{0,19}"},
        dropped=".",  # "john.smith" and "johnsmith" are one user name there
        pages=(
            page("/profile.php?id=<id>", "id=<id>"),
            page("/{people|pages}/*/<id>", "id=<id>"),
            page("/pages/category/*/*-<id>", "id=<id>"),
            page("/p/*-<id>", "id=<id>"),
            page("/pg/<id>", "id=<id>"),
            page("/pg/*-<id>", "id=<id>"),
            page("/pg/<login>"),
            page(f"/pg/<login>/{_TABS}"),
            page("/groups/<id>", "id=<id>"),
            page("/groups/<login>", "groups/<login>"),
            page("/{t|messages/t}/<id>", "id=<id>"),
            page("/{t|messages/t}/<login>"),
            page("/<id>", "id=<id>"),
            page(f"/<id>/{_TABS}", "id=<id>"),
            page("/*-<id>", "id=<id>"),
            page("/<login>"),
            page(f"/<login>/{_TABS}"),
            page("fb://{profile|page|group}/<id>", "id=<id>"),
            post("/{permalink|story}.php?id=<id>", "id=<id>"),
            post(f"/<id>/{_TABS}/**", "id=<id>"),
            post(f"/<login>/{_TABS}/**"),
        ),
        written=ID_OR_HANDLE,
        reserved="login watch reel reels events marketplace ads adsmanager business help hashtag share sharer "
        "sharer.php l.php photo photo.php photos story.php permalink.php video video.php videos plugins "
        "dialog policies privacy gaming games stories public search settings notes media home home.php "
        "r.php recover checkpoint apps legal terms profile.php friends bookmarks saved places offers "
        "fundraisers donate careers instantgames groups pages people messages notifications login.php "
        "index.php signup about security support",
        elsewhere="fb.watch fb.gg l.facebook.com lm.facebook.com business.facebook.com apps.facebook.com",
    ),
    Site(
        "instagram",
        words="ig insta ไอจี อินสตาแกรม อินสตราแกรม",
        hosts="instagram.com instagr.am",
        groups={"login": _INSTAGRAM},
        pages=(
            page("/<login>"),
            page("/<login>/{tagged|reels|channel|followers|following}"),
            page("/_u/<login>"),
            page("ig.me/m/<login>"),
            page("instagram://user?username=<login>"),
            post("/stories/<login>/**"),
            post("/<login>/{p|reel|tv|live}/**"),
        ),
        written=HANDLE,
        reserved="p reel reels tv explore stories accounts direct about legal developer web challenge emails press api "
        "oauth directory s ar graphql highlights",
        elsewhere="l.instagram.com help.instagram.com",
    ),
    Site(
        "threads",
        words="เธรดส์ เทรดส์",
        hosts="threads.net threads.com",
        groups={"login": _INSTAGRAM},
        pages=(page("/@<login>"), page("/@<login>/{replies|media|reposts}"), post("/@<login>/post/**")),
        written=HANDLE,
    ),
    Site(
        "tiktok",
        words="tt ติ๊กต็อก ติ๊กตอก ติ๊กต๊อก ติกต็อก",
        hosts="tiktok.com",
        groups={"login": r"[a-z0-9_.]{2,24}(?<!\.)", "id": r"[1-9][0-9]{4,19}"},
        pages=(
            page("/@<login>"),
            page("/@<login>/live"),
            page("/{h5/share/usr|share/user}/<id>", "id=<id>"),
            post("/@<login>/{video|photo|story}/**"),
        ),
        written=HANDLE,
        elsewhere="vm.tiktok.com vt.tiktok.com",
    ),
    Site(
        "twitter",
        words="x xtwitter twitterx ทวิตเตอร์",
        hosts="x.com twitter.com",
        groups={"login": r"[a-z0-9_]{1,15}", "id": r"[1-9][0-9]{0,19}"},
        pages=(
            page("/intent/user?user_id=<id>", "id=<id>"),
            page("/intent/{user|follow}?screen_name=<login>"),
            page("/i/user/<id>", "id=<id>"),
            page("/<login>"),
            page("/@<login>"),
            page("/<login>/{with_replies|media|likes|followers|following|highlights|articles|photo|header_photo}"),
            page("/#!/<login>"),
            page("twitter://user?screen_name=<login>"),
            page("twitter://user?id=<id>", "id=<id>"),
            post("/<login>/{status|statuses}/**"),
        ),
        written=HANDLE,
        reserved="home i intent share search hashtag explore notifications messages settings login logout signup tos "
        "privacy about compose download jobs account oauth who_to_follow following followers lists help",
        elsewhere="t.co",
    ),
    Site(
        "youtube",
        words="yt ยูทูบ ยูทูป",
        hosts="youtube.com music.youtube.com",
        groups={
            "login": rf"(?!uc[a-z0-9_-]{{22}}$){_WORDY}{{3,30}}",
            "id": r"UC[A-Za-z0-9_-]{22}",
            "old": rf"(?!UC){_WORDY}{{1,60}}",
        },
        folded=frozenset({"login", "old"}),
        pages=(
            page("/@<login>"),
            page(f"/@<login>/{_CHANNEL}"),
            page("/channel/<id>", "id=<id>"),
            page(f"/channel/<id>/{_CHANNEL}", "id=<id>"),
            page("/c/<old>", "c/<old>"),
            page(f"/c/<old>/{_CHANNEL}", "c/<old>"),
            page("/user/<old>", "user/<old>"),
            page(f"/user/<old>/{_CHANNEL}", "user/<old>"),
        ),
        written=(page("<id>", "id=<id>"), page("channel/<id>", "id=<id>"), page("<login>"), page("@<login>")),
        elsewhere="youtu.be",
    ),
    Site(
        "linkedin",
        words="li ลิงก์อิน ลิงค์อิน ลิงก์ดอิน",
        hosts="linkedin.com",
        groups={"login": rf"{_WORDY}{{3,100}}", "group": r"[0-9]{2,12}"},
        pages=(
            page("/in/<login>"),
            page("/in/<login>/{en|th|de|fr|es}"),
            page("/company/<login>", "company/<login>"),
            page("/company/<login>/{about|posts|jobs|people|life}", "company/<login>"),
            page("/school/<login>", "school/<login>"),
            page("/showcase/<login>", "showcase/<login>"),
            page("/groups/<group>", "groups/<group>"),
            post("/in/<login>/**"),
        ),
        written=(page("in/<login>"), page("<login>"), page("@<login>")),
        elsewhere="lnkd.in",
    ),
    Site(
        "pinterest",
        hosts="pinterest.com pinterest.co.uk pinterest.de pinterest.fr pinterest.es pinterest.it pinterest.ca "
        "pinterest.ph pinterest.jp pinterest.co.kr pinterest.com.au pinterest.com.mx pinterest.se pinterest.pt",
        groups={"login": r"[a-z0-9_]{3,30}"},
        pages=(page("/<login>"), page("/<login>/{_saved|_created|pins|boards}"), post("/<login>/**")),
        written=HANDLE,
        reserved="pin pins ideas search today settings business login about topics categories explore _ help",
        elsewhere="pin.it",
    ),
    Site(
        "bluesky",
        words="bsky บลูสกาย",
        hosts="bsky.app",
        groups={
            "login": r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z]",
            "id": r"did:(?:plc:[a-z2-7]{24}|web:[a-z0-9.%-]{4,253})",
        },
        pages=(
            page("/profile/<id>", "id=<id>"),
            page("/profile/<login>"),
            post("/profile/<id>/**", "id=<id>"),
            post("/profile/<login>/**"),
        ),
        written=ID_OR_HANDLE,
    ),
)
