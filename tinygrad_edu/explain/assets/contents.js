// A list of pages, in two languages.
speak({ en: {}, zh: {} }, () => {
  document.getElementById("title").textContent = data.title[language];
  document.getElementById("contents").replaceChildren(...data.pages.flatMap((entry) => [
    element("a", entry.title[language], { href: `${entry.file}#lang=${language}` }),
    element("p", entry.about[language]),
  ]));
});
