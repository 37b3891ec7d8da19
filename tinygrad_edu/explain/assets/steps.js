// Stepping through a computation: forward through the values, then backward along one edge at a time.

const WORDS = {
  en: {
    picture: "Picture of the computation", back: "Step back", next: "Step on", slider: "Step",
    keys: "Keys: ← and → step, Home and End jump.", source: "The gradient as NumPy source",
    node: "node", value: "value", gradient: "gradient", step: "Step {0} of {1}: ",
    forwardPhase: "forward", backwardPhase: "backward",
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
    end: "Done. These are the gradients.",
  },
  zh: {
    picture: "计算图", back: "上一步", next: "下一步", slider: "步骤",
    keys: "按键：← → 逐步移动，Home 和 End 跳到首尾。", source: "梯度的 NumPy 源代码",
    node: "节点", value: "值", gradient: "梯度", step: "第 {0} 步，共 {1} 步：",
    forwardPhase: "前向", backwardPhase: "反向",
    given: "这些数是已知的。",
    forward: "由已知的数计算 {0}。",
    start: "反向传播从终点开始：{0} 对自身的导数是 1。",
    passes: "从 {0} 传回 {1}：传入的梯度乘以局部导数。",
    turns: "从 {0} 传回 {1}：运算的法则由 {0} 的梯度 g 得到对 {1} 的梯度的一份贡献。",
    adds: "从 {0} 传回 {1}，它已经收到过梯度：各份贡献相加。",
    blocked: "从 {0} 没有梯度传到 {1}：{1} 稍微变动时 {0} 不变，所以导数是 0；而在 {0} 跳变之处导数不存在。因此 {0} 视为常数。",
    flat: "从 {0} 没有梯度传到 {1}：{1} 稍微变动时 {0} 不变，所以这个导数是 0；而在 {0} 跳变之处它不存在。",
    unchosen: "从 {0} 没有梯度传到 {1}：{0} 在几个输入之间选择，而这里没有选中 {1}。",
    kink: "从 {0} 传回 {1}：在这个数处 {0} 有尖点或跳变，所以对 {1} 的导数不存在；按惯例取 {2}。",
    underivable: "从 {0} 没有梯度传到 {1}：这个运算没有给出对 {1} 的导数，所以 {1} 在这里视为常数。",
    end: "完成。这些就是梯度。",
  },
};

const byId = (id) => document.getElementById(id);
const slider = byId("slider");
const last = data.steps.length - 1;
const firstBackward = data.steps.findIndex((step) => step.kind === "start");
slider.max = last;
byId("title").textContent = data.title;
byId("listing").hidden = !data.source.length;
byId("source").replaceChildren(...data.source.map((line) => element("li", line || " ")));

// A leaf may be drawn more than once. The line of its label that shows the gradient is the last one.
const copiesOf = (id) => [...document.querySelectorAll(`.node[id="${id}"], .node[id^="${id}_"]`)];
const gradientLines = data.nodes.filter((node) => node.hasGradient).flatMap(({ id }) => copiesOf(id).map((drawn) => [id, [...drawn.querySelectorAll("text")].pop()]));
for (const [, line] of gradientLines) line.classList.add("gradient");
// A large picture is scrolled rather than made too small to read.
const drawing = document.querySelector(".picture svg");
drawing.style.minWidth = `${0.75 * drawing.width.baseVal.value}px`;

function show() {
  const number = Number(slider.value);
  const words = WORDS[language];
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
  byId("phase").textContent = say(words.step, [number + 1, last + 1]) + (backward ? words.backwardPhase : words.forwardPhase);
  byId("sentence").textContent = say(words[step.kind], step.names);
  byId("formulas").textContent = step.formulas.join("\n");
  slider.setAttribute("aria-valuetext", `${number + 1} / ${last + 1}`);
  byId("back").disabled = number === 0;
  byId("next").disabled = number === last;

  const lit = new Set(step.lit);
  for (const node of data.nodes)
    for (const drawn of copiesOf(node.id)) {
      drawn.classList.toggle("lit", lit.has(node.id));
      drawn.classList.toggle("waiting", !(node.id in values));
    }
  for (const edge of document.querySelectorAll(".edge")) {
    edge.classList.toggle("lit", lit.has(edge.id));
    const result = `n${edge.id.slice(1).split("_")[0]}`;
    edge.classList.toggle("waiting", backward ? !walked.has(edge.id) : !(result in values));
  }
  for (const [id, line] of gradientLines) {
    line.classList.toggle("silent", !(id in inPicture));
    line.textContent = `${words.gradient} ${inPicture[id] ?? ""}`;
  }
  byId("state").replaceChildren(...data.nodes.filter((node) => node.name).map((node) => {
    const row = element("tr", "");
    row.classList.toggle("lit", lit.has(node.id));
    row.append(element("th", node.name, { scope: "row" }), element("td", values[node.id] ?? ""), element("td", gradients[node.id] ?? ""));
    return row;
  }));
  [...byId("source").children].forEach((line, i) => {
    line.classList.toggle("lit", i === step.line);
    if (i === step.line) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  });
  if (step.line !== null) showMiddle(byId("source"), byId("source").children[step.line]);
  const focus = byId(step.lit[1] ?? step.lit[0]) ?? byId(step.lit[0]);
  if (focus) showMiddle(document.querySelector(".picture"), focus, true);
}

// Scroll a frame, and not the page, so that what is in it stands in the middle.
function showMiddle(frame, inner, sideways = false) {
  const place = inner.getBoundingClientRect(), room = frame.getBoundingClientRect();
  frame.scrollTop += place.top + place.height / 2 - room.top - room.height / 2;
  if (sideways) frame.scrollLeft += place.left + place.width / 2 - room.left - room.width / 2;
}

function go(number) {
  slider.value = Math.min(Math.max(number, 0), last);
  show();
}

slider.addEventListener("input", show);
byId("back").addEventListener("click", () => go(Number(slider.value) - 1));
byId("next").addEventListener("click", () => go(Number(slider.value) + 1));
document.addEventListener("keydown", (event) => {
  if (event.target === slider || event.altKey || event.ctrlKey || event.metaKey) return;
  const moves = { ArrowRight: Number(slider.value) + 1, ArrowLeft: Number(slider.value) - 1, Home: 0, End: last };
  if (!(event.key in moves)) return;
  event.preventDefault();
  go(moves[event.key]);
});

slider.value = address.get("step") ?? 0;
speak(WORDS, show);
