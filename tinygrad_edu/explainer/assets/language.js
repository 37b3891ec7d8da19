"use strict";
// What is common to all pages: the data, the language, and what the address says (#lang=zh&step=3).

const data = JSON.parse(document.getElementById("data").textContent);
const address = new URLSearchParams(location.hash.slice(1));
const LANGUAGES = ["en", "zh"];
let language = [address.get("lang"), data.language, navigator.language.slice(0, 2)].find((wanted) => LANGUAGES.includes(wanted)) ?? "en";

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

// A formula as an element, from its tree: a name, attributes if there are any, then elements or a text.
function math(tree) {
  const made = ([name, ...inside]) => {
    const part = document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
    for (const piece of inside) {
      if (typeof piece === "string" || Array.isArray(piece)) part.append(Array.isArray(piece) ? made(piece) : piece);
      else for (const [key, value] of Object.entries(piece)) part.setAttribute(key, value);
    }
    return part;
  };
  return made(["math", { lang: "en" }, tree]);
}

// The same tree with {0}, {1} in its texts replaced by numbers.
const filled = (tree, numbers) => tree.map((part) => (typeof part === "string" ? say(part, numbers) : Array.isArray(part) ? filled(part, numbers) : part));

// The heading of a column or of a row: words, or a formula.
function heading(name, scope) {
  const made = element("th", "", { scope });
  made.append(Array.isArray(name) ? math(name) : name);
  made.querySelector("math")?.setAttribute("aria-label", made.textContent);
  return made;
}

// Formulas below one another.
function tellFormulas(trees) {
  byId("formulas").replaceChildren(...trees.map((tree) => {
    const line = element("div", "");
    line.append(math(tree));
    line.firstChild.setAttribute("displaystyle", "true");
    return line;
  }));
}

// A sentence in its place, with formulas for {0}, {1}. A bracket before a formula and a sign after it stay on its line.
function tell(place, words, names = []) {
  const parts = words.split(/([(（]?\{\d\}[:;,.)：；，。）、]*)/);
  place.replaceChildren(...parts.map((part, i) => {
    if (i % 2 === 0) return part;
    const [before, position, after] = part.split(/[{}]/), together = element("span", "", { class: "together" });
    together.append(before, math(names[position]), after);
    return together;
  }));
}

// A frame's surroundings say whether they are light or dark, and want to know how high the frame has to be, and what it is about.
const around = new ResizeObserver(tellAround);
function tellAround() {
  if (document.documentElement.classList.contains("framed")) parent.postMessage({ height: document.documentElement.offsetHeight, title: document.title }, "*");
}
addEventListener("message", ({ data: { scheme }, source }) => {
  if (source !== parent || parent === window || !["light", "dark"].includes(scheme)) return;
  document.documentElement.style.colorScheme = scheme;
  document.documentElement.classList.add("framed");
  tellAround(); // an observer sleeps while the frame is not in sight
  around.observe(document.documentElement);
});

function speak(words, redraw) {
  for (const name of LANGUAGES) words[name] = { ...words[name], title: data.titles[name] };
  const button = byId("language");
  const apply = () => {
    document.documentElement.lang = language;
    for (const place of document.querySelectorAll("[data-words]")) place.textContent = words[language][place.dataset.words];
    for (const place of document.querySelectorAll("[data-label]")) place.setAttribute("aria-label", words[language][place.dataset.label]);
    button.textContent = language === "en" ? "中文" : "English";
    button.lang = language === "en" ? "zh" : "en";
    for (const way of document.querySelectorAll("#ways a")) way.setAttribute("href", `${way.getAttribute("href").split("#")[0]}#lang=${language}`);
    document.title = words[language].title;
    redraw();
    tellAround();
  };
  button.addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    apply();
  });
  apply();
}
