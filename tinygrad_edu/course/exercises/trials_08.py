"""What is tried with the programs of lesson 8, and what is said of the first thing that goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu.course.exercises.built_value import Value
from tinygrad_edu.languages import Text
from tinygrad_edu.testing.answers import is_missing, spelled


def _are_equal(got: Any, right: float) -> bool:
    try:
        return math.isclose(float(got), right, rel_tol=1e-9, abs_tol=1e-12)
    except (TypeError, ValueError):
        return False


def _number(x: Any) -> str:
    return f"{x:g}".replace("-", "−") if isinstance(x, int | float) else spelled(x)


def try_divide(answer: Callable[[Any, Any], Any]) -> Text | None:
    for a, b in ((Value(6), Value(3)), (Value(1), Value(-2)), (Value(-5), Value(4))):
        call = f"divide(Value({a.data:g}), Value({b.data:g}))"
        result = answer(a, b)
        if (wrong := _no_value(call, result)) is not None:
            return wrong
        if not _are_equal(result.data, a.data / b.data):
            right = _number(a.data / b.data)
            return Text(
                f"{call} has the data {_number(result.data)}; it should be {right}.",
                f"{call} 的 data 是 {_number(result.data)}，应该是 {right}。",
            )
        slopes: dict[Any, float] = {}
        for source, local in result.made_from:
            slopes[source] = slopes.get(source, 0.0) + local
        if set(slopes) != {a, b}:
            return Text(
                f"The numbers are right. But {call} should be one step: made_from holds two pairs, one for a itself and one for b "
                "itself, each with its local derivative.",
                f"数值是对的。但 {call} 应该是一步：made_from 里有两个二元组，一个给 a 本身，一个给 b 本身，各带自己的局部导数。",
            )
        if not _are_equal(slopes[a], 1 / b.data):
            got, right = _number(slopes[a]), _number(1 / b.data)
            return Text(
                f"In {call} the local derivative for a is {got}, and it should be 1/b = {right}: b counts as fixed.",
                f"在 {call} 中，对 a 的局部导数是 {got}，应该是 1/b = {right}：这时 b 视为常数。",
            )
        if (wrong := _wrong_slope_of_the_divisor(slopes[b], a.data, b.data)) is not None:
            return wrong
    return None


def _no_value(call: str, result: Any) -> Text | None:
    """That the result of a call is no Value. Of one that is not there yet nothing: the next line tells."""
    if hasattr(result, "made_from") or is_missing(result):
        return None
    return Text(
        f"{call} should return a Value, but returned {spelled(result)}.", f"{call} 应该返回一个 Value，却返回了 {spelled(result)}。"
    )


def _wrong_slope_of_the_divisor(got: float, a: float, b: float) -> Text | None:
    if _are_equal(got, -a / b**2):
        return None
    here = f"a = {_number(a)}, b = {_number(b)}"
    if _are_equal(got, a / b**2):
        return Text(
            f"At {here} the local derivative for b has its sign turned: a larger divisor gives a smaller quotient where a is "
            "positive.",
            f"在 {here} 处，对 b 的局部导数符号反了：a 为正时，除数越大，商越小。",
        )
    if _are_equal(got, -1 / b**2):
        return Text(
            f"At {here} the local derivative for b is −1/b². That belongs to 1/b; here the factor a is missing.",
            f"在 {here} 处，对 b 的局部导数是 −1/b²。那是 1/b 的导数，这里还缺因子 a。",
        )
    if _are_equal(got, -a / b):
        return Text(
            f"At {here} the local derivative for b is −a/b: a/b is a · b⁻¹, and the exponent of the derivative of b⁻¹ is −2.",
            f"在 {here} 处，对 b 的局部导数是 −a/b：a/b 就是 a · b⁻¹，而 b⁻¹ 求导以后指数是 −2。",
        )
    return Text(
        f"At {here} the local derivative for b is {_number(got)}, and it should be −a/b² = {_number(-a / b**2)}.",
        f"在 {here} 处，对 b 的局部导数是 {_number(got)}，应该是 −a/b² = {_number(-a / b**2)}。",
    )


def try_relu(answer: Callable[[Any], Any]) -> Text | None:
    for at, right, slope in ((3.0, 3.0, 1.0), (0.5, 0.5, 1.0), (-2.0, 0.0, 0.0), (0.0, 0.0, 0.0)):
        a = Value(at)
        call = f"relu(Value({at:g}))"
        result = answer(a)
        if (wrong := _no_value(call, result)) is not None:
            return wrong
        if not _are_equal(result.data, right):
            return Text(
                f"{call} has the data {_number(result.data)}; it should be {_number(right)}.",
                f"{call} 的 data 是 {_number(result.data)}，应该是 {_number(right)}。",
            )
        if result is not a and slope and a not in [source for source, _ in result.made_from]:
            return Text(
                f"{call} has the right data, but has forgotten a: without the pair (a, local derivative) no gradient comes "
                "back to it.",
                f"{call} 的数值对了，但它忘记了 a：没有二元组 (a, 局部导数)，梯度就回不到 a。",
            )
        got = 1.0 if result is a else sum(local for source, local in result.made_from if source is a)
        if not _are_equal(got, slope):
            return Text(
                f"In {call} the local derivative is {_number(got)}, and it should be {_number(slope)}: if a moves a little, "
                "the result " + ("moves as much." if slope else "stays 0. (At 0 itself one agrees on 0.)"),
                f"在 {call} 中局部导数是 {_number(got)}，应该是 {_number(slope)}：a 动一点点时，结果"
                + ("跟着动同样多。" if slope else "一直是 0。（在 0 这一点，约定取 0。）"),
            )
    return None


class TooManyError(Exception):
    """Raised where a walk over a graph looks at a Value again and again."""


class Watched(Value):
    """A Value that counts how often somebody asks what it was made from."""

    asked, most = 0, 2000

    @property
    def made_from(self) -> Any:
        Watched.asked += 1
        if Watched.asked > Watched.most:
            raise TooManyError
        return self._pairs

    @made_from.setter
    def made_from(self, pairs: Any) -> None:
        self._pairs = pairs


def _doubled(times: int) -> tuple[Value, Value]:
    """A Value, and what comes of adding it to itself so many times."""
    start: Value = Watched(1.0)
    value = start
    for _ in range(times):
        value = Watched(2 * value.data, ((value, 1.0), (value, 1.0)))
    Watched.asked = 0
    return start, value


def try_gradients(answer: Callable[[Any], Any]) -> Text | None:
    a, b, c = Value(2), Value(3), Value(-4)
    product = a * b
    output = product * c
    found = answer(output)
    if not isinstance(found, dict) and not is_missing(found):
        return Text(
            f"my_gradients(output) should return a dictionary, found[value] = derivative, but returned {spelled(found)}.",
            f"my_gradients(output) 应该返回一个字典 found[value] = 导数，却返回了 {spelled(found)}。",
        )
    if not _are_equal(found.get(output), 1.0):  # what is missing has no such method, and is told to be missing
        return Text(
            "The derivative of the output by itself is 1: the walk starts with found = {output: 1.0}.",
            "输出对它自己的导数是 1：从 found = {output: 1.0} 出发。",
        )
    for name, value, right in (("ab", product, -4.0), ("a", a, -12.0), ("b", b, -8.0), ("c", c, 6.0)):
        if value not in found:
            return Text(f"For (a · b) · c the dictionary has no entry for {name}.", f"对 (a · b) · c，字典里没有 {name} 这一项。")
        if not _are_equal(found[value], right):
            return Text(
                f"For (a · b) · c with a = 2, b = 3, c = −4 the gradient of {name} is {_number(found[value])}, and it should be "
                f"{_number(right)}: multiply the local derivatives along the path.",
                f"对 (a · b) · c，a = 2，b = 3，c = −4 时，{name} 的梯度是 {_number(found[value])}，应该是 {_number(right)}："
                "要把路径上的局部导数相乘。",
            )
    return _wrong_on_several_paths(answer) or _wrong_on_many_numbers(answer)


def _wrong_on_several_paths(answer: Callable[[Any], Any]) -> Text | None:
    a, b = Value(2), Value(3)
    output = a * b + a
    got = answer(output).get(a)
    if not _are_equal(got, 4.0):
        return Text(
            f"In a · b + a the number a is used twice and its gradient is {_number(got)}, but the contributions b = 3 and 1 "
            "should be "
            "added to 4. Do not overwrite what was found before: found.get(source, 0.0) + ...",
            f"在 a · b + a 中 a 用了两次，得到的梯度是 {_number(got)}，但两份贡献 b = 3 和 1 应该相加得 4。"
            "不要覆盖先前得到的值：found.get(source, 0.0) + ……",
        )
    first = answer(output).get(a)
    if not _are_equal(first, 4.0):
        return Text(
            f"Called again for the same output, it gives {_number(first)} instead of 4: begin with a new, empty dictionary "
            "each time.",
            f"对同一个输出再调用一次，得到的是 {_number(first)} 而不是 4：每次都要从一个新的空字典开始。",
        )
    product = a * b
    for output in (product + product * Value(5), product * Value(5) + product):
        got = answer(output).get(a)
        if not _are_equal(got, 18.0):
            return Text(
                f"With p = a · b and z = p + 5p the gradient of a is {_number(got)}, and it should be 18. The order is wrong: "
                "p passed "
                "its gradient on before all contributions to it had arrived. Visit the largest serial first.",
                f"p = a · b，z = p + 5p 时，a 的梯度是 {_number(got)}，应该是 18。顺序错了：p 还没有收齐全部贡献就往下传了。"
                "要从 serial 最大的开始。",
            )
    return None


def _wrong_on_many_numbers(answer: Callable[[Any], Any]) -> Text | None:
    start, output = _doubled(60)
    try:
        got = answer(output).get(start)
    except TooManyError:
        return Text(
            "A number was added to itself 60 times: that is 61 Values, but 2⁶⁰ paths, and this walk goes along every path. "
            "Visit each "
            "Value once, when all contributions to it are there.",
            "把一个数和自己相加 60 次：只有 61 个 Value，却有 2⁶⁰ 条路径，而你的程序在逐条走路径。"
            "每个 Value 只访问一次，等它的贡献都到齐了再往下传。",
        )
    if not _are_equal(got, 2.0**60):
        return Text(
            f"A number that is added to itself 60 times should have the gradient 2⁶⁰, but has {_number(got)}.",
            f"一个数和自己相加 60 次，梯度应该是 2⁶⁰，却得到 {_number(got)}。",
        )
    value = start = Value(1.0)
    for _ in range(10_000):
        value = value + 1.0
    try:
        got = answer(value).get(start)
    except RecursionError:
        return Text(
            "A chain of 10,000 additions is too long for a function that calls itself (RecursionError). Keep a list of what "
            "is to be "
            "visited, and take from it in a loop.",
            "10000 次加法连成的链，对自己调用自己的函数来说太长了（RecursionError）。用一个列表存放待访问的 Value，"
            "在循环里逐个取出。",
        )
    if not _are_equal(got, 1.0):
        return Text(
            f"After a chain of 10,000 additions the gradient should be 1, but is {_number(got)}.",
            f"连加 10000 次以后梯度应该是 1，却得到 {_number(got)}。",
        )
    return None


_SINGLE: tuple[tuple[str, Callable[..., Any], tuple[float, ...], float, tuple[float, ...]], ...] = (
    ("a + b", lambda a, b: a + b, (3.0, 2.0), 5.0, (1.0, 1.0)),
    ("a * b", lambda a, b: a * b, (3.0, 2.0), 6.0, (2.0, 3.0)),
    ("a + 1", lambda a: a + 1, (3.0,), 4.0, (1.0,)),
    ("1 + a", lambda a: 1 + a, (3.0,), 4.0, (1.0,)),
    ("a * 2", lambda a: a * 2, (3.0,), 6.0, (2.0,)),
    ("2 * a", lambda a: 2 * a, (3.0,), 6.0, (2.0,)),
    ("-a", lambda a: -a, (3.0,), -3.0, (-1.0,)),
    ("a - b", lambda a, b: a - b, (3.0, 2.0), 1.0, (1.0, -1.0)),
    ("a - 8", lambda a: a - 8, (3.0,), -5.0, (1.0,)),
    ("8 - a", lambda a: 8 - a, (3.0,), 5.0, (-1.0,)),
    ("a ** 3", lambda a: a**3, (2.0,), 8.0, (12.0,)),
    ("a / b", lambda a, b: a / b, (3.0, 2.0), 1.5, (0.5, -0.75)),
    ("a / 4", lambda a: a / 4, (3.0,), 0.75, (0.25,)),
    ("6 / a", lambda a: 6 / a, (2.0,), 3.0, (-1.5,)),
    ("a.exp()", lambda a: a.exp(), (0.5,), math.exp(0.5), (math.exp(0.5),)),
    ("a.tanh()", lambda a: a.tanh(), (0.5,), math.tanh(0.5), (1 - math.tanh(0.5) ** 2,)),
)
"""Each operation alone: how it is written, where, what comes out, and its derivatives."""


def try_class(answer: Any) -> Text | None:
    if not isinstance(answer, type):
        return Text('Give check the class itself: check("8.6", Value).', '把类本身交给 check：check("8.6", Value)。')
    for words, operation, at, data, slopes in _SINGLE:
        wrong = _wrong_operation(answer, words, operation, at, data, slopes)
        if wrong is not None:
            return wrong
    return _wrong_graph(answer) or _wrong_adding_up(answer) or _wrong_chain(answer)


def _wrong_operation(
    kind: Any, words: str, operation: Callable[..., Any], at: tuple[float, ...], data: float, slopes: tuple[float, ...]
) -> Text | None:
    inputs = [kind(number) for number in at]
    where = ", ".join(f"{name} = {_number(number)}" for name, number in zip("ab", at, strict=False))
    try:
        result = operation(*inputs)
        result.backward()
    except (TypeError, AttributeError, NotImplementedError) as error:
        told = f"{type(error).__name__}: {error}"
        if words[0].isdigit():
            method = {"+": "__radd__", "*": "__rmul__", "-": "__rsub__", "/": "__rtruediv__"}[words[2]]
            return Text(
                f"{words} with a Value a fails ({told}). Python asks the Value for {method}, since the number on the left "
                "gives up.",
                f"{words}（a 是 Value）出错：{told}。左边的数处理不了，于是 Python 向右边的 Value 要 {method}。",
            )
        return Text(f"{words} at {where} fails: {told}.", f"在 {where} 处计算 {words} 出错：{told}。")
    if not _are_equal(result.data, data):
        is_turned = _are_equal(result.data, -data)
        return Text(
            f"{words} at {where} gives {_number(result.data)}, and it should be {_number(data)}."
            + (" The sign is turned: which side does self stand on?" if is_turned else ""),
            f"在 {where} 处，{words} 得到 {_number(result.data)}，应该是 {_number(data)}。"
            + ("符号反了：self 在运算符的哪一边？" if is_turned else ""),
        )
    for name, value, slope in zip("ab", inputs, slopes, strict=False):
        if not _are_equal(value.grad, slope):
            is_turned = _are_equal(value.grad, -slope)
            return Text(
                f"{words} at {where}: the gradient of {name} is {_number(value.grad)}, and it should be {_number(slope)}."
                + (" The sign is turned." if is_turned else ""),
                f"{words} 在 {where} 处：{name} 的梯度是 {_number(value.grad)}，应该是 {_number(slope)}。"
                + ("符号反了。" if is_turned else ""),
            )
    return None


def _wrong_graph(kind: Any) -> Text | None:
    a, b = kind(2.0), kind(3.0)
    (a * b + a).backward()
    if not _are_equal(a.grad, 4.0):
        return Text(
            f"In a * b + a the number a is used twice and its gradient is {_number(a.grad)}, but the contributions 3 and 1 "
            "should be "
            "added to 4.",
            f"在 a * b + a 中 a 用了两次，得到的梯度是 {_number(a.grad)}，但两份贡献 3 和 1 应该相加得 4。",
        )
    for build in (lambda p: p + p * 5.0, lambda p: p * 5.0 + p, lambda p: p.tanh() * 0.0 + p * (p * 0.0 + 1.0) + p * 5.0):
        a, b = kind(2.0), kind(3.0)
        build(a * b).backward()
        if not _are_equal(a.grad, 18.0):
            return Text(
                f"With p = a * b and z = p + 5 * p the gradient of a is {_number(a.grad)}, and it should be 18. The order is "
                "wrong: p "
                "passed its gradient on before all contributions to it had arrived.",
                f"p = a * b，z = p + 5 * p 时，a 的梯度是 {_number(a.grad)}，应该是 18。顺序错了：p 还没有收齐全部贡献就往下传了。",
            )
    return None


def _wrong_adding_up(kind: Any) -> Text | None:
    theta = kind(3.0)
    for _ in range(2):
        (0.5 * (8.0 - theta * 2.0) ** 2).backward()
    if not _are_equal(theta.grad, -8.0):
        return Text(
            f"Two losses with the gradient −4 each should add up to −8 in theta.grad, but it is {_number(theta.grad)}: "
            "backward adds to "
            "what is there, and the user zeroes.",
            f"两个损失的梯度都是 −4，theta.grad 里应该累加成 −8，却是 {_number(theta.grad)}：backward 往已有的值上加，"
            "清零由使用者来做。",
        )
    theta = kind(3.0)
    loss = 0.5 * (8.0 - theta * 2.0) ** 2
    loss.backward()
    loss.backward()
    if not _are_equal(theta.grad, -8.0):
        return Text(
            f"backward() twice on the same loss should give twice −4, but theta.grad is {_number(theta.grad)}. The numbers in "
            "between "
            "kept their old sums, and passed them on again: collect the sums of each call in a dictionary of its own.",
            f"对同一个损失调用两次 backward()，应该是 −4 的两倍，但 theta.grad 是 {_number(theta.grad)}。"
            "中间的数留着旧的累加值，又往下传了一遍：每次调用都要用一个新的字典来累加。",
        )
    return None


def _wrong_chain(kind: Any) -> Text | None:
    start = value = kind(1.0)
    try:
        for _ in range(10_000):
            value = value + 1.0
        value.backward()
    except RecursionError:
        return Text(
            "A chain of 10,000 additions ends in a RecursionError. Walk with a loop and a list instead of a function that "
            "calls itself.",
            "10000 次加法连成的链以 RecursionError 告终。用循环和列表来走，不要用自己调用自己的函数。",
        )
    if not _are_equal(start.grad, 1.0):
        return Text(
            f"After a chain of 10,000 additions the gradient should be 1, but is {_number(start.grad)}.",
            f"连加 10000 次以后梯度应该是 1，却得到 {_number(start.grad)}。",
        )
    return None
