// Gradient descent on a parabola, with a slider for the learning rate; or the perceptron's line, step by step.

const WORDS = {
  en: {
    title: data.kind === "parabola" ? "Gradient descent on a parabola" : "The perceptron's moving line",
    picture: data.kind === "parabola" ? "The loss over θ, with the steps on it" : "The samples and the line between both labels",
    back: "Step back", next: "Step on", slider: "Step", rate: "learning rate η = {0}", step: "Step {0} of {1}", begin: "The beginning",
    direct: "0 < ηλ < 1: every step goes part of the way to the minimum. It converges.",
    once: "ηλ = 1: one step leads to the minimum.",
    swing: "1 < ηλ < 2: every step goes beyond the minimum, but less and less. It converges, oscillating.",
    forever: "ηλ = 2: every step ends as far from the minimum as it began. It neither converges nor diverges.",
    away: "ηλ > 2: every step ends further from the minimum than it began. It diverges.",
    none: "η = 0: nothing moves.",
    curvature: "λ = {0} is the curvature: how fast the slope grows with θ. So every step multiplies the distance θ − θ* from the minimum by 1 − ηλ.",
    loss: "loss", gradient: "gradient", after: "θ after",
    sample: "sample", logit: "logit", right: "Every sample of this step is right, so nothing changes.",
    wrong: "Wrong samples (in a circle): {0} of {1}. The line (dashed: before) moves against the gradient.",
    start: "Here the line begins. Filled points have label 1; the shaded side is where the perceptron answers 1.",
    weightsAfter: "after: w = ({0}), b = {1}", weights: "w = ({0}), b = {1}", gradients: "gradients: ({0}) for w, {1} for b",
  },
  zh: {
    title: data.kind === "parabola" ? "抛物线上的梯度下降" : "感知机：移动的直线",
    picture: data.kind === "parabola" ? "损失关于 θ 的曲线及各步" : "样本与两类之间的直线",
    back: "上一步", next: "下一步", slider: "步骤", rate: "学习率 η = {0}", step: "第 {0} 步，共 {1} 步", begin: "起点",
    direct: "0 < ηλ < 1：每一步都向最小值走一段，收敛。",
    once: "ηλ = 1：一步到达最小值。",
    swing: "1 < ηλ < 2：每一步都越过最小值，但越来越近，振荡着收敛。",
    forever: "ηλ = 2：每一步之后离最小值与之前一样远，既不收敛也不发散。",
    away: "ηλ > 2：每一步之后离最小值更远，发散。",
    none: "η = 0：不动。",
    curvature: "λ = {0} 是曲率：斜率随 θ 增长的快慢。所以每一步都把到最小值的距离 θ − θ* 乘以 1 − ηλ。",
    loss: "损失", gradient: "梯度", after: "更新后 θ",
    sample: "样本", logit: "logit", right: "这一步的样本全部正确，所以不变。",
    wrong: "{1} 个样本中有 {0} 个错误（画圈）。直线（虚线：之前）逆着梯度移动。",
    start: "直线从这里开始。实心点的标签为 1；阴影一侧感知机输出 1。",
    weightsAfter: "更新后：w = ({0})，b = {1}", weights: "w = ({0})，b = {1}", gradients: "梯度：w 为 ({0})，b 为 {1}",
  },
};

const byId = (id) => document.getElementById(id);
const slider = byId("slider"), rateSlider = byId("rate"), plot = byId("plot");
// Six digits, but whole numbers whole.
const shown = (number) => String((Number.isInteger(number) ? number : Number(number.toPrecision(6))) + 0).replace(/-/g, "−");
// For a table on a narrow screen.
function brief(number) {
  const size = Math.abs(number);
  if (size >= 1e9 || (size > 0 && size < 1e-3)) return number.toExponential(3).replace("+", "").replace(/-/g, "−");
  return shown(Number.isInteger(number) ? number : Number(number.toPrecision(5)));
}
const WIDTH = 640, HEIGHT = 440, EDGE = 44;

function draw(svg, name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  svg.append(made);
}

// From numbers to places in the picture.
function scales(x0, x1, y0, y1) {
  return [(x) => EDGE + ((x - x0) / (x1 - x0)) * (WIDTH - 2 * EDGE), (y) => HEIGHT - EDGE - ((y - y0) / (y1 - y0)) * (HEIGHT - 2 * EDGE)];
}

function row(cells, isLit) {
  const made = element("tr", "");
  made.classList.toggle("lit", isLit);
  made.append(...cells.map((cell, position) => element(position ? "td" : "th", cell, position ? {} : { scope: "row" })));
  return made;
}

// --- the parabola ---

const MOST = 12;

const loss = (theta) => data.leastLoss + (data.curvature / 2) * (theta - data.minimum) ** 2;
const slope = (theta) => data.curvature * (theta - data.minimum);
const mostRate = Math.max(2.5 / data.curvature, 1.1 * data.rate);
let rate = data.rate;

