"""A browser and its screens. Every page is checked for policy violations, errors, and findings of axe."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

AXE = Path(__file__).parent / "axe.min.js"
WIDTHS = (390, 1280)
LANGUAGES = ("en", "th")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_LISTEN = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
# Only violations are collected in full. The passes of axe are skipped.
_VIOLATIONS = """
tags => axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
  .then(result => result.violations)
"""
# What can be pressed, but is less than 24 pixels high or wide (WCAG 2.2, 2.5.8), as a list of texts. A link within a
# sentence is exempt.
_SMALL = r"""
() => {
  const blockOf = (element) => {
    while (getComputedStyle(element).display === "inline") element = element.parentElement;
    return element;
  };
  const isInSentence = (link) => {
    if (link.tagName !== "A" || getComputedStyle(link).display !== "inline") return false;
    const block = blockOf(link), texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const around = texts.currentNode.parentElement;
      if (/[\p{L}\p{N}]/u.test(texts.currentNode.textContent) && !around.closest("a, button, .hidden") &&
          blockOf(around) === block) return true;
    }
    return false;
  };
  return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((target) => target.checkVisibility({visibilityProperty: true}) && !target.closest(".hidden, .skip"))
    .filter((target) => {
      const box = target.getBoundingClientRect();
      return box.width && box.height && (box.width < 23.99 || box.height < 23.99) && !isInSentence(target);
    })
    .map((target) => target.outerHTML.slice(0, 200));
}
"""
# Texts that a person reads, also those that are folded. Code and the texts in fields are left out.
_TEXTS = """
() => {
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim();
    if (text && !texts.currentNode.parentElement.closest("script, style, code, pre, kbd, textarea")) found.push(text);
  }
  for (const name of ["placeholder", "aria-label", "title"])
    for (const element of document.querySelectorAll(`[${name}]`)) found.push(element.getAttribute(name));
  return found;
}
"""
# Names of fields, times as programs write them, and ids of objects.
_FOR_PROGRAMS = re.compile(
    r"(?<![\w@./:-])[a-z]+(?:_[a-z]+)+(?![\w@/]|[:-]\w)|\d{4}-\d\d-\d\dT\d\d:|\b[a-z-]+--[0-9a-f]{8}-"
)
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium."""
    assert CHROMIUM, "there is no Chromium: apt-get install chromium fonts-noto-core"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Screen:
    """One person's browser at a hub: a language, a width, and the errors on its pages so far."""

    context: BrowserContext
    address: str
    language: str
    wrong: list[str] = field(default_factory=list)
    # Page statuses that a test expects. The browser reports each of them as an error.
    expected: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Watch the page."""
        # The browser stores axe for all its pages. Sending it to each page took as long as its checks.
        self.context.add_init_script(path=AXE)
        self.page: Page = self.context.new_page()
        self.page.add_init_script(_LISTEN)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("request", lambda request: self._check_host(request.url))

    @property
    def is_narrow(self) -> bool:
        """Return whether the page is as narrow as a telephone."""
        return bool(self.page.evaluate("window.innerWidth") == min(WIDTHS))

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page of the hub, and check its appearance."""
        self.expected.add(status)
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        self.check()
        self.picture(path.split("?")[0])
        return self.page

    def picture(self, of: str) -> None:
        """Take a screenshot of the current page if a developer requested it."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            name = re.sub(r"[^a-z-]+", "-", of).strip("-")[:40] or "front"
            width = self.page.evaluate("window.innerWidth")
            self.page.screenshot(path=f"{folder}/{name}-{self.language}-{width}.png", full_page=True)

    def press(self, name: str) -> None:
        """Press the button with this name, and wait for the result."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.page.wait_for_load_state("networkidle")

    def check(self) -> None:
        """Check the page: no violation, no error, no finding of axe, no small target, no word of programs.

        It is not wider than the screen.
        """
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found: list[dict[str, Any]] = self.page.evaluate(_VIOLATIONS, tags)
        faults = [f"{fault['id']}: {json.dumps([node['html'] for node in fault['nodes']][:3])}" for fault in found]
        assert not faults, f"{self.page.url}: {faults}"
        assert self.page.evaluate(_WIDER) <= 0, f"{self.page.url} is wider than the screen"
        small = self.page.evaluate(_SMALL)
        assert not small, f"{self.page.url} has targets below 24 pixels: {small[:5]}"
        machine = [text for text in self.texts() if _FOR_PROGRAMS.search(text)]
        assert not machine, f"{self.page.url} has words of programs: {machine[:5]}"
        assert not self.wrong, f"{self.page.url}: {self.wrong}"
        assert self.page.locator("html").get_attribute("lang") == self.language

    def texts(self) -> list[str]:
        """Return the texts of the page that a person reads, also those that are folded."""
        found: list[str] = self.page.evaluate(_TEXTS)
        return found

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(f"status of {status}" in text for status in self.expected):
            self.wrong.append(text)

    def _check_host(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.wrong.append(f"asked elsewhere: {url}")


@contextmanager
def screen(browser: Browser, address: str, language: str = "en", width: int = 1280) -> Iterator[Screen]:
    """Open a browser for a separate person, without other cookies."""
    locale = {"en": "en-GB", "th": "th-TH"}[language]
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=locale)
    context.set_default_timeout(60_000)
    try:
        yield Screen(context, address, language)
    finally:
        context.close()
