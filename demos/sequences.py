"""Sequences: a network with a memory that spells numbers (1997), and one with attention that sorts them (2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import Stage, Text

TITLE = Text("Sequences: a memory that spells, attention that sorts", "序列：会拼写的记忆，会排序的注意力")
ORDER = 23

ONES = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
END = "."
LETTERS = END + " -abcdefghijklmnopqrstuvwxyz"

Step = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]


def run(stage: Stage) -> None:
    """Show the demo."""
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    spelling(stage, left)
    sorting(stage, right)
    stage.save(figure, "sequences")


def training_step(loss: Callable[[Any, Any, Any], Any], optimizer: tg.optim.Optimizer) -> Step:
    """Loss, gradient and update in one compiled program."""

    def step(module: Any, state: Any, x: Any, t: Any) -> Any:
        value, gradient = tg.value_and_grad(loss)(module, x, t)
        module, state = optimizer.update(module, gradient, state)
        return module, state, value

    return tg.compile(step)


# --- the memory ----------------------------------------------------------------------------------------------------------------


class Speller(tg.nn.Module):
    """From letters to what the next letter may be, with a long short-term memory (Hochreiter & Schmidhuber, 1997)."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.letters = tg.nn.Embedding(len(LETTERS), 16, rng=rng)
        self.memory = tg.nn.LSTM(16, 64, rng=rng)
        self.last = tg.nn.Linear(64, len(LETTERS), rng=rng)

    def forward(self, numbers: Any) -> Any:
        """Numbers of letters, of shape (length, words), to logits, of shape (length, words, letters)."""
        states, _ = self.memory(self.letters(numbers))
        return self.last(states)


