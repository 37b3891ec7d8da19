"use strict";
// What is common to all pages: the data, the language, and what the address says (#lang=zh&step=3).

const data = JSON.parse(document.getElementById("data").textContent);
const address = new URLSearchParams(location.hash.slice(1));
const LANGUAGES = ["en", "zh"];
let language = [address.get("lang"), navigator.language.slice(0, 2)].find((wanted) => LANGUAGES.includes(wanted)) ?? "en";

const byId = (id) => document.getElementById(id);

// A number that the address asks for, within bounds.
function asked(name, least, most, otherwise) {
  const number = parseFloat(address.get(name));
  return Number.isNaN(number) ? otherwise : Math.min(Math.max(number, least), most);
}

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

// The same as what stands in a place. Names and formulas are no Chinese: in its type a product would have a wide dot.
function tell(place, words, names = []) {
  const parts = words.split(/\{(\d)\}/);
  place.replaceChildren(...parts.map((part, i) => (i % 2 ? element("span", names[part] ?? "", { lang: "en" }) : part)));
}

function speak(words, redraw) {
  const button = byId("language");
  const apply = () => {
    document.documentElement.lang = language;
    for (const place of document.querySelectorAll("[data-words]")) place.textContent = words[language][place.dataset.words];
    for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", words[language][place.dataset.label]);
    button.textContent = language === "en" ? "中文" : "English";
    button.lang = language === "en" ? "zh" : "en";
    redraw();
    document.title = document.querySelector("h1").textContent;
  };
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    apply();
  });
  apply();
}