function regime() {
  const product = Number((rate * data.curvature).toPrecision(9));
  if (product <= 0) return "none";
  if (product < 1) return "direct";
  if (product === 1) return "once";
  if (product < 2) return "swing";
  return product === 2 ? "forever" : "away";
}

function showParabola() {
  const words = WORDS[language], number = Number(slider.value);
  const path = [data.start];
  for (let step = 0; step < MOST; step++) path.push(path[step] - rate * slope(path[step]));
  const walked = path.slice(0, number + 1);
  const reach = 1.25 * Math.max(...walked.map((theta) => Math.abs(theta - data.minimum)), Math.abs(data.start - data.minimum));
  const [x0, x1] = [data.minimum - reach, data.minimum + reach];
  const [x, y] = scales(x0, x1, data.leastLoss, loss(x1));

  plot.replaceChildren();
  draw(plot, "line", { class: "axis", x1: EDGE, x2: WIDTH - EDGE, y1: HEIGHT - EDGE, y2: HEIGHT - EDGE });
  for (const [at, anchor, mark] of [[8, "start", x0], [x(data.minimum), "middle", data.minimum], [WIDTH - 8, "end", x1]])
    draw(plot, "text", { x: at, y: HEIGHT - EDGE + 22, "text-anchor": anchor }, shown(mark));
  draw(plot, "text", { x: WIDTH - EDGE + 8, y: HEIGHT - EDGE - 8 }, "θ");
  draw(plot, "text", { x: 8, y: 24 }, `${words.loss} L(θ)`);
  const places = Array.from({ length: 121 }, (_, i) => x0 + ((x1 - x0) * i) / 120);
  draw(plot, "polyline", { class: "curve", points: places.map((theta) => `${x(theta)},${y(loss(theta))}`).join(" ") });
  draw(plot, "line", { class: "bound", x1: x(data.minimum), x2: x(data.minimum), y1: y(data.leastLoss), y2: HEIGHT - EDGE + 6 });
  draw(plot, "polyline", { class: "path", points: walked.map((theta) => `${x(theta)},${y(loss(theta))}`).join(" ") });
  walked.forEach((theta, i) => {
    draw(plot, "circle", { class: "point", cx: x(theta), cy: y(loss(theta)), r: i === number ? 8 : 5 });
    if (i < 5 && Math.abs(theta - data.minimum) > reach / 30) draw(plot, "text", { x: x(theta) + (theta < data.minimum ? -10 : 10), y: y(loss(theta)) + 4, "text-anchor": theta < data.minimum ? "end" : "start" }, String(i));
  });

  const scale = byId("scale"), at = (value) => 8 + (value / mostRate) * (WIDTH - 16);
  scale.replaceChildren();
  for (const [value, name] of [[1 / data.curvature, "1/λ"], [2 / data.curvature, "2/λ"]]) {
    draw(scale, "line", { class: "bound", x1: at(value), x2: at(value), y1: 0, y2: 12 });
    draw(scale, "text", { x: at(value), y: 34, "text-anchor": "middle" }, `${name} = ${shown(value)}`);
  }
  byId("rateLabel").textContent = say(words.rate, [shown(rate)]);
  rateSlider.setAttribute("aria-valuetext", shown(rate));
  byId("phase").textContent = number ? say(words.step, [number, MOST]) : words.begin;
  byId("sentence").textContent = words[regime()];
  byId("hint").textContent = say(words.curvature, [shown(data.curvature)]);
  const theta = path[number], before = path[number - 1];
  byId("formulas").textContent = number
    ? `θ − η · dL/dθ = ${shown(before)} − ${shown(rate)} · ${slope(before) < 0 ? `(${shown(slope(before))})` : shown(slope(before))} = ${shown(theta)}\n1 − ηλ = ${shown(1 - rate * data.curvature)}\nθ − θ* = ${shown(theta - data.minimum)}`
    : `θ = ${shown(theta)}\nθ* = ${shown(data.minimum)}\nλ = ${shown(data.curvature)}`;
  byId("columns").replaceChildren(...[words.slider, "θ", words.loss, words.gradient, words.after].map((name) => element("th", name, { scope: "col" })));
  byId("state").replaceChildren(...path.slice(0, -1).map((theta, i) =>
    row([String(i + 1), ...[theta, loss(theta), slope(theta), path[i + 1]].map(brief)], i + 1 === number)));
}

// --- the line ---

