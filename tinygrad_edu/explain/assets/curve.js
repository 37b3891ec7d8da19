// The loss over the steps of gradient descent on a quadratic loss of any number of weights.

const WORDS = {
  en: {
    title: "The loss over the steps", picture: "The loss over the steps", table: "The directions", begin: "The beginning",
    direct: "0 < ηλ < 1: along every direction each step goes part of the way to the minimum. It converges; along directions of small λ slowly.",
    once: "ηλ = 1: along the direction of λ one step leads to the minimum; along the others it takes more.",
    swing: "1 < ηλ < 2: along the direction of λ every step goes beyond the minimum, but less and less. It converges.",
    forever: "ηλ = 2: along the direction of λ every step ends as far from the minimum as it began. That part of the loss stays.",
    away: "ηλ > 2: along the direction of λ every step ends further from the minimum than it began. It diverges, even if the loss falls at first.",
    none: "η = 0: nothing moves.",
    curvature: "The loss is a sum of parabolas, one for each direction in which the weights can move together (the eigenvectors of its Hessian). A direction's curvature is λᵢ, and cᵢ is how far from the minimum along it the weights begin. Each step multiplies that distance by 1 − ηλᵢ. The largest curvature, λ = {0}, sets the bound 2/λ.",
    loss: "loss", steps: "steps", distance: "distance", part: "of the loss", most: "The largest {0} of {1} directions are in the table.",
  },
  zh: {
    title: "损失随步数的变化", picture: "损失随步数变化的曲线", table: "各方向", begin: "起点",
    direct: "0 < ηλ < 1：沿每个方向，每一步都向最小值走一段，收敛；沿 λ 小的方向收敛得慢。",
    once: "ηλ = 1：沿 λ 的方向一步到达最小值；沿其他方向需要更多步。",
    swing: "1 < ηλ < 2：沿 λ 的方向，每一步都越过最小值，但越来越近，收敛。",
    forever: "ηλ = 2：沿 λ 的方向，每一步之后离最小值与之前一样远，这部分损失不会减小。",
    away: "ηλ > 2：沿 λ 的方向，每一步之后离最小值更远。即使损失起初下降，最终也会发散。",
    none: "η = 0：不动。",
    curvature: "损失是若干抛物线之和，每条对应各权重可以一起移动的一个方向（Hessian 矩阵的特征向量）。λᵢ 是该方向的曲率，cᵢ 是沿该方向起点到最小值的距离，每一步都把这个距离乘以 1 − ηλᵢ。最大的曲率 λ = {0} 决定了界限 2/λ。",
    loss: "损失", steps: "步数", distance: "距离", part: "占损失", most: "表中是 {1} 个方向中曲率最大的 {0} 个。",
  },
};
const MOST_ROWS = 8;

// What each direction is away from the minimum after so many steps, and what of the loss is due to that.
const distances = (step) => data.curvatures.map((curvature, i) => data.distances[i] * (1 - rate * curvature) ** step);
const parts = (step) => distances(step).map((distance, i) => (data.curvatures[i] / 2) * distance ** 2);
// Where it diverges, numbers end sooner than steps.
const excess = (step) => Math.min(parts(step).reduce((sum, part) => sum + part, 0), 1e300);
const loss = (step) => data.leastLoss + excess(step);

function show(number, words) {
  const losses = Array.from({ length: data.count + 1 }, (_, step) => loss(step));
  const walked = losses.slice(0, number + 1);
  const [x, y] = scales(0, data.count, data.leastLoss, data.leastLoss + 1.08 * (Math.max(...walked) - data.leastLoss));
  const place = (loss, step) => [x(step), Math.max(y(loss), -HEIGHT)];

  plot.replaceChildren();
  drawLine("axis", EDGE, HEIGHT - EDGE, WIDTH - EDGE, HEIGHT - EDGE);
  drawLine("axis", EDGE, EDGE, EDGE, HEIGHT - EDGE);
  drawText("0", EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(words.steps, WIDTH / 2, HEIGHT - EDGE + 22, "middle");
  drawText(data.count, WIDTH - EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(`${words.loss} L`, 8, 24);
  drawText(`L* = ${shown(data.leastLoss)}`, WIDTH - EDGE, HEIGHT - EDGE - 10, "end");
  drawPath("curve", losses.map(place));
  drawPath("path", walked.map(place));
  const [cx, cy] = place(walked[number], number);
  draw(plot, "circle", { class: "point", cx, cy, r: 8 });

  showRate();
  byId("phase").textContent = number ? say(words.step, [number, data.count]) : words.begin;
  byId("sentence").textContent = words[regime()];
  const count = data.curvatures.length, rows = Math.min(count, MOST_ROWS);
  byId("hint").textContent = say(words.curvature, [shown(data.curvature)]) + (rows < count ? ` ${say(words.most, [rows, count])}` : "");
  byId("formulas").textContent = `k = ${number}\nL = L* + ½ Σ λᵢ·cᵢ²·(1 − ηλᵢ)²ᵏ\n= ${shown(data.leastLoss)} + ${shown(excess(number))}\n= ${shown(loss(number))}`;
  const now = distances(number), share = parts(number), most = Math.max(...share);
  showTable(["λᵢ", "1 − ηλᵢ", `${words.distance} cᵢ·(1 − ηλᵢ)ᵏ`, words.part], data.curvatures.slice(0, rows).map((curvature, i) => (
    { cells: [curvature, 1 - rate * curvature, now[i], share[i]].map(brief), isLit: share[i] === most }
  )));
}

offerRates(() => redraw());
const redraw = stepThrough(WORDS, data.count, Math.min(data.count, 10), show);
