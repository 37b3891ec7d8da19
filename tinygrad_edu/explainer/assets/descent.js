// What the pages about gradient descent share: numbers, a plot, a table, and the slider for the learning rate.

const WIDTH = 640, HEIGHT = 440, EDGE = 52;
const plot = byId("plot");

// Six digits, but whole numbers whole.
function shown(number) {
  const isWhole = Number.isInteger(number) && Math.abs(number) < 1e15;
  return String((isWhole ? number : Number(number.toPrecision(6))) + 0).replace("+", "").replace(/-/g, "−");
}
const factor = (number) => (number < 0 ? `(${shown(number)})` : shown(number));
// For a table on a narrow screen.
function brief(number) {
  const size = Math.abs(number);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return number.toExponential(3).replace("+", "").replace(/-/g, "−");
  return shown(Number.isInteger(number) ? number : Number(number.toPrecision(5)));
}

function draw(svg, name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  svg.append(made);
}

const drawLine = (name, x1, y1, x2, y2) => draw(plot, "line", { class: name, x1, y1, x2, y2 });
const drawPath = (name, places) => draw(plot, "polyline", { class: name, points: places.map((place) => place.join(",")).join(" ") });
const drawText = (words, x, y, anchor = "start") => draw(plot, "text", { x, y, "text-anchor": anchor }, words);

// The steps up to the present one, which is larger.
function drawSteps(places, size) {
  drawPath("path", places);
  places.forEach(([cx, cy], i) => draw(plot, "circle", { class: "point", cx, cy, r: i === places.length - 1 ? 8 : size }));
}

// From numbers to places in the plot.
function scales(x0, x1, y0, y1) {
  return [(x) => EDGE + ((x - x0) / (x1 - x0)) * (WIDTH - 2 * EDGE), (y) => HEIGHT - EDGE - ((y - y0) / (y1 - y0)) * (HEIGHT - 2 * EDGE)];
}

function showTable(columns, rows) {
  byId("columns").replaceChildren(...columns.map((name) => heading(name, "col")));
  byId("state").replaceChildren(...rows.map(({ cells, isLit }) => {
    const row = element("tr", "");
    row.classList.toggle("lit", isLit);
    row.append(...cells.map((cell, position) => element(position ? "td" : "th", cell, position ? {} : { scope: "row" })));
    return row;
  }));
}

// --- the learning rate ---

const RATES = {
  en: { rate: "learning rate η = {0}" },
  zh: { rate: "学习率 η = {0}" },
};
const rateSlider = byId("rate");
let rate = data.rate;

// How ηλ compares with 1 and 2: the name of a sentence.
function regime() {
  const product = Number((rate * data.curvature).toPrecision(9));
  if (product <= 0) return "none";
  if (product < 1) return "direct";
  if (product === 1) return "once";
  if (product < 2) return "swing";
  return product === 2 ? "forever" : "away";
}

function showRate() {
  byId("rateLabel").textContent = say(RATES[language].rate, [shown(rate)]);
  rateSlider.setAttribute("aria-valuetext", shown(rate));
  byId("scale").replaceChildren(...[[100, "1/λ"], [200, "2/λ"]].map(([count, name]) => {
    const share = count / rateSlider.max, isCrowded = count === 100 && share < 0.2;
    const mark = element("span", isCrowded ? "" : `${name} = ${brief(count / 100 / data.curvature)}`);
    mark.style.left = `calc(8px + (100% - 16px) * ${share})`; // where the middle of the slider's knob is then
    return mark;
  }));
}

// The slider counts ηλ in hundredths, so that it comes to stand exactly at 1/λ and at 2/λ.
function offerRates(redraw) {
  byId("rates").hidden = false;
  rateSlider.max = Math.max(250, Math.ceil(110 * data.rate * data.curvature));
  rate = asked("rate", 0, rateSlider.max / 100 / data.curvature, data.rate);
  rateSlider.value = 100 * rate * data.curvature;
  rateSlider.addEventListener("input", () => {
    rate = rateSlider.valueAsNumber / 100 / data.curvature;
    redraw();
  });
}
