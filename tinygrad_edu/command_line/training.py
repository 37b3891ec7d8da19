"""`train`: from a table to a model, a report on it, and a picture of how it learned."""

from __future__ import annotations

import io
import math
import os
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

from tinygrad_edu.array_files import SUFFIX, safetensors_library
from tinygrad_edu.command_line.columns import matrix_of
from tinygrad_edu.command_line.material import Material, material
from tinygrad_edu.command_line.report import report
from tinygrad_edu.command_line.trained import TrainedModel, losses_of, new_model
from tinygrad_edu.command_line.words import Words
from tinygrad_edu.errors import ConvergenceWarning, DataError, DivergenceError
from tinygrad_edu.models.linear_model import LinearModel
from tinygrad_edu.saving import save
from tinygrad_edu.training.progress import progress


def train(options: Namespace) -> None:
    """Read, train, save, and print the report."""
    words = Words(options.lang)
    safetensors_library()  # what would fail at the end fails now
    place = _place(options)
    given = material(options)
    trained = TrainedModel(options.model, _fitted(given, options), given.columns, given.target)
    files = [trained.save(f"{place}{SUFFIX}")]
    print(report(words, trained, given))
    try:
        files.append(_picture(trained.model, f"{place}.png"))
    except ImportError:
        print(
            words.say(
                'A picture of the losses needs Matplotlib: pip install "tinygrad_edu[plot]".',
                '要画出损失曲线，需要 Matplotlib：pip install "tinygrad_edu[plot]"。',
            )
        )
    print(words.say("Saved: ", "已保存：") + words.say(", ", "、").join(map(str, files)))


def _place(options: Namespace) -> str:
    """Where the files go, without their suffixes. The folder is made first, so that a long run does not end in vain."""
    name = f"{Path(options.data).stem}-{options.model}"
    out = options.out or name
    if out.endswith(("/", os.sep)) or Path(out).is_dir():
        out = str(Path(out) / name)
    out = out.removesuffix(SUFFIX)
    try:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise DataError(f"--out {out}: this folder cannot be made: {getattr(error, 'strerror', None) or error}.") from None
    return out


def _fitted(given: Material, options: Namespace) -> Any:
    """The model, trained."""
    settings = {
        "max_epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "batch_size": options.batch_size,
        "seed": options.seed,
    }
    chosen = {name: setting for name, setting in settings.items() if setting is not None}
    model = new_model(options.model, given.target.is_labels, chosen)
    X, t = matrix_of(given.columns, given.training), given.target.scaled(given.target.values(given.training))
    with warnings.catch_warnings(), progress(model.max_epochs) as moved:
        warnings.simplefilter("ignore", ConvergenceWarning)  # the report says so, in words that suit the command
        try:
            model.fit(X, t, callback=moved)
        except DivergenceError as error:
            raise _diverged(model, error.largest_stable_learning_rate) from None
    losses = losses_of(model)
    if losses[-1] > losses[0] and not isinstance(model, LinearModel):  # which judge for themselves
        raise _diverged(model)
    return model


def _diverged(model: Any, largest_stable: float = math.nan) -> DataError:
    rate = "the learning rate" if model.learning_rate is None else f"--learning-rate {model.learning_rate:g}"
    advice = f"On these data it is stable below {largest_stable:.4g}." if largest_stable > 0 else "Try a tenth of it."
    return DataError(f"training diverged: {rate} is too large. {advice} With --no-standardize it must be smaller still.")


def _picture(model: Any, path: str) -> Path:
    """Draw the losses into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    if isinstance(model, LinearModel):
        model.history_.plot(axes)
    else:
        losses = losses_of(model)
        axes.plot(range(1, len(losses) + 1), losses)
        axes.set(xlabel="epoch", ylabel="loss")
    content = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.print_png(content)
    return save(path, "the picture", {".png": content.getvalue})
