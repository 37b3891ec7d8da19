"""The report of `train`: what was read, how training went, how good the model is, and what it goes by. In two languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.command_line.columns import Array, NumberColumn
from tinygrad_edu.command_line.material import Material
from tinygrad_edu.command_line.trained import TrainedModel, losses_of
from tinygrad_edu.command_line.words import Words, grid, shown
from tinygrad_edu.escaping import one_line
from tinygrad_edu.models.linear_model import LinearModel

Result = tuple[str, Array, Array]
"""The name of a part of the samples, their targets, and what was told."""
_MOST_ROWS = 10
_MOST_CLASSES = 8


def report(words: Words, trained: TrainedModel, given: Material) -> str:
    """The whole report."""
    parts = (*_what_was_read(words, trained, given), *_how_it_went(words, trained), *_how_good(words, trained, given))
    return "\n".join([*parts, *_weights(words, trained)])


# --- what was read -------------------------------------------------------------------------------------------------------------


def _what_was_read(words: Words, trained: TrainedModel, given: Material) -> Iterator[str]:
    say, table = words.say, given.training
    count, held_out = len(table) + len(given.held_out), len(given.held_out)
    numbers = [column for column in trained.columns if isinstance(column, NumberColumn)]
    texts = [column for column in trained.columns if not isinstance(column, NumberColumn)]
    yield say(
        f"{table.path}: {count} samples, {len(trained.features)} features, target {_target(words, trained)}",
        f"{table.path}：{count} 个样本，{len(trained.features)} 个特征，目标 {_target(words, trained)}",
    )
    if numbers:
        standardized = any((column.mean, column.deviation) != (0, 1) for column in numbers)
        yield say("  numbers: ", "  数值列：") + _listed(words, numbers) + (say(" (standardized)", "（已标准化）") * standardized)
    if texts:
        yield say("  text, each value a feature of 0 and 1: ", "  文本列，每个取值成为一个 0/1 特征：") + _listed(words, texts)
    if table.nameless:
        yield say(f"  left out: {table.nameless} column(s) without a name", f"  未使用：{table.nameless} 个没有列名的列")
    if given.skipped:
        yield say(f"  left out: {given.skipped} row(s) with missing values", f"  未使用：{given.skipped} 行有缺失值")
    if filled := [column for column in trained.columns if column.missing is not None]:
        values = say(", ", "、").join(f"{one_line(column.name)} = {_shortly(column.missing)}" for column in filled)
        yield say("  where a value is missing: ", "  缺失值填为：") + values
    if held_out:
        yield say(
            f"  {len(table)} to train with, {held_out} held out at random",
            f"  其中 {len(table)} 个用于训练，随机留出 {held_out} 个用于检验",
        )


def _target(words: Words, trained: TrainedModel) -> str:
    name, classes = one_line(trained.target.name), trained.classes
    if classes is None:
        return words.say(f"{name} (numbers)", f"{name}（数值）")
    names = [one_line(str(label)) for label in classes[:_MOST_CLASSES]] + ["…"] * (len(classes) > _MOST_CLASSES)
    return words.say(f"{name} ({len(classes)} classes: {', '.join(names)})", f"{name}（{len(classes)} 个类别：{'、'.join(names)}）")


def _listed(words: Words, columns: Sequence[Any]) -> str:
    names = [one_line(column.name) for column in columns]
    if len(names) > _MOST_ROWS:
        names[_MOST_ROWS:] = [words.say(f"and {len(names) - _MOST_ROWS} more", f"等 {len(names)} 列")]
    return words.say(", ", "、").join(names)


def _shortly(x: Any) -> str:
    return f"{x:.4g}" if isinstance(x, float) else one_line(x)


# --- how training went ---------------------------------------------------------------------------------------------------------


def _how_it_went(words: Words, trained: TrainedModel) -> Iterator[str]:
    say, model, losses = words.say, trained.model, losses_of(trained.model)
    epochs = len(losses)
    yield ""
    yield say(
        f"{type(model).__name__}: {epochs} epoch{'s'[: epochs > 1]}, loss {losses[0]:.4g} → {losses[-1]:.4g}",
        f"{type(model).__name__}：{epochs} 个 epoch，损失 {losses[0]:.4g} → {losses[-1]:.4g}",
    )
    yield f"  {_outcome(words, trained)}"


def _outcome(words: Words, trained: TrainedModel) -> str:
    """Whether training reached its goal, and if not what to do."""
    model = trained.model
    if model.converged_:
        return words.say("converged", "已收敛")
    if trained.kind == "perceptron":
        return words.say(
            "not converged: the last epoch still had mistakes. If a plane separates the classes, more epochs find it "
            f"(--epochs {10 * model.max_epochs}); if none does, use --model logistic.",
            "未收敛：最后一个 epoch 仍有分错的样本。如果存在能分开两类的平面，增加 epoch 就能找到"
            f"（--epochs {10 * model.max_epochs}）；如果不存在，请用 --model logistic。",
        )
    if model.batch_size is not None and isinstance(model, LinearModel):
        return words.say(
            "not converged: with steps on batches the loss keeps moving about its minimum. A smaller --learning-rate calms it; "
            "without --batch-size every step uses all samples.",
            "未收敛：小批量的 step 会使损失在最小值附近波动。减小 --learning-rate 会更平稳；"
            "不写 --batch-size 则每个 step 使用全部样本。",
        )
    return words.say(
        f"not converged: the epochs were over while the loss was still falling. Try --epochs {5 * model.max_epochs}, or a larger "
        "--learning-rate.",
        f"未收敛：epoch 用完时损失仍在下降。可试 --epochs {5 * model.max_epochs}，或增大 --learning-rate。",
    )


# --- how good it is ------------------------------------------------------------------------------------------------------------


def _how_good(words: Words, trained: TrainedModel, given: Material) -> Iterator[str]:
    parts = [(words.say("training", "训练"), given.training), (words.say("held out", "留出"), given.held_out)]
    results = [(name, trained.target.values(table), trained.told(table)) for name, table in parts if len(table)]
    yield ""
    yield from (_accuracies if trained.target.is_labels else _errors)(words, trained, results)
    score = accuracy if trained.target.is_labels else r_squared
    _, t, y = results[0]
    if score(t, y) < score(t, np.full_like(t, _constant(t))) + 0.01:
        yield words.say(
            "Nothing was learned: to tell the same of every sample is as good. Give columns that have to do with the target, or "
            "try another --learning-rate.",
            "什么也没有学到：对所有样本给出同一个回答也一样好。请提供与目标有关的列，或换一个 --learning-rate。",
        )


def _errors(words: Words, trained: TrainedModel, results: Sequence[Result]) -> Iterator[str]:
    header = ["", "R²", words.say("mean absolute error", "平均绝对误差")]
    yield grid([header, *([name, r_squared(t, y), float(np.mean(np.abs(t - y)))] for name, t, y in results)])


def _accuracies(words: Words, trained: TrainedModel, results: Sequence[Result]) -> Iterator[str]:
    name, t, y = results[-1]
    label = _constant(results[0][1])
    always = words.say(f"always {shown(label)}", f"总是答 {shown(label)}"), t, np.full_like(t, label)
    rows = [
        [part, accuracy(true, told), f"{np.count_nonzero(true == told)} / {len(true)}"] for part, true, told in [*results, always]
    ]
    yield grid([["", words.say("accuracy", "准确率"), words.say("right", "答对")], *rows])
    classes = trained.classes or []
    if len(classes) <= _MOST_CLASSES:
        yield "\n" + words.say(
            f"Confusion matrix ({name}): a row for each true label, a column for each answer",
            f"混淆矩阵（{name}）：每行是真实类别，每列是模型的回答",
        )
        yield grid(
            [["", *classes], *([true, *(np.count_nonzero((t == true) & (y == told)) for told in classes)] for true in classes)]
        )
    elif wrong := Counter((true, told) for true, told in zip(t.tolist(), y.tolist(), strict=True) if true != told):
        yield "\n" + words.say(f"Most frequent confusions ({name})", f"最常见的混淆（{name}）")
        header = [words.say("true", "真实"), words.say("answer", "回答"), words.say("times", "次数")]
        yield grid([header, *([true, told, times] for (true, told), times in wrong.most_common(_MOST_ROWS))])


def _constant(t: Array) -> Any:
    """The best answer if one must be right for all: the most frequent label, or the mean."""
    return float(np.mean(t)) if t.dtype.kind == "f" else Counter(t.tolist()).most_common(1)[0][0]


def accuracy(t: Array, y: Array) -> float:
    """The share of labels that are right."""
    return float(np.mean(t == y))


def r_squared(t: Array, y: Array) -> float:
    """R² = 1 - Σ(t - y)² / Σ(t - mean t)²; NaN where all targets are alike."""
    total = float(np.sum((t - t.mean()) ** 2))
    return 1 - float(np.sum((t - y) ** 2)) / total if total else float("nan")


# --- what it goes by -----------------------------------------------------------------------------------------------------------


def _weights(words: Words, trained: TrainedModel) -> Iterator[str]:
    """The largest weights of a linear model; of a regression in the unit of the target."""
    if not isinstance(trained.model, LinearModel):
        return
    weights = np.atleast_2d((trained.model.coef_ * trained.target.deviation).T).T
    order = np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:_MOST_ROWS]
    yield "\n" + words.say(
        "Largest weights (how much the answer moves with a feature; of a standardized one by a standard deviation)",
        "最大的权重（特征每变化 1，输出变化多少；标准化的特征以一个标准差为 1）",
    )
    classes = trained.classes or []
    if weights.shape[1] > 1:
        first = slice(0, _MOST_CLASSES)
        yield grid([["", *classes[first]], *([trained.features[row], *weights[row, first].tolist()] for row in order)])
    else:
        toward = words.say(f"toward {classes[1]}", f"偏向 {classes[1]}") if classes else trained.target.name
        yield grid([["", toward], *([trained.features[row], float(weights[row, 0])] for row in order)])