def spelling(stage: Stage, axes: Any) -> None:
    """Learn the names of five hundred numbers letter by letter, then make some up."""
    stage.heading("A long short-term memory spells numbers (1997)", "长短期记忆网络拼写数字（1997）")
    names = [name_of(number) for number in range(1, 1000)]
    rng = np.random.default_rng(0)
    seen = [names[position] for position in rng.permutation(len(names))[:500]]
    text = as_numbers(seen)
    epochs, batch = 60, 50
    optimizer = tg.optim.Adam(lr=tg.optim.CosineDecay(1e-2, over=epochs * len(seen) // batch), clip_norm=1.0)
    module: Any = Speller(np.random.default_rng(1))
    step, state, losses = training_step(spelling_loss, optimizer), optimizer.init(module), []
    with stage.progress(stage.text("spelling", "拼写"), epochs) as moved:
        for epoch in range(1, epochs + 1):
            for (words,) in tg.data.batches(np.arange(len(seen)), batch_size=batch, seed=epoch):
                module, state, loss = step(module, state, text[:-1, words], text[1:, words])
                losses.append(float(loss) / np.log(2))
            moved(epoch, losses[-1])
    made_up = [invented(module, rng, max(map(len, names))) for _ in range(200)]
    right = [word for word in made_up if word in set(names)]
    new = sorted({word for word in right if word not in set(seen)}, key=names.index)
    stage.say(
        f"It has read the names of 500 of the numbers up to 999, letter by letter: {', '.join(sorted(seen)[:3])} and so on. "
        f"Of 200 names that it then makes up, {len(right)} are numbers, and {len(new)} of these it has never seen: "
        f"{', '.join(new[:4])}. {losses[0]:.2f} bits a letter became {losses[-1]:.2f}.",
        f"它逐个字母读了 999 以内 500 个数的英文名：{'、'.join(sorted(seen)[:3])} 等等。"
        f"随后让它自己写 200 个，其中 {len(right)} 个确是数，{len(new)} 个是它从未见过的：{'、'.join(new[:4])}。"
        f"每个字母的损失从 {losses[0]:.2f} 比特降到 {losses[-1]:.2f} 比特。",
    )
    stage.reaches(stage.text("nine of ten are numbers", "十个里有九个是数"), len(right), 180)
    stage.reaches(stage.text("some of them are new", "其中有新的"), len(new), 20)
    axes.plot(np.arange(1, len(losses) + 1), losses, linewidth=1)
    axes.set(xlabel=stage.label("step", "步"), ylabel=stage.label("bits a letter", "每字母比特数"), title="LSTM", ylim=(0, None))


def spelling_loss(module: Any, letters: Any, following: Any) -> Any:
    """How surprised it is by each next letter, on average, up to the end of the word."""
    surprise = tg.nn.softmax_cross_entropy(module(letters), following, reduction="none")
    counts = np.cumsum(letters == 0, axis=0) < 2  # a word begins after one sign of the end, and the next one ends it
    return np.sum(surprise * counts) / np.sum(counts)


def name_of(number: int) -> str:
    """An English name, "three hundred forty-two"."""
    if number >= 100:
        rest = number % 100
        return f"{ONES.split()[number // 100 - 1]} hundred{' ' + name_of(rest) if rest else ''}"
    if number < 20:
        return ONES.split()[number - 1]
    return TENS.split()[number // 10 - 2] + (f"-{ONES.split()[number % 10 - 1]}" if number % 10 else "")


def as_numbers(words: list[str]) -> np.ndarray:
    """Each word as a column of letters by their numbers, between signs of the end, of shape (length, words)."""
    length = max(map(len, words))
    return np.array([[LETTERS.index(sign) for sign in END + word.ljust(length + 1, END)] for word in words]).T


def invented(module: Any, rng: np.random.Generator, longest: int) -> str:
    """A word, letter by letter as likely as the network says."""
    (h, c), numbers, word = (np.zeros((1, 1, 64)), np.zeros((1, 1, 64))), np.array([[0]]), ""
    for _ in range(longest + 1):
        states, (h, c) = module.memory(module.letters(numbers), (h, c))
        sign = LETTERS[rng.choice(len(LETTERS), p=tg.softmax(module.last(states)[0, 0]))]
        if sign == END:
            break
        word, numbers = word + sign, np.array([[LETTERS.index(sign)]])
    return word


# --- attention -----------------------------------------------------------------------------------------------------------------


class Sorter(tg.nn.Module):
    """A transformer of two blocks: attention, then a small network, each added to what comes in (Vaswani et al., 2017)."""

    def __init__(self, rng: np.random.Generator, length: int, width: int = 32) -> None:
        super().__init__()
        self.digits = tg.nn.Embedding(10, width, rng=rng)
        self.places = tg.nn.Embedding(length, width, rng=rng)
        self.attentions = [tg.nn.MultiHeadAttention(width, 4, batch_first=True, rng=rng) for _ in range(2)]
        self.norms = [tg.nn.LayerNorm(width) for _ in range(4)]
        self.networks = [
            tg.nn.Sequential(tg.nn.Linear(width, 64, rng=rng), tg.nn.ReLU(), tg.nn.Linear(64, width, rng=rng)) for _ in range(2)
        ]
        self.last = tg.nn.Linear(width, 10, rng=rng)

    def forward(self, digits: Any) -> Any:
        """Digits, of shape (samples, length), to logits of the sorted ones, of shape (samples, length, 10)."""
        return self.last(self.blocks(digits)[0])

    def blocks(self, digits: Any) -> tuple[Any, list[Any]]:
        """What comes out of the blocks, and the weights of attention in each."""
        x, weights = self.digits(digits) + self.places(np.arange(digits.shape[1])), []
        for block, (attention, network) in enumerate(zip(self.attentions, self.networks, strict=True)):
            seen = self.norms[2 * block](x)
            change, looks = attention(seen, seen, seen)
            x = x + change
            x = x + network(self.norms[2 * block + 1](x))
            weights.append(looks)
        return x, weights


def sorting(stage: Stage, axes: Any) -> None:
    """Learn to sort eight digits, from random ones."""
    stage.heading("Attention sorts digits (2017)", "注意力给数字排序（2017）")
    length, steps = 8, 1000
    rng = np.random.default_rng(0)
    optimizer = tg.optim.Adam(lr=tg.optim.CosineDecay(3e-3, over=steps), clip_norm=1.0)
    module: Any = Sorter(np.random.default_rng(1), length)
    step, state = training_step(sorting_loss, optimizer), optimizer.init(module)
    with stage.progress(stage.text("sorting", "排序"), steps) as moved:
        for done in range(1, steps + 1):
            digits = rng.integers(0, 10, (64, length))
            module, state, loss = step(module, state, digits, np.sort(digits, axis=1))
            moved(done, float(loss))
    digits = rng.integers(0, 10, (1000, length))
    answers = module(digits).argmax(axis=2)
    right = np.mean(np.all(answers == np.sort(digits, axis=1), axis=1))
    example = np.array([[3, 1, 4, 1, 5, 9, 2, 6]])
    said = module(example).argmax(axis=2)[0]
    stage.say(
        f"After {steps} batches of random digits it sorts {right:.1%} of 1000 new rows without a mistake. "
        f"{' '.join(map(str, example[0]))} becomes {' '.join(map(str, said))}.",
        f"学过 {steps} 批随机数字之后，1000 行新数字中有 {right:.1%} 排得完全正确。"
        f"{' '.join(map(str, example[0]))} 变为 {' '.join(map(str, said))}。",
    )
    stage.reaches(stage.text("19 of 20 rows are sorted", "20 行里有 19 行排对"), right, 0.95)
    looks = module.blocks(example)[1][1][0]
    axes.imshow(looks, cmap="Blues", vmin=0)
    axes.set(
        xticks=range(length), xticklabels=example[0], yticks=range(length), yticklabels=said,
        xlabel=stage.label("looks at", "关注的位置"), ylabel=stage.label("the sorted place", "排序后的位置"),
        title=stage.label("attention of the second block", "第二个模块的注意力"),
    )  # fmt: skip
    axes.grid(visible=False)


def sorting_loss(module: Any, digits: Any, in_order: Any) -> Any:
    """The mean cross entropy of every place."""
    return tg.nn.softmax_cross_entropy(module(digits), in_order)
