// Thai has no spaces between words. In the index each run of Thai is followed by its endings, which begin with U+2060
// (tools/site/finish.py). A search for Thai is one for its first letters. Results show an ending only if it was found.
const LETTER = "[\\u0e00-\\u0e7f][\\u0e31\\u0e34-\\u0e3a\\u0e47-\\u0e4e]*";
const LONG = new RegExp(`((?:${LETTER}){16})[\\u0e00-\\u0e7f]+`, "g");
const ENDING = / ?\u2060[\u0e00-\u0e7f]*/g;

function asWritten(text) {
  return text.replaceAll("<mark>\u2060", "<mark>…").replace(ENDING, "");
}

function asShown(result) {
  result.meta.title = asWritten(result.meta.title);
  for (const part of [result, ...result.sub_results]) {
    part.excerpt = asWritten(part.excerpt);
    if (part.title) part.title = asWritten(part.title);
  }
  return result;
}

const search = new PagefindUI({
  element: "#search",
  showSubResults: true,
  showImages: false,
  resetStyles: false,
  excerptLength: 40,
  processTerm: (term) => term.replace(LONG, "$1"),
  processResult: asShown,
});
const asked = new URLSearchParams(location.search).get("q");
if (asked) search.triggerSearch(asked);
