// A list of pages, in two languages.
speak({}, () => {
  byId("contents").replaceChildren(...data.pages.flatMap((entry) => {
    const about = element("p", "");
    tell(about, entry.about[language].words, entry.about[language].formulas);
    return [element("a", entry.title[language], { href: `${entry.file}#lang=${language}` }), about];
  }));
});
