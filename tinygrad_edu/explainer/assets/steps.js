// Stepping through a computation: forward through the values, then backward along one edge at a time.

const WORDS = {
  en: {
    picture: "Picture of the computation", source: "The gradient as NumPy source", written: "Your function", table: "All values and gradients",
    node: "node", value: "value", gradient: "gradient", forwardPhase: "{0}: forward", backwardPhase: "{0}: backward",
    given: "These numbers are given.",
    forward: "Compute {0} from what is known.",
    start: "The backward pass starts at the end: the derivative of {0} with respect to itself is 1.",
    passes: "From {0} back to {1}: the incoming gradient times the local derivative.",
    turns: "From {0} back to {1}: the rule of the operation turns the gradient g of {0} into a contribution to that of {1}.",
    adds: "From {0} back to {1}, which has had a gradient already: contributions are added.",
    blocked: "No gradient passes from {0} to {1}: where {1} moves a little, {0} stays as it is, so its derivative is 0; and where {0} jumps it has none. So {0} counts as a constant.",
    flat: "No gradient passes from {0} to {1}: where {1} moves a little, {0} stays as it is, so this derivative is 0; and where {0} jumps there is none.",
    unchosen: "No gradient passes from {0} to {1}: {0} chooses between its operands, and here it does not take {1}.",
    kink: "From {0} back to {1}: at this number {0} has a kink or a jump, so it has no derivative with respect to {1}; by convention {2} counts as its derivative.",
    underivable: "No gradient passes from {0} to {1}: this operation states no derivative with respect to {1}, so {1} counts as a constant here.",
    unwritten: "There is none: what {0} does depends on the numbers that it is given, or it takes plain arrays alone, so it cannot be written down for others.",
    end: "Done. These are the gradients.",
    update: "A step of gradient descent with {0}: everything moves against its gradient.", updatePhase: "{0}: the step",
  },
  zh: {
    picture: "计算图", source: "梯度的 NumPy 源代码", written: "你的函数", table: "所有的值和梯度",
    node: "节点", value: "值", gradient: "梯度", forwardPhase: "{0}：前向", backwardPhase: "{0}：反向",
    given: "这些数是已知的。",
    forward: "由已知的数计算 {0}。",
    start: "反向传播从终点开始：{0} 对自身的导数是 1。",
    passes: "从 {0} 传回 {1}：传入的梯度乘以局部导数。",
    turns: "从 {0} 传回 {1}：运算的规则由 {0} 的梯度 g 得到对 {1} 的梯度的一份贡献。",
    adds: "从 {0} 传回 {1}，它已经收到过梯度：各份贡献相加。",
    blocked: "从 {0} 没有梯度传到 {1}：{1} 稍微变动时 {0} 不变，所以导数是 0；而在 {0} 跳变之处导数不存在。因此 {0} 视为常数。",
    flat: "从 {0} 没有梯度传到 {1}：{1} 稍微变动时 {0} 不变，所以这个导数是 0；而在 {0} 跳变之处它不存在。",
    unchosen: "从 {0} 没有梯度传到 {1}：{0} 在几个输入之间选择，而这里没有选中 {1}。",
    kink: "从 {0} 传回 {1}：在这个数处 {0} 有尖角或跳变，所以对 {1} 的导数不存在；按惯例取 {2}。",
    underivable: "从 {0} 没有梯度传到 {1}：这个运算没有给出对 {1} 的导数，所以 {1} 在这里视为常数。",
    unwritten: "没有源代码：{0} 的做法取决于它得到的数，或者它只接受普通数组，所以无法写成对其他数也成立的代码。",
    end: "完成。这些就是梯度。",
    update: "用 {0} 做一步梯度下降：每个量都逆着自己的梯度移动。", updatePhase: "{0}：更新",
  },
};

const last = data.steps.length - 1;
const firstBackward = data.steps.findIndex((step) => step.kind === "start");
byId("title").append(math(data.title));
byId("title").firstChild.setAttribute("aria-label", document.title);
byId("source").hidden = !data.source.length;
byId("unwritten").hidden = !data.unwritten;
byId("written").hidden = !data.written.length;
for (const [id, lines] of [["source", data.source], ["writtenLines", data.written]])
  byId(id).replaceChildren(...lines.map((line) => element("li", line || " ", { lang: "en" })));

