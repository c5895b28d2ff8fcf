// Below each hit the search shows the words around it. Left alone it would begin with the page's own buttons, and look for the
// word's stem ("entropi" for entropy), which the text need not hold. Formulae are left out: nobody reads them as TeX.
if (typeof Search !== "undefined") {
  const around = Search.makeSearchSummary;
  Search.htmlToText = (page, anchor) => {
    const article = new DOMParser().parseFromString(page, "text/html").querySelector(".bd-article");
    article.querySelectorAll(".headerlink, .math, script, style").forEach((element) => element.remove());
    const part = (anchor && article.querySelector(anchor)) || article;
    return part.textContent.replace(/\s+/g, " ");
  };
  Search.makeSearchSummary = (page, words, anchor) => {
    const text = Search.htmlToText(page, anchor).toLowerCase();
    const found = [...words].map((word) => (text.includes(word) ? word : word.slice(0, -1))).filter((word) => text.includes(word));
    return around(page, found.length ? found : [text.slice(0, 20)], anchor);
  };
}
