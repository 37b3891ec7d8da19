"use strict";
// What is common to all pages: the data, the language, and what the address says (#lang=zh&step=3).

const data = JSON.parse(document.getElementById("data").textContent);
const address = new URLSearchParams(location.hash.slice(1));
let language = address.get("lang") || (navigator.language.startsWith("zh") ? "zh" : "en");

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A sentence with {0}, {1} for names.
function say(words, names = []) {
  return words.replace(/\{(\d)\}/g, (_, position) => names[position] ?? "");
}

function speak(words, redraw) {
  const button = document.getElementById("language");
  const apply = () => {
    document.documentElement.lang = language;
    for (const place of document.querySelectorAll("[data-words]")) place.textContent = words[language][place.dataset.words];
    for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", words[language][place.dataset.label]);
    button.textContent = language === "en" ? "中文" : "English";
    button.lang = language === "en" ? "zh" : "en";
    redraw();
  };
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    apply();
  });
  apply();
}