const picture = document.querySelector(".picture"), drawing = picture.querySelector("svg");
drawing.setAttribute("lang", "en");
// A leaf may be drawn more than once.
const copiesOf = (id) => [...drawing.querySelectorAll(`.node[id="${id}"], .node[id^="${id}_"]`)];
const linesOf = (id) => copiesOf(id).map((drawn) => [...drawn.querySelectorAll("text")]);
// One line of a label shows the gradient. Those after it say what functions have seen of it in passing.
const gradientLines = [], seenLines = [];
for (const { id } of data.nodes.filter((node) => node.hasGradient))
  for (const lines of linesOf(id)) {
    const at = lines.findLastIndex((line) => line.textContent.startsWith("gradient "));
    gradientLines.push([id, lines.at(at)]);
    seenLines.push(...(at < 0 ? [] : lines.slice(at + 1)).map((line) => [id, line]));
  }
for (const [, line] of [...gradientLines, ...seenLines]) line.classList.add("gradient");
// A label ends with the value of its node, which is left out until it has been computed.
const finalValues = Object.assign({}, ...data.steps.map((step) => step.values));
const valueLines = data.nodes.flatMap(({ id }) => linesOf(id).flat().map((line) => {
  const whole = line.textContent, value = finalValues[id], ending = ` = ${value}`;
  return { id, line, whole, bare: whole === value ? "" : whole.endsWith(ending) ? whole.slice(0, -ending.length) : whole };
}));

function show(number, words) {
  const step = data.steps[number];
  const values = {}, gradients = {}, inPicture = {};
  const walked = new Set();
  for (const past of data.steps.slice(0, number + 1)) {
    Object.assign(values, past.values);
    Object.assign(gradients, past.gradients);
    Object.assign(inPicture, past.inPicture);
    past.lit.forEach((id) => walked.add(id));
  }
  const backward = number >= firstBackward;
  byId("phase").textContent = say(step.kind === "update" ? words.updatePhase : backward ? words.backwardPhase : words.forwardPhase, [say(words.step, [number + 1, last + 1])]);
  tell(byId("sentence"), words[step.kind], step.names);
  tellFormulas(step.formulas);
  byId("unwritten").textContent = say(words.unwritten, [data.unwritten]);

  const lit = new Set(step.lit);
  for (const node of data.nodes)
    for (const drawn of copiesOf(node.id)) {
      drawn.classList.toggle("lit", lit.has(node.id));
      drawn.classList.toggle("waiting", !(node.id in values));
    }
  for (const { id, line, whole, bare } of valueLines) line.textContent = id in values ? whole : bare;
  for (const edge of drawing.querySelectorAll(".edge")) {
    edge.classList.toggle("lit", lit.has(edge.id));
    const isKnown = `n${edge.id.slice(1).split("_")[0]}` in values;
    edge.classList.toggle("waiting", backward ? !walked.has(edge.id) : !isKnown);
    edge.querySelector("text")?.classList.toggle("silent", !isKnown);
  }
  for (const [id, line] of gradientLines) {
    line.classList.toggle("silent", !(id in inPicture));
    line.setAttribute("lang", language);
    line.textContent = `${words.gradient} ${inPicture[id] ?? ""}`;
  }
  for (const [id, line] of seenLines) line.classList.toggle("silent", !(id in inPicture));
  byId("state").replaceChildren(...data.nodes.filter((node) => node.name).map((node) => {
    const row = element("tr", "");
    row.classList.toggle("lit", lit.has(node.id));
    row.append(heading(node.name, "row"), element("td", values[node.id] ?? ""), element("td", gradients[node.id] ?? ""));
    return row;
  }));
  light(byId("source"), step.line);
  light(byId("writtenLines"), step.writtenLine);
  const edge = step.lit.map(byId).find((drawn) => drawn?.matches(".edge"));
  const [right, down] = offCentre(picture, edge ? [edge] : step.lit.map((id) => copiesOf(id)[0]));
  picture.scrollLeft += right;
  picture.scrollTop += down;
}

// Light one line of a source, and show it.
function light(source, number) {
  [...source.children].forEach((line, i) => {
    line.classList.toggle("lit", i === number);
    if (i === number) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  });
  if (number !== null) source.scrollTop += offCentre(source, [source.children[number]])[1];
}

// How far the middle of these is from that of a frame; where the frame has no room for all of them, the middle of the first.
function offCentre(frame, inner) {
  const room = frame.getBoundingClientRect(), boxes = inner.map((place) => place.getBoundingClientRect());
  const all = {
    left: Math.min(...boxes.map((box) => box.left)), right: Math.max(...boxes.map((box) => box.right)),
    top: Math.min(...boxes.map((box) => box.top)), bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
  const shown = all.right - all.left <= room.width && all.bottom - all.top <= room.height ? all : boxes[0];
  return [(shown.left + shown.right - room.left - room.right) / 2, (shown.top + shown.bottom - room.top - room.bottom) / 2];
}

stepThrough(WORDS, last, 0, show);
