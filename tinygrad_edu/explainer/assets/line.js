// The perceptron's line, step by step.

const WORDS = {
  en: {
    picture: "The samples and the line between both labels", table: "The samples of this step",
    begin: "The beginning", sample: "sample", logit: "logit", right: "Every sample of this step is right, so nothing changes.",
    wrong: "Wrong samples (in a circle): {0} of {1}. The line moves against the gradient, to where it is dashed.",
    start: "Here the line begins. Filled points have label 1; the shaded side is where the perceptron answers 1.",
    everywhere: "In this picture the perceptron answers {0} everywhere: the line is not in it.",
  },
  zh: {
    picture: "样本与两类之间的直线", table: "这一步的样本",
    begin: "起点", sample: "样本", logit: "logit", right: "这一步的样本全部正确，所以不变。",
    wrong: "{1} 个样本中有 {0} 个错误（画圈）。直线逆着梯度移动到虚线处。",
    start: "直线从这里开始。实心点的真实值是 1；涂色的一侧感知机回答 1。",
    everywhere: "在这幅图中感知机处处回答 {0}：直线不在图中。",
  },
};
const MOST_LABELS = 12; // of more samples the coordinates would cover the picture

// The picture shows the samples, wherever they are, with some room around them.
function span(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const room = 0.25 * (most - least) || 0.5 * Math.abs(most) || 1;
  return [least - room, most + room];
}
const [left, right] = span(data.samples.map(([a]) => a)), [low, high] = span(data.samples.map(([, b]) => b));
const [x, y] = scales(left, right, low, high);
const FRAME = [[left, low], [right, low], [right, high], [left, high]];

// The part of the frame where the perceptron answers 1, and the ends of the line, if it crosses the frame.
function divided(weights, bias) {
  const logit = ([a, b]) => weights[0] * a + weights[1] * b + bias;
  const side = [], ends = [];
  FRAME.forEach((corner, i) => {
    const next = FRAME[(i + 1) % FRAME.length], here = logit(corner), there = logit(next);
    if (here > 0) side.push(corner);
    if (here > 0 === there > 0) return;
    const crossing = corner.map((from, axis) => from + (here / (here - there)) * (next[axis] - from));
    side.push(crossing);
    ends.push(crossing);
  });
  return { side, ends };
}

function show(number, words) {
  const step = number ? data.steps[number - 1] : null;
  const { rows, weights, bias, logits, outputs, errors } = step ?? data.steps[0];
  const [newWeights, newBias] = step ? [step.newWeights, step.newBias] : [weights, bias];
  const place = ([a, b]) => [x(a), y(b)], mistakes = errors.filter(Boolean).length;

  plot.replaceChildren();
  const { side, ends } = divided(weights, bias); // by which the samples are judged
  if (side.length) draw(plot, "polygon", { class: "side", points: side.map((corner) => place(corner).join(",")).join(" ") });
  drawPath("frame", [...FRAME, FRAME[0]].map(place));
  drawPath("path", ends.map(place));
  if (mistakes && step) drawPath("bound", divided(newWeights, newBias).ends.map(place));
  if (left < 0 && right > 0) drawLine("axis", x(0), y(low), x(0), y(high));
  if (low < 0 && high > 0) drawLine("axis", x(left), y(0), x(right), y(0));
  drawText(brief(left), EDGE, HEIGHT - EDGE + 22);
  drawText("x₁", WIDTH / 2, HEIGHT - EDGE + 22, "middle");
  drawText(brief(right), WIDTH - EDGE, HEIGHT - EDGE + 22, "end");
  drawText(`x₂: ${brief(low)} … ${brief(high)}`, EDGE, EDGE - 12);
  const isCrowded = data.samples.length > MOST_LABELS, size = isCrowded ? 4 : 8;
  data.samples.forEach((sample, i) => {
    const [cx, cy] = place(sample), onTheRight = cx > WIDTH * 0.75;
    draw(plot, "circle", { class: data.targets[i] ? "one" : "zero", cx, cy, r: size });
    if (errors[rows.indexOf(i)]) draw(plot, "circle", { class: "wrong", cx, cy, r: size + 6 });
    if (!isCrowded) drawText(vector(sample), cx + (onTheRight ? -18 : 18), cy - 8, onTheRight ? "end" : "start");
  });

  byId("phase").textContent = step ? say(words.step, [number, data.steps.length]) : words.begin;
  byId("sentence").textContent = !step ? words.start : mistakes ? say(words.wrong, [mistakes, errors.length]) : words.right;
  byId("hint").textContent = ends.length ? "" : say(words.everywhere, [side.length ? 1 : 0]);
  if (step) tellFormulas(filled(data.formulas.step, [vector(step.gradient.slice(0, 2)), shown(step.gradient[2]), vector(weights), vector(newWeights), shown(bias), shown(newBias)]));
  else tellFormulas(filled(data.formulas.begin, [vector(weights), shown(bias)]));
  showTable([words.sample, words.logit, ...data.formulas.columns], rows.map((sample, i) => (
    { cells: [vector(data.samples[sample]), ...[logits[i], outputs[i], outputs[i] + errors[i], errors[i]].map(shown)], isLit: errors[i] !== 0 }
  )));
}

stepThrough(WORDS, data.steps.length, 0, show);
