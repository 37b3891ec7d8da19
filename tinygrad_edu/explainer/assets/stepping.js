// A slider, two buttons and four keys that lead through the steps of a page.

const STEPPING = {
  en: {
    back: "Step back", next: "Step on", slider: "Step", step: "Step {0} of {1}", formulas: "Formulas",
    ways: "Pages", allPages: "All pages", pageBefore: "← Previous", pageAfter: "Next →",
    keys: "Keys: ← and → step, Home and End jump. A frame that shows a part only is scrolled by them while it has the focus.",
  },
  zh: {
    back: "上一步", next: "下一步", slider: "步骤", step: "第 {0} 步，共 {1} 步", formulas: "公式",
    ways: "网页", allPages: "全部网页", pageBefore: "← 上一页", pageAfter: "下一页 →",
    keys: "按键：← → 逐步移动，Home 和 End 跳到首尾。如果某个框里的内容显示不全，点进框里，这些键就用来滚动它。",
  },
};
const slider = byId("slider");

// Whether a key means something to the frame that has the focus: the arrows to one that can be scrolled sideways, for instance.
function scrolls(frame, key) {
  if (!frame.hasAttribute?.("tabindex")) return false;
  return key.startsWith("Arrow") ? frame.scrollWidth > frame.clientWidth : frame.scrollHeight > frame.clientHeight;
}

// Let the reader step from 0 to the last; `show` draws a step, given its number and the words of the present language.
// Returns a function that draws the present step again.
function stepThrough(words, last, first, show) {
  for (const name of LANGUAGES) words[name] = { ...STEPPING[name], ...words[name] };
  const redraw = () => {
    show(slider.valueAsNumber, words[language]);
    slider.setAttribute("aria-valuetext", byId("phase").textContent);
    byId("back").disabled = slider.valueAsNumber === 0;
    byId("next").disabled = slider.valueAsNumber === last;
  };
  const go = (number) => {
    slider.value = number; // which stays within its bounds
    redraw();
  };
  slider.max = last;
  slider.value = asked("step", 0, last, first);
  slider.addEventListener("input", redraw);
  byId("back").addEventListener("click", () => go(slider.valueAsNumber - 1));
  byId("next").addEventListener("click", () => go(slider.valueAsNumber + 1));
  document.addEventListener("keydown", (event) => {
    if (event.target.type === "range" || event.altKey || event.ctrlKey || event.metaKey || scrolls(event.target, event.key)) return;
    const moves = { ArrowRight: slider.valueAsNumber + 1, ArrowLeft: slider.valueAsNumber - 1, Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    go(moves[event.key]);
  });
  speak(words, redraw);
  return redraw;
}
