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

// The steps up to the present one, which is larger. Where they are crowded they are small, so that one sees each.
function drawSteps(places, size) {
  drawPath("path", places);
  const isNear = ([x, y], i) => places.some(([a, b], j) => i !== j && Math.hypot(a - x, b - y) < 2 * size);
  places.forEach((place, i) => draw(plot, "circle", {
    class: "point", cx: place[0], cy: place[1], r: i === places.length - 1 ? 8 : isNear(place, i) ? size / 2 : size,
  }));
}

// The names θ₀, θ₁, … beside the steps, the latest first; one that would cover another text is left out.
function drawNames(places) {
  const boxes = [...plot.querySelectorAll("text")].map((text) => text.getBBox());
  const covers = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  places.map(([x, y], i) => [x, y, i]).reverse().forEach(([x, y, i]) => {
    const isLeft = x < WIDTH / 2;
    drawText(`θ${subscript(i)}`, x + (isLeft ? -12 : 12), y + 8, isLeft ? "end" : "start");
    const box = plot.lastChild.getBBox();
    if (boxes.some((other) => covers(box, other))) plot.lastChild.remove();
    else boxes.push(box);
  });
}
const subscript = (number) => String(number).replace(/./g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

// The axis of a parabola over θ, with its ends and its minimum.
function drawAxisOfTheta(x0, x1, x, format, words) {
  drawLine("axis", EDGE, HEIGHT - EDGE, WIDTH - EDGE, HEIGHT - EDGE);
  drawText(format(x0), 8, HEIGHT - EDGE + 22);
  drawText(`θ* = ${format(data.minimum)}`, x(data.minimum), HEIGHT - EDGE + 22, "middle");
  drawText(format(x1), WIDTH - 8, HEIGHT - EDGE + 22, "end");
  drawText("θ", WIDTH - EDGE + 8, HEIGHT - EDGE - 8);
  drawText(`${words.loss} L(θ)`, 8, 24);
}

// From numbers to places in the plot.
function scales(x0, x1, y0, y1) {
  return [(x) => EDGE + ((x - x0) / (x1 - x0)) * (WIDTH - 2 * EDGE), (y) => HEIGHT - EDGE - ((y - y0) / (y1 - y0)) * (HEIGHT - 2 * EDGE)];
}

const vector = (numbers) => (numbers.length === 1 ? shown(numbers[0]) : `(${numbers.slice(0, 4).map(shown).join(", ")}${numbers.length > 4 ? ", …" : ""})`);

// What a step of a training saw: its epoch, and its samples, counted from 1.
const SEEN = {
  en: { epoch: ", epoch {0}", samples: ", samples {0}", sample: ", sample {0}" },
  zh: { epoch: "，第 {0} 个 epoch", samples: "，样本 {0}", sample: "，样本 {0}" },
};
function seen({ epoch, samples }) {
  const words = SEEN[language], numbers = samples.slice(0, 6).map((row) => row + 1).join(", ");
  return say(words.epoch, [epoch]) + say(samples.length > 1 ? words.samples : words.sample, [numbers + (samples.length > 6 ? ", …" : "")]);
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
function regime(curvature = data.curvature) {
  const product = Number((rate * curvature).toPrecision(9));
  if (product <= 0) return "none";
  if (product < 1) return "direct";
  if (product === 1) return "once";
  if (product < 2) return "swing";
  return product === 2 ? "forever" : "away";
}

function showRate(curvature = data.curvature) {
  byId("rateLabel").textContent = say(RATES[language].rate, [shown(rate)]);
  rateSlider.setAttribute("aria-valuetext", shown(rate));
  byId("scale").replaceChildren(...[[100, "1/λ"], [200, "2/λ"]].map(([count, name]) => {
    const share = count / rateSlider.max, isCrowded = count === 100 && share < 0.2;
    const mark = element("span", isCrowded ? "" : `${name} = ${brief(count / 100 / curvature)}`);
    mark.style.left = `calc(8px + (100% - 16px) * ${share})`; // where the middle of the slider's knob is then
    return mark;
  }));
}

// The slider counts ηλ in hundredths, so that it comes to stand exactly at 1/λ and at 2/λ.
function offerRates(redraw, curvature = data.curvature) {
  byId("rates").hidden = false;
  rateSlider.max = Math.max(250, Math.ceil(110 * data.rate * curvature));
  rate = asked("rate", 0, rateSlider.max / 100 / curvature, data.rate);
  rateSlider.value = 100 * rate * curvature;
  rateSlider.addEventListener("input", () => {
    rate = rateSlider.valueAsNumber / 100 / curvature;
    redraw();
  });
}
