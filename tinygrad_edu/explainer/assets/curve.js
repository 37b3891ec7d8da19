// The loss over the steps of gradient descent on a quadratic loss of any number of weights.

const WORDS = {
  en: {
    picture: "The loss over the steps", table: "The directions", begin: "The beginning",
    curvature: "The loss is a sum of parabolas, one for each direction in which the weights can move together (an eigenvector of its Hessian), of curvature {0}; on this scale each is a straight line (thin). Every step multiplies the distance from the minimum along it, {1} at the beginning, by {2}. The largest curvature, {3}, sets the bound {4}.",
    axis: "loss above its minimum, L − L*", steps: "steps", part: "part of L", most: "The table has the {0} of {1} directions with the largest.",
  },
  zh: {
    picture: "损失随步数变化的曲线", table: "各方向", begin: "起点",
    curvature: "损失是若干抛物线之和，每条对应各权重可以一起移动的一个方向（海森矩阵的特征向量），曲率为 {0}；在这种刻度下每条都是直线（细线）。每一步都把沿该方向到最小值的距离（起点处为 {1}）乘以 {2}。最大的曲率 {3} 决定了界限 {4}。",
    axis: "损失超出最小值的部分 L − L*", steps: "步数", part: "L 中的份额", most: "表中是 {1} 个方向中曲率最大的 {0} 个。",
  },
};
const MOST_ROWS = 8, MOST_DECADES = 8;

// How far from the minimum it is along each direction after so many steps, and what that adds to the loss.
const distances = (step) => data.curvatures.map((curvature, i) => data.distances[i] * (1 - rate * curvature) ** step);
// Where it diverges, numbers end sooner than steps.
const parts = (step) => distances(step).map((distance, i) => Math.min((data.curvatures[i] / 2) * distance ** 2, 1e300));
const excess = (step) => parts(step).reduce((sum, part) => sum + part, 0);
const loss = (step) => data.leastLoss + excess(step);

const superscript = (number) => String(number).replace(/./g, (sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻");

function show(number, words) {
  const steps = Array.from({ length: data.count + 1 }, (_, step) => step);
  const decade = (number) => Math.log10(Math.max(number, 1e-300)), start = decade(excess(0));
  const heights = steps.map((step) => decade(excess(step)));
  const low = Math.floor(Math.max(Math.min(...heights), start - MOST_DECADES)), high = Math.ceil(Math.max(...heights) + 0.01);
  const [x, y] = scales(0, data.count, low, high);
  const place = (height, step) => [x(step), Math.min(y(height), HEIGHT - EDGE)];
  // A line ends where it leaves the plot, at the bottom.
  const within = (heights) => heights.slice(0, (heights.findIndex((height) => height < low) + 1) || heights.length);

  plot.replaceChildren();
  for (let power = low; power <= high; power += Math.ceil((high - low) / 12)) {
    drawLine("axis", EDGE, y(power), WIDTH - EDGE, y(power));
    drawText(`10${superscript(power)}`, EDGE - 6, y(power) + 4, "end");
  }
  drawText("0", EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(words.steps, WIDTH / 2, HEIGHT - EDGE + 22, "middle");
  drawText(data.count, WIDTH - EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(words.axis, 8, 24);
  for (let i = 0; i < Math.min(data.curvatures.length, MOST_ROWS); i++)
    drawPath("part", within(steps.map((step) => decade(parts(step)[i]))).map(place));
  drawPath("curve", within(heights).map(place));
  drawSteps(heights.slice(0, number + 1).map(place), 3);

  showRate();
  byId("phase").textContent = number ? say(words.step, [number, data.count]) : words.begin;
  tell(byId("sentence"), data.regimes[regime()][language], data.formulas[regime()]);
  const count = data.curvatures.length, rows = Math.min(count, MOST_ROWS);
  tell(byId("hint"), words.curvature, filled(data.formulas.curvature, [shown(data.curvature)]));
  if (rows < count) byId("hint").append(` ${say(words.most, [rows, count])}`);
  tellFormulas(filled(data.formulas.step, [number, ...[data.leastLoss, excess(number), loss(number)].map(shown)]));
  const now = distances(number), share = parts(number), most = Math.max(...share);
  showTable([...data.formulas.columns, words.part], data.curvatures.slice(0, rows).map((curvature, i) => (
    { cells: [curvature, 1 - rate * curvature, now[i], share[i]].map(brief), isLit: share[i] === most }
  )));
}

offerRates(() => redraw());
const redraw = stepThrough(WORDS, data.count, Math.min(data.count, 10), show);
