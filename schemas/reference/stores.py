"""Stores of apps, and the names by which they know an app."""

from schemas.reference.sites import Site, Sites, page

# Android: two parts at least, each begins with a letter (developer.android.com, "Set the application ID").
_PACKAGE = r"(?=.{3,150}$)[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)+"
# Apple: letters, digits, hyphens and full stops, without difference of case (CFBundleIdentifier).
_BUNDLE = r"(?=.{3,155}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+"
_EXTENSION = r"[a-p]{32}"

_ON_ANDROID = "android:<package>"


def _android(name: str, words: str, hosts: str, *templates: str) -> Site:
    """Return a store that knows apps by their package, whose name is the same in all of them."""
    pages = tuple(page(template, _ON_ANDROID) for template in templates)
    written = (page("android:<package>", _ON_ANDROID), page("<package>", _ON_ANDROID))
    return Site(name, words, hosts, {"package": _PACKAGE}, pages, written)


STORES = Sites(
    (
        _android(
            "android",
            "google-play play playstore googleplaystore apk แอนดรอยด์ เพลย์สโตร์ กูเกิลเพลย์",
            "play.google.com",
            "/store/apps/details?id=<package>",
            "/apps/testing/<package>",
            "market://details?id=<package>",
        ),
        _android(
            "galaxy-store",
            "samsung samsunggalaxystore galaxyapps",
            "galaxystore.samsung.com apps.samsung.com",
            "/detail/<package>",
            "/appquery/appDetail.as?appId=<package>",
            "samsungapps://productdetail/<package>",
        ),
        _android(
            "amazon-appstore",
            "amazon amazonapps",
            "",
            "amazon.com/gp/mas/dl/android?p=<package>",
            "amzn://apps/android?p=<package>",
        ),
        _android("f-droid", "fdroid", "f-droid.org", "/packages/<package>", "/*/packages/<package>"),
        _android(
            "apkpure",
            "",
            "apkpure.com apkpure.net",
            "/*/<package>",
            "/*/<package>/{download|versions}",
            "/*/*/<package>",
            "/*/*/<package>/{download|versions}",
        ),
        _android("apkcombo", "", "apkcombo.com apkcombo.app", "/*/<package>", "/*/<package>/**", "/*/*/<package>"),
        _android("rustore", "", "rustore.ru", "/catalog/app/<package>", "apps.rustore.ru/app/<package>"),
        _android(
            "xiaomi-getapps",
            "xiaomi getapps mimarket miappstore",
            "app.mi.com global.app.mi.com",
            "/details?id=<package>",
            "mimarket://details?id=<package>",
        ),
        _android(
            "tencent-appstore",
            "myapp yingyongbao 应用宝",
            "sj.qq.com a.app.qq.com",
            "/appdetail/<package>",
            "/myapp/detail.htm?apkName=<package>",
            "/o/simple.jsp?pkgname=<package>",
        ),
        Site(
            "ios",
            "apple app-store appleappstore itunes iphone ipad ipados แอปสโตร์ แอพสโตร์ ไอโอเอส ไอโฟน",
            "apps.apple.com itunes.apple.com itms-apps://itunes.apple.com itms-apps://apps.apple.com",
            {"bundle": _BUNDLE, "number": r"[1-9][0-9]{5,11}"},
            pages=(
                page("/app/id<number>", "app-store:<number>"),
                page("/app/*/id<number>", "app-store:<number>"),
                page("/*/app/id<number>", "app-store:<number>"),
                page("/*/app/*/id<number>", "app-store:<number>"),
            ),
            written=(
                page("{id|}<number>", "app-store:<number>"),
                page("ios:<bundle>", "ios:<bundle>"),
                page("<bundle>", "ios:<bundle>"),
            ),
            folded=frozenset({"bundle"}),
        ),
        Site(
            "testflight",
            groups={"code": r"[A-Za-z0-9]{6,16}"},
            pages=(page("testflight.apple.com/join/<code>", "testflight:<code>"),),
            written=(page("<code>", "testflight:<code>"),),
        ),
        Site(
            "appgallery",
            "huawei huaweiappgallery",
            "appgallery.huawei.com appgallery7.huawei.com appgallery.cloud.huawei.com",
            {"number": r"C[1-9][0-9]{5,14}"},
            pages=(
                page("/app/<number>", "appgallery:<number>"),
                page("/#/app/<number>", "appgallery:<number>"),
                page("/#/*/app/<number>", "appgallery:<number>"),
            ),
            written=(page("<number>", "appgallery:<number>"),),
        ),
        Site(
            "microsoft-store",
            "windows windowsstore microsoft",
            "apps.microsoft.com",
            {"product": r"[0-9a-z]{12}"},
            pages=(
                page("/{detail/|store/detail/}<product>", "microsoft-store:<product>"),
                page("/{detail|store/detail}/*/<product>", "microsoft-store:<product>"),
                page("ms-windows-store://pdp/?productid=<product>", "microsoft-store:<product>"),
            ),
            written=(page("<product>", "microsoft-store:<product>"),),
            folded=frozenset({"product"}),
        ),
        Site(
            "chrome-web-store",
            "chrome chromewebstore chromeextension",
            "chromewebstore.google.com",
            {"extension": _EXTENSION},
            pages=(
                page("/detail/<extension>", "chrome-web-store:<extension>"),
                page("/detail/*/<extension>", "chrome-web-store:<extension>"),
                page("chrome.google.com/webstore/detail/*/<extension>", "chrome-web-store:<extension>"),
            ),
            written=(page("<extension>", "chrome-web-store:<extension>"),),
        ),
        Site(
            "edge-add-ons",
            "edge edgeextension",
            "",
            {"extension": _EXTENSION},
            pages=(page("microsoftedge.microsoft.com/addons/detail/*/<extension>", "edge-add-ons:<extension>"),),
            written=(page("<extension>", "edge-add-ons:<extension>"),),
        ),
        Site(
            "firefox-add-ons",
            "firefox mozilla firefoxextension",
            "addons.mozilla.org",
            {"slug": r"[a-z0-9_-]{2,80}"},
            pages=(
                page("/firefox/addon/<slug>", "firefox-add-ons:<slug>"),
                page("/*/{firefox|android}/addon/<slug>", "firefox-add-ons:<slug>"),
            ),
            written=(page("<slug>", "firefox-add-ons:<slug>"),),
            folded=frozenset({"slug"}),
        ),
    )
)
