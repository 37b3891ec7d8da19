"""Kill and resume: a training that is killed again and again ends as one that was left in peace, to the last bit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinygrad_edu as tg
from demos.stage import BLUE, RED, Stage, Text

TITLE = Text("Kill and resume: to the last bit", "杀掉再继续：一个比特也不差")
ORDER = 24

EPOCHS, KILLS = 40, 4


def training(checkpoint: Path) -> tuple[tg.nn.Module, tg.training.History]:
    """Train on digits with dropout, in shuffled batches, from the checkpoint if it is there."""
    module = tg.nn.Sequential(tg.nn.Linear(64, 64, rng=0), tg.nn.ReLU(), tg.nn.Dropout(0.2, rng=1), tg.nn.Linear(64, 10, rng=2))
    data = tg.data.batches(*tg.data.digits(), batch_size=32, seed=0)
    optimizer = tg.optim.Adam(lr=3e-3)
    history = tg.training.fit(
        module, tg.nn.softmax_cross_entropy, optimizer, data, EPOCHS, checkpoint=checkpoint, every=10, quiet=True
    )
    return module, history


def run(stage: Stage) -> None:
    """Show the demo."""
    stage.say(
        "Every 10 steps the training writes a checkpoint: parameters, what the optimizer remembers, the states of the random "
        "generators, and the place in the epoch. It is written to a file beside the old one, which it then replaces. So a process "
        "that dies at any moment leaves a whole checkpoint behind. Here one is killed "
        f"{KILLS} times, by SIGKILL, which none can catch.",
        "训练每走 10 步写一次存档：参数、优化器记住的量、随机数发生器的状态，以及在 epoch 中的位置。新存档先写在旧存档旁边，"
        f"写完再替换它，所以进程无论何时死去，都会留下完整的存档。这里用无法拦截的 SIGKILL 杀它 {KILLS} 次。",
    )
    with tempfile.TemporaryDirectory() as folder:
        killed, peaceful = Path(folder) / "killed.safetensors", Path(folder) / "peaceful.safetensors"
        ends = kills(stage, killed)
        module, history = training(killed)
        other, other_history = training(peaceful)
    stage.table(
        [stage.text("kill", "第几次"), stage.text("after the loss of epoch", "最后记下的 epoch")],
        [[str(number), str(epochs)] for number, epochs in enumerate(ends, 1)],
    )
    pairs = [*zip(module.parameters(), other.parameters(), strict=True)]
    different = sum(int(np.count_nonzero(one.numpy() != two.numpy())) for one, two in pairs)
    stage.agree(stage.text("parameters that differ", "不同的参数个数"), different, 0, 0)
    stage.agree(stage.text("losses of all epochs", "每个 epoch 的损失"), history["loss"], other_history["loss"], 0)
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(
        np.arange(1, EPOCHS + 1),
        other_history["loss"],
        color=BLUE,
        linewidth=4,
        alpha=0.35,
        label=stage.label("in peace", "未受打扰"),
    )
    axes.plot(np.arange(1, EPOCHS + 1), history["loss"], color=BLUE, label=stage.label("killed and resumed", "被杀后继续"))
    for number, epochs in enumerate(ends):
        axes.axvline(epochs + 0.5, color=RED, linestyle="--", label=stage.label("killed", "被杀") if number == 0 else None)
    axes.set(xlabel="epoch", ylabel=stage.label("loss", "损失"), yscale="log")
    axes.legend()
    stage.save(figure, "kill_and_resume")


def kills(stage: Stage, checkpoint: Path) -> list[int]:
    """Start the training in a process of its own and kill it, some times; how many epochs were noted when it died."""
    rng, ends = np.random.default_rng(0), []
    for number in range(1, KILLS + 1):
        with stage.console.status(stage.text(f"training, until kill {number}", f"训练中，直到第 {number} 次被杀")):
            child = subprocess.Popen(
                [sys.executable, "-m", "demos.kill_and_resume", str(checkpoint)], cwd=Path(__file__).parents[1]
            )
            goal = number * EPOCHS // (KILLS + 2)  # it gets so far at least, then dies at some moment of the next steps
            while epochs_in(checkpoint) < goal and child.poll() is None:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.1))
            child.kill()
            child.wait()
        ends.append(epochs_in(checkpoint))
    return ends


def epochs_in(checkpoint: Path) -> int:
    """How many epochs it knows."""
    if not checkpoint.exists():
        return 0
    return len(tg.training.load_state(checkpoint)["history"].get("loss", []))


if __name__ == "__main__":
    training(Path(sys.argv[1]))
