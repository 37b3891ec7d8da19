// A list of pages, in two languages.
speak({ en: { title: data.title.en }, zh: { title: data.title.zh } }, () => {
  byId("contents").replaceChildren(...data.pages.flatMap((entry) => [
    element("a", entry.title[language], { href: `${entry.file}#lang=${language}` }),
    element("p", entry.about[language]),
  ]));
});
