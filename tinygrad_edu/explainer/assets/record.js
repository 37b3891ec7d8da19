// The loss over the steps as it was recorded, of a training whose path for another learning rate is not known.

const WORDS = {
  en: {
    picture: "The recorded loss over the steps", table: "The steps around this one",
    recorded: "The loss of the step's samples before the step, as it was recorded.",
    batches: "There is no slider for η: the steps saw different samples, each with a loss of its own, so that the path for another η would have to be walked anew.",
    momentum: "There is no slider for η: these steps do not go against the gradient alone (with momentum, for instance), so that the path for another η would have to be walked anew.",
    samples: "There is no slider for η: how the loss is curved cannot be seen from the steps alone. For a linear regression pass the samples, explain_descent(model, X).",
    shape: "There is no slider for η: the gradients do not grow in proportion to the weights, as they do on a sum of parabolas: the loss is none, or X is not what the model was fitted to. The path for another η would have to be walked anew.",
    first: "These are the first {0} of {1} steps.", loss: "loss", gradient: "‖gradient‖", steps: "steps",
  },
  zh: {
    picture: "记录下来的损失随步数变化的曲线", table: "这一步前后的各步",
    recorded: "这一步所用样本在更新之前的损失（如实记录）。",
    batches: "这里没有 η 的滑块：各步所用的样本不同，损失函数也就不同，换一个 η 必须重新训练才知道路径。",
    momentum: "这里没有 η 的滑块：这些步不是单纯逆着梯度走的（例如带有动量），换一个 η 必须重新训练才知道路径。",
    samples: "这里没有 η 的滑块：只凭各步看不出损失的弯曲程度。如果是线性回归，请传入样本：explain_descent(model, X)。",
    shape: "这里没有 η 的滑块：梯度不像在若干抛物线之和上那样随权重成比例增长：损失不是这样的和，或者 X 不是训练时的样本。换一个 η 必须重新训练才知道路径。",
    first: "这里是 {1} 步中的前 {0} 步。", loss: "损失", gradient: "‖梯度‖", steps: "步数",
  },
};
const ROWS_AROUND = 4;

function show(number, words) {
  const { losses, gradients } = data, last = losses.length - 1;
  const least = Math.min(0, ...losses), most = Math.max(...losses);
  const [x, y] = scales(0, Math.max(last, 1), least, most > least ? least + 1.08 * (most - least) : least + 1);
  const place = (loss, step) => [x(step), y(loss)];

  plot.replaceChildren();
  drawLine("axis", EDGE, HEIGHT - EDGE, WIDTH - EDGE, HEIGHT - EDGE);
  drawLine("axis", EDGE, EDGE, EDGE, HEIGHT - EDGE);
  drawLine("axis", EDGE, y(most), WIDTH - EDGE, y(most));
  drawText(brief(most), WIDTH - EDGE, y(most) - 6, "end");
  drawText(brief(least), EDGE - 6, y(least) + 4, "end");
  drawText("1", EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(words.steps, WIDTH / 2, HEIGHT - EDGE + 22, "middle");
  if (last) drawText(losses.length, WIDTH - EDGE, HEIGHT - EDGE + 22, "middle");
  drawText(`${words.loss} L`, 8, 24);
  drawPath("curve", losses.map(place));
  drawSteps(losses.slice(0, number + 1).map(place), 3);

  const step = data.steps[number];
  byId("phase").textContent = say(words.step, [number + 1, losses.length]) + seen(step);
  byId("sentence").textContent = words.recorded;
  tellFormulas(filled(data.formulas.step, [shown(losses[number]), shown(gradients[number]), vector(step.before), vector(step.after)]));
  byId("hint").textContent = words[data.why] + (data.total > losses.length ? ` ${say(words.first, [losses.length, data.total])}` : "");
  const from = Math.max(0, Math.min(number - ROWS_AROUND, last - 2 * ROWS_AROUND));
  showTable([words.slider, words.loss, words.gradient], losses.slice(from, from + 2 * ROWS_AROUND + 1).map((loss, i) => (
    { cells: [String(from + i + 1), brief(loss), brief(gradients[from + i])], isLit: from + i === number }
  )));
}

stepThrough(WORDS, data.losses.length - 1, 0, show);
