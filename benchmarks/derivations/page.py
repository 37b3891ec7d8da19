"""The page: each classic as a function, its derivation by hand, and the derived source beside it, with what is to be counted."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.derivations.chinese import CHINESE
from benchmarks.derivations.classic import Classic
from benchmarks.derivations.classics import CLASSICS
from benchmarks.derivations.recurrences import RECURRENCES
from benchmarks.table import duration
from tinygrad_edu.languages import Text

ALL = [*CLASSICS, *RECURRENCES]

_INTRODUCTION = Text(
    """\
# Derivations

[中文版](derivations.zh-CN.md)

{count} classics of machine learning: the function as one writes it, its gradient as one derives it by hand, and the source that
`tg.compile(tg.value_and_grad(...))` derives. All three compute the same numbers, which the tests see to.

What is counted are the lines of a function, its `return` included, and the operations written there: operators, comparisons, calls.
Functions that NumPy lacks, such as `softmax`, are the same ones in both; they are left out here, and so are `.source`'s head and
its docstring. {shorter} of the {count} derived sources have no more lines than the derivation by hand.

Times are those of one call with the numbers that the derivation is tried with, on one thread of the processor: medians of {rounds}
rounds in which the two take turns, and the median of their ratios. (`python -m benchmarks.derivations --measure` measures them
anew; this page is written by `python -m benchmarks.derivations`.)
""",
    """\
# 推导对照

[English](derivations.md)

{count} 个机器学习的经典模型：人们通常写出的函数，手工推导的梯度，以及 `tg.compile(tg.value_and_grad(...))` 自动推导出的源代码。
三者算出同样的数，这由测试保证。

行数是函数体的行数，包括 `return`；运算数是其中写出的运算的个数，包括运算符、比较和函数调用。
NumPy 没有的函数（如 `softmax`）两边用的是同一个，这里略去，`.source` 开头的几行和文档字符串也略去。
{count} 段自动推导的源代码中，有 {shorter} 段的行数不超过手工推导。

时间是用检验时的数据调用一次所需的时间，只用处理器的一个线程：两者轮流运行 {rounds} 轮，取中位数；最后一列是每轮比值的中位数。
（`python -m benchmarks.derivations --measure` 重新测量时间；本页由 `python -m benchmarks.derivations --lang zh` 写出。）
""",
)
_HEAD = Text(
    "| classic | lines by hand | derived | operations by hand | derived | time by hand | derived | derived / by hand |",
    "| 模型 | 手工行数 | 自动 | 手工运算数 | 自动 | 手工时间 | 自动 | 自动 / 手工 |",
)


@dataclass(frozen=True)
class Source:
    """The source of a function.

    code: with its head, without its docstring.
    """

    code: str

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Source:
        """That of one of ours, without types."""
        return cls(re.sub(r": Any\b| -> Any\b", "", inspect.getsource(function).rstrip()))

    @classmethod
    def of_program(cls, source: str) -> Source:
        """The last function of a compiled program: what stands above it are functions that NumPy lacks."""
        code = source[source.rindex("\n\n\n") :].strip()
        docstring = ast.get_docstring(_function(code), clean=False) or ""
        head, _, rest = code.partition(f'    """{docstring}"""\n')
        return cls(head + rest)

    @cached_property
    def lines(self) -> int:
        """How many lines follow the head."""
        return len(self.code.splitlines()) - 1

    @cached_property
    def operations(self) -> int:
        """How many operations are written in it."""
        parts = (part for statement in _function(self.code).body for part in ast.walk(statement))
        return sum(isinstance(part, ast.BinOp | ast.UnaryOp | ast.AugAssign | ast.Compare | ast.Call) for part in parts)


def _function(code: str) -> ast.FunctionDef:
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


@dataclass(frozen=True)
class Entry:
    """A classic, written down three times."""

    classic: Classic
    function: Source
    by_hand: Source
    derived: Source

    @classmethod
    def of(cls, classic: Classic) -> Entry:
        """A classic, whose gradient is derived."""
        classic.derived(*classic.arguments)
        by_hand, derived = Source.of(classic.by_hand), Source.of_program(classic.derived.source)
        return cls(classic, Source.of(classic.function), by_hand, derived)

    @property
    def is_no_longer(self) -> bool:
        """Whether the derived source has no more lines than that by hand."""
        return self.derived.lines <= self.by_hand.lines

    def row(self, time: Mapping[str, float], lang: str) -> str:
        """A row of the table of all."""
        title = _in(lang, self.classic.title)
        link = "".join(char for char in title.lower().replace(" ", "-") if char.isalnum() or char == "-")
        counts = f"{self.by_hand.lines} | {self.derived.lines} | {self.by_hand.operations} | {self.derived.operations}"
        times = f"{duration(time['by_hand'])} | {duration(time['derived'])} | {time['ratio']:.2f}"
        return f"| [{title}](#{link}) | {counts} | {times} |"

    def section(self, lang: str) -> str:
        """The sources, side by side."""
        title, by_hand, derived = (_in(lang, text) for text in (self.classic.title, "by hand", "derived"))
        remark = f"\n{_in(lang, self.classic.remark)}\n" if self.classic.remark else ""
        return (
            f"## {title}\n\n{_block(self.function)}\n{remark}\n<table>\n<tr><th>{by_hand}</th><th>{derived}</th></tr>\n"
            f'<tr><td valign="top">\n\n{_block(self.by_hand)}\n\n</td><td valign="top">\n\n{_block(self.derived)}\n\n</td></tr>\n'
            "</table>\n"
        )


def _block(text: Source) -> str:
    return f"```python\n{text.code}\n```"


def entries() -> list[Entry]:
    """All classics, in the order of the page."""
    return [Entry.of(classic) for classic in ALL]


def page(times: Mapping[str, Any], lang: str = "en") -> Iterator[str]:
    """The page in Markdown, with the times that were measured, in English or (`"zh"`) in Chinese."""
    written = entries()
    shorter = sum(entry.is_no_longer for entry in written)
    yield _INTRODUCTION.in_language(lang).format(count=len(written), shorter=shorter, rounds=times["rounds"])
    yield _HEAD.in_language(lang)
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    yield from (entry.row(times["times"][entry.classic.title], lang) for entry in written)
    yield ""
    yield from (entry.section(lang) for entry in written)


def _in(lang: str, text: str) -> str:
    return CHINESE[text] if lang == "zh" else text
