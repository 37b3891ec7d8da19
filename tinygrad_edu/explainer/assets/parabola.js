// Gradient descent on a parabola, the loss of one weight.

const WORDS = {
  en: {
    picture: "The loss over θ, with the steps on it", table: "The steps", begin: "The beginning",
    curvature: "{0} is the curvature: how fast the slope grows with θ. So every step multiplies the distance {1} from the minimum by {2}.",
    loss: "loss", gradient: "gradient", after: "θ after",
  },
  zh: {
    picture: "损失关于 θ 的曲线及各步", table: "各步", begin: "起点",
    curvature: "{0} 是曲率：斜率随 θ 增长的快慢。所以每一步都把到最小值的距离 {1} 乘以 {2}。",
    loss: "损失", gradient: "梯度", after: "更新后 θ",
  },
};
const MOST = 12;

const loss = (theta) => data.leastLoss + (data.curvature / 2) * (theta - data.minimum) ** 2;
const slope = (theta) => data.curvature * (theta - data.minimum);

function show(number, words) {
  const path = [data.start];
  // Where it diverges, numbers end sooner than steps.
  for (let step = 0; step < MOST; step++) path.push(Math.max(-1e100, Math.min(path[step] - rate * slope(path[step]), 1e100)));
  const walked = path.slice(0, number + 1);
  const reach = 1.25 * Math.max(...walked.map((theta) => Math.abs(theta - data.minimum)), Math.abs(data.start - data.minimum));
  const [x0, x1] = [data.minimum - reach, data.minimum + reach];
  const [x, y] = scales(x0, x1, data.leastLoss, loss(x1));
  const place = (theta) => [x(theta), y(loss(theta))];

  plot.replaceChildren();
  drawAxisOfTheta(x0, x1, x, shown, words);
  drawPath("curve", Array.from({ length: 121 }, (_, i) => place(x0 + ((x1 - x0) * i) / 120)));
  drawLine("bound", x(data.minimum), y(data.leastLoss), x(data.minimum), HEIGHT - EDGE + 6);
  drawSteps(walked.map(place), 5);
  drawNames(walked.map(place));

  showRate();
  byId("phase").textContent = number ? say(words.step, [number, MOST]) : words.begin;
  tell(byId("sentence"), data.regimes[regime()][language], data.formulas[regime()]);
  tell(byId("hint"), words.curvature, filled(data.formulas.curvature, [shown(data.curvature)]));
  const theta = path[number], before = path[number - 1];
  if (number) tellFormulas(filled(data.formulas.step, [...[before, rate].map(shown), factor(slope(before)), ...[theta, 1 - rate * data.curvature, theta - data.minimum].map(shown)]));
  else tellFormulas(filled(data.formulas.begin, [theta, data.minimum, data.curvature].map(shown)));
  showTable([words.slider, ...data.formulas.columns, words.loss, words.gradient, words.after], path.slice(0, -1).map((theta, i) => (
    { cells: [String(i + 1), ...[theta, loss(theta), slope(theta), path[i + 1]].map(brief)], isLit: i + 1 === number }
  )));
}

offerRates(() => redraw());
const redraw = stepThrough(WORDS, MOST, 3, show);
