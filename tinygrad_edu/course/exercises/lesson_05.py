"""The exercises of lesson 5: stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course.exercise import Exercise, Function, Gradient, Number
from tinygrad_edu.languages import Text

XS = np.array([1.0, 0.38, 1.2, 1.6, 0.8])
TS = np.array([0.73, 0.22, 0.83, 1.28, 0.69])


def mean_loss(theta, xs, ts):
    return np.mean(0.5 * (ts - theta * xs) ** 2)


def mean_gradient(theta, xs, ts):
    return np.mean((theta * xs - ts) * xs)


def one_epoch(theta, eta, xs, ts):
    for i in range(len(xs)):
        theta = theta - eta * (theta * xs[i] - ts[i]) * xs[i]
    return theta


def _full_batch(theta, eta, xs, ts):
    return theta - eta * np.mean((theta * xs - ts) * xs)


def _all_from_the_start(theta, eta, xs, ts):
    return theta - eta * np.sum((theta * xs - ts) * xs)


def _uphill(theta, eta, xs, ts):
    return one_epoch(theta, -eta, xs, ts)


def _first_sample_only(theta, eta, xs, ts):
    return one_epoch(theta, eta, xs[:1], ts[:1])


def _without_x(theta, eta, xs, ts):
    for x, t in zip(xs, ts, strict=True):
        theta = theta - eta * (theta * x - t)
    return theta


def mini_batch_step(theta, eta, xs, ts, rows):
    x_batch, t_batch = xs[rows], ts[rows]
    return theta - eta * np.mean((theta * x_batch - t_batch) * x_batch)


def _summed_batch(theta, eta, xs, ts, rows):
    return _all_from_the_start(theta, eta, xs[rows], ts[rows])


def _divided_by_all(theta, eta, xs, ts, rows):
    return theta - eta * np.sum((theta * xs[rows] - ts[rows]) * xs[rows]) / len(xs)


def _all_rows(theta, eta, xs, ts, rows):
    return _full_batch(theta, eta, xs, ts)


def _one_after_the_other(theta, eta, xs, ts, rows):
    return one_epoch(theta, eta, xs[rows], ts[rows])


def _uphill_batch(theta, eta, xs, ts, rows):
    return mini_batch_step(theta, -eta, xs, ts, rows)


def _dataset(rng: np.random.Generator) -> tuple[Any, ...]:
    """A weight, a learning rate, and some samples."""
    count = int(rng.integers(3, 7))
    return float(rng.normal()), float(rng.uniform(0.05, 0.5)), rng.uniform(0.3, 2.0, count), rng.uniform(0.2, 1.5, count)


def _dataset_and_rows(rng: np.random.Generator) -> tuple[Any, ...]:
    theta, eta, xs, ts = _dataset(rng)
    return theta, eta, xs, ts, [int(row) for row in rng.permutation(len(xs))[:2]]


UPHILL = Text(
    "This goes uphill: the update takes eta times the gradient away, and does not add it.",
    "这是在上坡：更新时应减去 eta 乘梯度，而不是加上。",
)

EXERCISES: tuple[Exercise, ...] = (
    Gradient(
        "5.1",
        Text("The gradient of the mean loss", "平均损失的梯度"),
        f=mean_loss,
        arguments=(0.4, XS, TS),
        hints=(
            Text(
                "Begin with a single sample: what is the derivative of ½(t − θx)² by θ? Lesson 3 has it.",
                "先看单个样本：½(t − θx)² 对 θ 的导数是什么？第 3 课推导过。",
            ),
            Text(
                "(theta * xs - ts) * xs holds the gradient of every sample. What does the mean loss do with the samples?",
                "(theta * xs - ts) * xs 是一个数组，里面是每个样本的梯度。平均损失是怎样把各个样本合在一起的？",
            ),
            Text(
                "The gradient of a mean is the mean of the gradients: np.mean of that array.",
                "平均值的梯度等于梯度的平均值：对上面的数组取 np.mean。",
            ),
        ),
        solution=mean_gradient,
    ),
    Function(
        "5.2",
        Text("An epoch", "一个 epoch"),
        solution=one_epoch,
        arguments=_dataset,
        hints=(
            Text(
                "for i in range(len(xs)): goes through the samples, one at a time.", "for i in range(len(xs)): 逐个走过每个样本。"
            ),
            Text(
                "The gradient of this one sample is (theta * xs[i] - ts[i]) * xs[i]. Update theta before the next one comes.",
                "循环里：这一个样本的梯度是 (theta * xs[i] - ts[i]) * xs[i]。取下一个样本之前就要更新 theta。",
            ),
            Text(
                "In the loop: theta = theta - eta * (theta * xs[i] - ts[i]) * xs[i]. Behind the loop: return theta.",
                "循环里写 theta = theta - eta * (theta * xs[i] - ts[i]) * xs[i]；循环结束之后（不是循环里面）return theta。",
            ),
        ),
        mistakes=(
            (
                _full_batch,
                Text(
                    "This is one step with the full batch. Here theta must move after every single sample.",
                    "这是用整个数据集走的一步。这里每看一个样本，theta 就要更新一次。",
                ),
            ),
            (
                _all_from_the_start,
                Text(
                    "All gradients are taken at the theta with which the epoch began. From the second sample on, use the theta "
                    "that the sample before has led to.",
                    "所有梯度都是在 epoch 开始时的 theta 处算的。从第二个样本起，应该用上一个样本更新之后的 theta。",
                ),
            ),
            (
                _first_sample_only,
                Text(
                    "Only the first sample was used. Is the return inside the loop?",
                    "只用了第一个样本。return 是不是写在循环里面了？",
                ),
            ),
            (_uphill, UPHILL),
            (
                _without_x,
                Text(
                    "The gradient of a sample lacks the factor x: (theta * x - t) * x.",
                    "样本的梯度缺少因子 x：应为 (theta * x - t) * x。",
                ),
            ),
        ),
    ),
    Number(
        "5.3",
        Text("Counting steps", "数一数步数"),
        right=lambda: 290,
        hints=(
            Text("How many batches does one epoch have? 1797 / 64 = 28.08.", "一个 epoch 有多少个 batch？1797 / 64 = 28.08。"),
            Text(
                "28 full batches use 28 · 64 = 1792 samples. The 5 that are left make one more batch. Each epoch begins anew.",
                "28 个满的 batch 用掉 28 · 64 = 1792 个样本，剩下的 5 个还要组成一个 batch。每个 epoch 都重新开始。",
            ),
        ),
        solution=Text(
            "1797 = 28 · 64 + 5: an epoch has 28 full batches and one of 5, so 29 steps; ten epochs have 290.",
            "1797 = 28 · 64 + 5：一个 epoch 有 28 个满的 batch 和一个只有 5 个样本的 batch，共 29 步；10 个 epoch 共 290 步。",
        ),
        mistakes=(
            (
                lambda: 280,
                Text(
                    "The last batch of each epoch is missing: the 5 samples that are left are used, too.",
                    "漏了每个 epoch 的最后一个 batch：剩下的 5 个样本也要用。",
                ),
            ),
            (
                lambda: 281,
                Text(
                    "A batch does not reach over the end of an epoch: round up 1797 / 64 first, then multiply by 10.",
                    "batch 不会跨过 epoch 的边界：先把 1797 / 64 向上取整，再乘以 10。",
                ),
            ),
            (
                lambda: 29,
                Text("That is one epoch. You train for ten.", "这是一个 epoch 的步数，题目要训练 10 个 epoch。"),
            ),
            (
                lambda: 17970,
                Text("So many samples are used. A step uses 64 of them.", "这是用到的样本总数，而一步要用 64 个样本。"),
            ),
            (
                lambda: 17970 / 64,
                Text("A number of steps is a whole number. Think of one epoch first.", "步数是整数。先想一想一个 epoch 有几步。"),
            ),
        ),
    ),
    Number(
        "5.4",
        Text("In one step", "一步到位"),
        right=lambda: 1 / np.mean(XS**2),
        hints=(
            Text(
                "A step multiplies the distance to θ* by 1 − ηA, where A is the mean of x² over the samples.",
                "每一步把到 θ* 的距离乘以 1 − ηA，其中 A 是各样本 x² 的平均值。",
            ),
            Text("After the step the distance shall be zero: 1 − ηA = 0.", "走一步之后距离应为零：1 − ηA = 0。"),
            Text("η = 1/A, with A = np.mean(xs**2).", "η = 1/A，其中 A = np.mean(xs**2)。"),
        ),
        solution=Text(
            "1 − ηA = 0 gives η = 1/A = 1 / np.mean(xs**2) = 0.8644.", "由 1 − ηA = 0 得 η = 1/A = 1 / np.mean(xs**2) = 0.8644。"
        ),
        mistakes=(
            (
                lambda: 2 / np.mean(XS**2),
                Text(
                    "That is the bound 2/A: there θ jumps to the other side, as far away as before.",
                    "这是界限 2/A：在那里 θ 会跳到另一边，距离不变。",
                ),
            ),
            (
                lambda: 1 / np.sum(XS**2),
                Text(
                    "A is the mean of x², not the sum: divide by the number of samples.",
                    "A 是 x² 的平均值，不是总和：还要除以样本数。",
                ),
            ),
            (
                lambda: 1 / np.mean(XS) ** 2,
                Text(
                    "First square each x, then take the mean: not the square of the mean.",
                    "应先把每个 x 平方再取平均，而不是把平均值平方。",
                ),
            ),
            (lambda: np.mean(XS**2), Text("That is A. In one step is η = 1/A.", "这是 A；一步到位的是 η = 1/A。")),
        ),
    ),
    Number(
        "5.5",
        Text("A step that lands farther away", "越跳越远的一步"),
        right=lambda: 2 / np.max(XS) ** 2,
        hints=(
            Text(
                "A step with a sample multiplies the distance to its own t/x by 1 − ηx². When does the distance grow?",
                "用某个样本走一步，会把到它自己的 t/x 的距离乘以 1 − ηx²。距离什么时候会变大？",
            ),
            Text(
                "It grows where 1 − ηx² < −1, that is η > 2/x². Which of the five samples has the smallest bound?",
                "1 − ηx² < −1，即 η > 2/x² 时变大。五个样本中哪一个的界限最小？",
            ),
            Text("The sample with the largest x, 1.6: 2 / 1.6².", "x 最大的样本，x = 1.6：2 / 1.6²。"),
        ),
        solution=Text(
            "The distance grows where η > 2/x². The smallest of the five bounds is that of x = 1.6: 2 / 2.56 = 0.78125.",
            "η > 2/x² 时距离变大。五个界限中最小的属于 x = 1.6：2 / 2.56 = 0.78125。",
        ),
        mistakes=(
            (
                lambda: 2 / np.mean(XS**2),
                Text(
                    "That is the bound for the full batch. One sample may have a much larger x² than the mean.",
                    "这是用整个数据集时的界限。单个样本的 x² 可能比平均值大得多。",
                ),
            ),
            (
                lambda: 1 / np.max(XS) ** 2,
                Text(
                    "At this η the step with sample 4 lands exactly on its own t/x. It may be twice as large.",
                    "用这个 η，样本 4 的一步正好落在它自己的 t/x 上。η 还可以大一倍。",
                ),
            ),
            (
                lambda: 2 / np.min(XS) ** 2,
                Text(
                    "That is the largest of the five bounds. It must hold for all samples, so take the smallest.",
                    "这是五个界限中最大的。要对所有样本都成立，应取最小的。",
                ),
            ),
            (lambda: 2 / np.max(XS), Text("The bound has x squared: 2/x².", "界限里是 x 的平方：2/x²。")),
        ),
    ),
    Function(
        "5.6",
        Text("The step as a mini-batch", "mini-batch 的一步"),
        solution=mini_batch_step,
        arguments=_dataset_and_rows,
        hints=(
            Text(
                "xs[rows] picks the samples with these numbers, and ts[rows] their ground truths.",
                "xs[rows] 取出这些编号的样本，ts[rows] 取出它们的真实值。",
            ),
            Text(
                "The gradient is the mean over the samples of the batch alone, as in exercise 5.1.",
                "梯度只在这个 batch 的样本上取平均，和练习 5.1 一样。",
            ),
            Text(
                "return theta - eta * np.mean((theta * xs[rows] - ts[rows]) * xs[rows])",
                "return theta - eta * np.mean((theta * xs[rows] - ts[rows]) * xs[rows])",
            ),
        ),
        mistakes=(
            (
                _summed_batch,
                Text("The gradients of the batch are summed. Take their mean.", "这里把 batch 中的梯度相加了，应该取平均值。"),
            ),
            (
                _divided_by_all,
                Text(
                    "Divided by the number of all samples. The mean is over those of the batch.",
                    "除以了全部样本的个数，应该只在 batch 的样本上取平均。",
                ),
            ),
            (
                _all_rows,
                Text(
                    "All samples were used. Take those in rows alone: xs[rows].", "用了全部样本，应该只用 rows 里的那些：xs[rows]。"
                ),
            ),
            (
                _one_after_the_other,
                Text(
                    "These are several steps, one for each sample. A mini-batch makes a single step.",
                    "这是每个样本各走一步，共走了好几步。一个 mini-batch 只走一步。",
                ),
            ),
            (_uphill_batch, UPHILL),
        ),
    ),
)
