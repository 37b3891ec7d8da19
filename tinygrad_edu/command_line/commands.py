"""What can be typed after `python -m tinygrad_edu`, and what an error of the user's looks like: one line, and status 2."""

from __future__ import annotations

import argparse
import io
import math
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from tinygrad_edu.command_line.descending import descend
from tinygrad_edu.command_line.explaining import explain
from tinygrad_edu.command_line.learning import learn
from tinygrad_edu.command_line.predicting import predict
from tinygrad_edu.command_line.trained import KINDS
from tinygrad_edu.command_line.training import train
from tinygrad_edu.engine.messages import shortened
from tinygrad_edu.errors import TinygradError
from tinygrad_edu.escaping import one_line
from tinygrad_edu.explainer.reference import op_table
from tinygrad_edu.languages import LANGUAGES

_PROGRAM = "python -m tinygrad_edu"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns its status: 0, or 2 after an error of the user's, or 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an output that has no ² shows a question mark for it
    options = _options(arguments)
    try:
        options.run(options)
    except TinygradError as error:
        return _failed(options.command, str(error))
    except OSError as error:
        return _failed(options.command, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        print(f"{_PROGRAM} {options.command}: stopped; nothing more was saved.", file=sys.stderr)
        return 130
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was typed. Names may be given after options, too, which argparse takes to be unknown."""
    parser = _parser()
    options, others = parser.parse_known_args(arguments)
    if others and not (hasattr(options, "given") and all("=" in other and other[0] != "-" for other in others)):
        minus = " (a formula that begins with - is written in brackets)" if hasattr(options, "given") else ""
        parser.error(f"unrecognized arguments: {' '.join(others)}{minus}")
    if others:
        options.given += others
    return options


def _failed(command: str, words: str) -> int:
    print(f"{_PROGRAM} {command}: {one_line(words)}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and not all that could be right."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=_PROGRAM,
        description="Take the course, explain a formula's gradient, train models on tables, apply them, and list the operations.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_explain(commands.add_parser("explain", help="print the chain rule behind a formula, such as '0.5*(t - theta*x)**2'"))
    _add_descend(commands.add_parser("descend", help="print steps of gradient descent on a formula, and why they converge or not"))
    _add_train(commands.add_parser("train", help="train a model on a CSV file, with a report, and save it"))
    _add_predict(commands.add_parser("predict", help="apply a saved model to a CSV file"))
    _add_learn(commands.add_parser("learn", help="list the lessons of the course, or open one"))
    operations = commands.add_parser("ops", help="print every operation with its formula and derivatives, in Markdown")
    _add_language(operations, "the page")
    operations.set_defaults(run=lambda options: print(op_table(options.lang)))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=train)
    add = parser.add_argument
    add("--data", required=True, metavar="FILE.csv", help="a table with a line of column names above its rows")
    add("--target", required=True, metavar="COLUMN", help="the column that the model learns to tell from the others")
    add("--model", required=True, choices=[*KINDS], help="linear for numbers; logistic and perceptron for two labels, softmax for "
        "more; mlp for numbers or labels")  # fmt: skip
    add("--without", action="append", default=[], metavar="COLUMN", help="a column to leave out; may be given again")
    add(
        "--text", action="append", default=[], metavar="COLUMN", help="a column of numbers that stand for kinds, such as a postcode"
    )
    add("--missing", choices=["error", "skip", "fill"], default="error", help="where a value is missing: stop there (the default), "
        "leave the row out, or put in the mean (of text the most frequent)")  # fmt: skip
    add("--no-standardize", dest="standardize", action="store_false", help="take numbers as they are; by default columns, and a "
        "target of numbers, are brought to mean 0 and standard deviation 1")  # fmt: skip
    add("--epochs", type=_whole(1), metavar="N", help="how many times to go through the samples at most")
    add("--learning-rate", type=_number(above=0), metavar="η", help="how far a step goes; by default one that suits the data")
    add("--batch-size", type=_whole(1), metavar="N", help="samples in a step")
    add("--test-share", type=_number(at_least=0, below=1), default=0.25, metavar="SHARE", help="of the samples, held out to see "
        "how good the model is on what it has not seen; by default 0.25")  # fmt: skip
    add("--seed", type=_whole(0), default=0, metavar="N", help="of all that is random; by default 0")
    add("--out", metavar="PREFIX", help="where to save: PREFIX.safetensors and PREFIX.png; a folder, or its files' beginning")
    _add_common(parser)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=explain)
    _add_formula(parser, "what to differentiate with respect to; may be given again; by default every name")
    parser.add_argument("--latex", action="store_true", help="print LaTeX in place of text")
    parser.add_argument("--source", action="store_true", help="print the loss and its gradient as NumPy source in place of text")
    parser.add_argument("--page", metavar="FILE.html", help="save a page to step through, too")
    parser.add_argument("--lr", type=_number(above=0), metavar="η", help="end the page with a step of gradient descent")
    _add_language(parser, "the explanation")


def _add_descend(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=descend)
    _add_formula(parser, "what descends; may be given again; by default the first name that is given")
    parser.add_argument("--lr", type=_number(above=0), required=True, metavar="η", help="the learning rate: how far a step goes")
    parser.add_argument("--steps", type=_whole(1, at_most=10**5), default=10, metavar="N", help="how many steps; by default 10")
    parser.add_argument("--page", metavar="FILE.html", help="save a page with the steps of a single number, too")
    _add_language(parser, "what is printed")


def _add_formula(parser: argparse.ArgumentParser, wrt: str) -> None:
    parser.add_argument("formula", metavar="FORMULA", help="arithmetic, NumPy's functions and the names that are given")
    parser.add_argument("given", nargs="*", metavar="NAME=VALUE", help="a number, a list as in x='[1, 2]', or a file .npy or .csv")
    parser.add_argument("--wrt", action="append", default=[], metavar="NAME", help=wrt)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=predict)
    parser.add_argument("--model", required=True, metavar="FILE", help="what train has saved, or the folder that it is in")
    parser.add_argument(
        "--data", required=True, metavar="FILE.csv", help="a table with the columns that the model was trained with"
    )
    parser.add_argument("--out", metavar="FILE.csv", help="where to save the predictions; by default they are printed")
    _add_common(parser)


def _add_learn(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=learn)
    parser.add_argument("lesson", nargs="?", type=_whole(1), metavar="LESSON", help="its number; by default all are listed")
    parser.add_argument("--notebook", action="store_true", help="open it in Jupyter, as a notebook in the current folder")
    parser.add_argument("--no-open", dest="open", action="store_false", help="only say where the page or the notebook is")
    _add_language(parser, "the lesson")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delimiter", metavar="SIGN", help="between cells: a sign, or tab; by default what the header shows")
    _add_language(parser, "the report")


def _add_language(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help=f"the language of {what}")


def _whole(at_least: int, at_most: int = 10**9) -> Callable[[str], int]:
    def whole(given: str) -> int:
        is_short = given.isdecimal() and len(given) <= 10
        if is_short and at_least <= int(given) <= at_most:
            return int(given)
        is_large = given.isdecimal() and not (is_short and int(given) < at_least)
        bounds = f"at least {at_least}{f' and at most {at_most}' if is_large else ''}"
        raise argparse.ArgumentTypeError(f"it must be a whole number of {bounds}, but is {shortened(given)}")

    return whole


def _number(at_least: float = -math.inf, above: float = -math.inf, below: float = math.inf) -> Callable[[str], float]:
    def number(given: str) -> float:
        try:
            value = float(given)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and at_least <= value and above < value < below:
            return value
        bounds = f"at least {at_least:g} and below {below:g}" if math.isfinite(below) else f"above {above:g}"
        raise argparse.ArgumentTypeError(f"it must be a number {bounds}, but is {shortened(given)}")

    return number
