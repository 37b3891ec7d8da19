// Stochastic gradient descent on one weight: every step follows the slope of its own samples' parabola, and so hops on that of all.

const WORDS = {
  en: {
    picture: "The mean loss of all samples over θ with the steps on it, and the loss of this step's samples",
    table: "The steps around this one", begin: "The beginning", loss: "loss", gradient: "gradient", after: "θ after",
    none: "The learning rate is 0: nothing moves.",
    away: "The thin curve is the loss of this step's samples. The step is so long that it ends higher on it than it began.",
    start: "The thick curve is the mean loss of all samples. A step sees a few of them only.",
    towards: "The thin curve is the loss of this step's samples. The step goes down on it, and by that nearer to the minimum of the mean.",
    beyond: "The thin curve is the loss of this step's samples. The step goes down on it, and by that away from the minimum of the mean.",
    hint: "Each sample pulls to a minimum of its own, so θ does not come to rest at {0}: it keeps hopping about it, the more so the larger η is. Below {1} each step ends nearer to its own minimum than it began; {2} is the largest curvature of a thin curve.",
    first: "These are the first {0} of {1} steps.",
  },
  zh: {
    picture: "全部样本的平均损失关于 θ 的曲线及各步，以及这一步所用样本的损失",
    table: "这一步前后的各步", begin: "起点", loss: "损失", gradient: "梯度", after: "更新后 θ",
    none: "学习率为 0：不动。",
    away: "细线是这一步所用样本的损失。这一步太长，终点在细线上比起点还高。",
    start: "粗线是全部样本的平均损失。每一步只看到其中几个样本。",
    towards: "细线是这一步所用样本的损失。这一步沿细线下降，也靠近了平均损失的最小值。",
    beyond: "细线是这一步所用样本的损失。这一步沿细线下降，却远离了平均损失的最小值。",
    hint: "每个样本都把 θ 拉向自己的最小值，所以 θ 不会停在 {0}，而是在它附近不断跳动；η 越大，跳得越远。η 小于 {1} 时，每一步之后都离自己的最小值更近；{2} 是各条细线曲率中最大的。",
    first: "这里是 {1} 步中的前 {0} 步。",
  },
};
const ROWS_AROUND = 4, COUNT = data.steps.length;
const STEEPEST = Math.max(...data.steps.map((step) => step.curvature));
const slope = (step, theta) => step.curvature * (theta - step.minimum);
const parabola = ({ least, curvature, minimum }) => (theta) => least + (curvature / 2) * (theta - minimum) ** 2;
const mean = parabola(data);

function show(number, words) {
  const path = [data.start];
  // Where it diverges, numbers end sooner than steps.
  for (const step of data.steps) path.push(Math.max(-1e100, Math.min(path.at(-1) - rate * slope(step, path.at(-1)), 1e100)));
  const walked = path.slice(0, number + 1), [before, after] = walked.slice(-2);
  const reach = 1.25 * Math.max(...walked.map((theta) => Math.abs(theta - data.minimum)), Math.abs(data.start - data.minimum));
  const [x0, x1] = [data.minimum - reach, data.minimum + reach];
  const step = number ? data.steps[number - 1] : null;
  const [x, y] = scales(x0, x1, 0, mean(x0));
  const place = (loss) => (theta) => [x(theta), Math.max(y(loss(theta)), 0)];
  const thetas = Array.from({ length: 121 }, (_, i) => x0 + ((x1 - x0) * i) / 120);

  plot.replaceChildren();
  drawAxisOfTheta(x0, x1, x, brief, words);
  if (step) drawPath("own", thetas.map(place(parabola(step))));
  drawPath("curve", thetas.map(place(mean)));
  drawLine("bound", x(data.minimum), y(data.least), x(data.minimum), HEIGHT - EDGE + 6);
  const places = walked.map(place(mean));
  drawSteps(places, 4);
  drawNames(places);

  showRate(STEEPEST);
  const isNearer = Math.abs(after - data.minimum) <= Math.abs(before - data.minimum), how = step && regime(step.curvature);
  byId("phase").textContent = step ? say(words.step, [number, COUNT]) + seen(step) : words.begin;
  byId("sentence").textContent = !step ? words.start : words[how] ?? (isNearer ? words.towards : words.beyond);
  tell(byId("hint"), words.hint, filled(data.formulas.hint, [shown(STEEPEST)]));
  if (data.total > COUNT) byId("hint").append(` ${say(words.first, [COUNT, data.total])}`);
  if (step) tellFormulas(filled(data.formulas.step, [shown(before), shown(rate), factor(slope(step, before)), shown(after), shown(mean(after))]));
  else tellFormulas(filled(data.formulas.begin, [data.start, data.minimum].map(shown)));
  const from = Math.max(0, Math.min(number - 1 - ROWS_AROUND, COUNT - 1 - 2 * ROWS_AROUND));
  showTable([words.slider, ...data.formulas.columns, words.loss, words.gradient, words.after], data.steps.slice(from, from + 2 * ROWS_AROUND + 1).map((row, i) => {
    const [theta, next] = path.slice(from + i);
    return { cells: [String(from + i + 1), ...[theta, parabola(row)(theta), slope(row, theta), next].map(brief)], isLit: from + i + 1 === number };
  }));
}

offerRates(() => redraw(), STEEPEST);
const redraw = stepThrough(WORDS, COUNT, Math.min(COUNT, 5), show);