function showLine() {
  const words = WORDS[language], number = Number(slider.value), count = data.steps.length;
  const step = number ? data.steps[number - 1] : null;
  const [weights, bias] = step ? [step.newWeights, step.newBias] : [data.steps[0].weights, data.steps[0].bias];
  const reach = 1.3 * Math.max(1, ...data.samples.flat().map(Math.abs));
  const [x, y] = scales((-reach * WIDTH) / HEIGHT, (reach * WIDTH) / HEIGHT, -reach, reach);
  const far = 4 * reach;

  plot.replaceChildren();
  // A place so far along the line with these weights, and so far from it on the side of label 1.
  const places = (weights, bias) => {
    const length = Math.hypot(...weights), normal = weights.map((weight) => weight / length);
    return (i, j) => [x((-normal[0] * bias) / length - i * far * normal[1] + j * far * normal[0]), y((-normal[1] * bias) / length + i * far * normal[0] + j * far * normal[1])];
  };
  const drawLine = (name, weights, bias) => {
    if (!Math.hypot(...weights)) return;
    const place = places(weights, bias), [x1, y1] = place(-1, 0), [x2, y2] = place(1, 0);
    if (name === "path") draw(plot, "polygon", { class: "side", points: [place(-1, 0), place(1, 0), place(1, 1), place(-1, 1)].map((at) => at.join(",")).join(" ") });
    draw(plot, "line", { class: name, x1, y1, x2, y2 });
  };
  drawLine("path", weights, bias);
  if (step) drawLine("bound", step.weights, step.bias);
  draw(plot, "line", { class: "axis", x1: 0, x2: WIDTH, y1: y(0), y2: y(0) });
  draw(plot, "line", { class: "axis", x1: x(0), x2: x(0), y1: 0, y2: HEIGHT });
  const { rows, errors } = step ?? data.steps[0];
  data.samples.forEach(([a, b], i) => {
    draw(plot, "circle", { class: data.targets[i] ? "one" : "zero", cx: x(a), cy: y(b), r: 8 });
    if (errors[rows.indexOf(i)]) draw(plot, "circle", { class: "wrong", cx: x(a), cy: y(b), r: 14 });
    draw(plot, "text", { x: x(a) + 18, y: y(b) - 8 }, `(${shown(a)}, ${shown(b)})`);
  });

  byId("phase").textContent = step ? say(words.step, [number, count]) : words.begin;
  const mistakes = step ? step.errors.filter(Boolean).length : 0;
  byId("sentence").textContent = !step ? words.start : mistakes ? say(words.wrong, [mistakes, step.errors.length]) : words.right;
  byId("formulas").textContent = step
    ? [say(words.gradients, [step.gradient.slice(0, 2).map(shown).join(", "), shown(step.gradient[2])]),
      say(words.weightsAfter, [weights.map(shown).join(", "), shown(bias)])].join("\n")
    : say(words.weights, [weights.map(shown).join(", "), shown(bias)]);
  byId("columns").replaceChildren(...[words.sample, words.logit, "y", "t", "t − y"].map((name) => element("th", name, { scope: "col" })));
  byId("state").replaceChildren(...(step ?? data.steps[0]).rows.map((sample, i) => {
    const { logits, outputs, errors } = step ?? data.steps[0];
    const cells = [logits[i], outputs[i], outputs[i] + errors[i], errors[i]].map(shown);
    return row([`(${data.samples[sample].map(shown).join(", ")})`, ...cells], errors[i] !== 0);
  }));
}

// --- stepping ---

const parabola = data.kind === "parabola";
const last = parabola ? MOST : data.steps.length;
slider.max = last;
byId("rates").hidden = !parabola;

function show() {
  (parabola ? showParabola : showLine)();
  slider.setAttribute("aria-valuetext", `${slider.value} / ${last}`);
  byId("back").disabled = Number(slider.value) === 0;
  byId("next").disabled = Number(slider.value) === last;
}

function go(number) {
  slider.value = Math.min(Math.max(number, 0), last);
  show();
}

slider.addEventListener("input", show);
byId("back").addEventListener("click", () => go(Number(slider.value) - 1));
byId("next").addEventListener("click", () => go(Number(slider.value) + 1));
rateSlider.addEventListener("input", () => {
  rate = (Number(rateSlider.value) / 1000) * mostRate;
  // Near the marks the slider holds on to them.
  for (const mark of [1 / data.curvature, 2 / data.curvature, data.rate]) if (Math.abs(rate - mark) < mostRate / 150) rate = mark;
  show();
});
document.addEventListener("keydown", (event) => {
  if (event.target.type === "range" || event.altKey || event.ctrlKey || event.metaKey) return;
  const moves = { ArrowRight: Number(slider.value) + 1, ArrowLeft: Number(slider.value) - 1, Home: 0, End: last };
  if (!(event.key in moves)) return;
  event.preventDefault();
  go(moves[event.key]);
});

if (parabola) {
  rate = Number(address.get("rate") ?? data.rate);
  rateSlider.value = Math.round((1000 * rate) / mostRate);
}
slider.value = address.get("step") ?? (parabola ? 4 : 0);
speak(WORDS, show);
