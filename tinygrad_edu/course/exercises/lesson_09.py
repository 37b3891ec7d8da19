"""The exercises of lesson 9, which builds an engine for arrays: rules of operations, and the shape before broadcasting."""

import numpy as np

from tinygrad_edu.course.exercise import Function, Gradient, Program
from tinygrad_edu.course.exercises.trials_09 import try_unbroadcast
from tinygrad_edu.languages import Text

# What a rule is the gradient of, for the result's gradient g: the sum of g · out.


def of_sqrt(g, x):
    return np.sum(g * np.sqrt(x))


def of_quotient(g, a, b):
    return np.sum(g * (a / b))


def of_matrix_times_vector(g, A, v):
    return np.sum(g * (A @ v))


def sqrt_rule(g, x):
    return g / (2 * np.sqrt(x))


def divisor_rule(g, a, b):
    return -g * a / b**2


def matrix_rule(g, A, v):
    return np.outer(g, v)


def row_sum_rule(g, X):
    return np.broadcast_to(g[:, None], X.shape)


def _softmax(x):
    return np.exp(x) / np.sum(np.exp(x))


def softmax_rule(g, x):
    out = np.exp(x) / np.sum(np.exp(x))
    return out * (g - np.sum(g * out))


def my_unbroadcast(g, shape):
    added = g.ndim - len(shape)
    g = np.sum(g, axis=tuple(range(added)))
    stretched = tuple(i for i, length in enumerate(shape) if length == 1)
    return np.sum(g, axis=stretched, keepdims=True)


EXERCISES = (
    Gradient(
        "9.1",
        Text("The rule of the square root", "平方根的规则"),
        f=of_sqrt,
        arguments=(np.array([1.0, -2.0, 0.5]), np.array([4.0, 1.0, 2.0])),
        argnum=1,
        hints=(
            Text("√x is x to the power ½. What is its derivative?", "√x 就是 x 的 ½ 次幂。它的导数是什么？"),
            Text(
                "The operation works element by element, so the rule is g times the derivative ½ · x^(−½).",
                "这个运算是逐个元素进行的，所以规则就是 g 乘以导数 ½ · x^(−½)。",
            ),
            Text("x^(−½) is 1 / np.sqrt(x).", "x^(−½) 就是 1 / np.sqrt(x)。"),
        ),
        solution=sqrt_rule,
    ),
    Gradient(
        "9.2",
        Text("The rule of a quotient for its divisor", "商对除数的规则"),
        f=of_quotient,
        arguments=(np.array([1.0, -2.0, 0.5]), np.array([3.0, 1.0, -2.0]), np.array([2.0, 0.5, 4.0])),
        argnum=2,
        hints=(
            Text("a / b is a · b⁻¹, and a counts as fixed.", "a / b 就是 a · b⁻¹，a 视为常数。"),
            Text(
                "The derivative of b⁻¹ is −b⁻². Mind the sign: a larger divisor makes the quotient smaller.",
                "b⁻¹ 的导数是 −b⁻²。注意符号：除数变大，商变小。",
            ),
            Text("Multiply: g, a, and −1 / b**2.", "把 g、a 和 −1 / b**2 乘起来。"),
        ),
        solution=divisor_rule,
    ),
    Gradient(
        "9.3",
        Text("The rule of a matrix times a vector", "矩阵乘向量的规则"),
        f=of_matrix_times_vector,
        arguments=(
            np.array([1.0, -2.0, 0.5]),
            np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0], [2.0, 1.0, 1.5]]),
            np.array([3.0, 1.0, -2.0]),
        ),
        argnum=1,
        hints=(
            Text("If A_ij moves by h, only out_i moves, and by h · v_j.", "A_ij 变化 h 时，只有 out_i 变化，变化量是 h · v_j。"),
            Text(
                "So the gradient for A_ij is g_i · v_j: the row tells which g, the column which v.",
                "所以 A_ij 的梯度是 g_i · v_j：行号决定取哪个 g，列号决定取哪个 v。",
            ),
            Text(
                "All products of an element of one vector with one of another: np.outer(first, second), where first belongs "
                "to the rows.",
                "一个向量的每个元素乘另一个向量的每个元素：np.outer(first, second)，其中 first 对应行。",
            ),
        ),
        solution=matrix_rule,
    ),
    Function(
        "9.4",
        Text("The rule of a sum along an axis", "沿一个轴求和的规则"),
        arguments=lambda rng: (rng.normal(size=3), rng.normal(size=(3, 4))),
        hints=(
            Text(
                "Each element of row i moves the sum of row i by as much as itself moves, so each gets g_i.",
                "第 i 行的每个元素动多少，第 i 行的和就动多少，所以每个元素都得到 g_i。",
            ),
            Text(
                "So in row i of the result stands g_i, in every column. Begin with g as a column: g[:, None] has one number a row.",
                "所以结果的第 i 行每一列都是 g_i。先把 g 竖成一列：g[:, None]，每行一个数。",
            ),
            Text(
                "Repeat the column into the shape of X: np.broadcast_to(..., X.shape), or times np.ones(X.shape).",
                "把这一列重复成 X 的形状：np.broadcast_to(..., X.shape)，或者乘以 np.ones(X.shape)。",
            ),
        ),
        solution=row_sum_rule,
        mistakes=(
            (
                lambda g, X: np.ones(X.shape),
                Text(
                    "That is how the row sums move with X. By the chain rule each row is multiplied with its g.",
                    "这是各行的和随 X 的变化。按链式法则，每一行还要乘以它的 g。",
                ),
            ),
            (
                lambda g, X: g[:, None] * X,
                Text(
                    "A sum moves by as much as its terms do: X itself has no part in its rule.",
                    "加数动多少，和就动多少：规则里没有 X 本身。",
                ),
            ),
            (
                lambda g, X: np.broadcast_to(g[:, None], X.shape) / X.shape[1],
                Text("That is the rule of the mean of each row.", "这是每行取平均的规则。"),
            ),
        ),
    ),
    Function(
        "9.5",
        Text("The rule of softmax", "softmax 的规则"),
        arguments=lambda rng: (rng.normal(size=4), rng.normal(size=4)),
        hints=(
            Text(
                "Let e = np.exp(x) and s = np.sum(e), so out = e / s. If x_i moves, e_i moves, and s does, too: two paths.",
                "记 e = np.exp(x)，s = np.sum(e)，out = e / s。x_i 变化时 e_i 变，s 也变：有两条路径。",
            ),
            Text(
                "By the first path x_i gets g_i · out_i. By the second: s moves by e_i, and every out_k by −out_k · out_i.",
                "第一条路径给 x_i 的是 g_i · out_i。第二条：s 变化 e_i，于是每个 out_k 变化 −out_k · out_i。",
            ),
            Text(
                "Together: out_i · g_i − out_i · Σ g_k · out_k. In NumPy: out * (g - np.sum(...)).",
                "合起来：out_i · g_i − out_i · Σ g_k · out_k。用 NumPy 写：out * (g - np.sum(...))。",
            ),
        ),
        solution=softmax_rule,
        mistakes=(
            (
                lambda g, x: g * _softmax(x) * (1 - _softmax(x)),
                Text(
                    "That is the path from x_i to out_i alone. Through the sum each x_i moves all the other results, too: "
                    "those paths "
                    "must be added.",
                    "这只是从 x_i 到 out_i 的路径。x_i 通过分母的和还影响其余所有结果，那些路径也要加上。",
                ),
            ),
            (
                lambda g, x: g * _softmax(x),
                Text(
                    "That is the path through the numerator alone, as if the sum below stayed as it is.",
                    "这只是经过分子的路径，好像分母的和不变似的。",
                ),
            ),
            (
                lambda g, x: _softmax(x) * (g - np.sum(g)),
                Text("Nearly: in the sum each g_k counts with its out_k.", "差一点：求和时每个 g_k 要乘以 out_k。"),
            ),
            (
                lambda g, x: _softmax(x) * (g - np.mean(g * _softmax(x))),
                Text("Nearly: it is the sum of g · out, not the mean.", "差一点：是 g · out 的和，不是平均。"),
            ),
        ),
    ),
    Program(
        "9.6",
        Text("Back to the shape before broadcasting", "回到广播之前的形状"),
        trial=try_unbroadcast,
        hints=(
            Text(
                "How many axes were added on the left? g.ndim - len(shape). Sum over them first.",
                "左边添了几个轴？g.ndim - len(shape) 个。先沿它们求和。",
            ),
            Text(
                "Then g has as many axes as shape. Where shape has length 1, sum over that axis, and keep it: keepdims=True.",
                "这时 g 的轴数和 shape 一样多。shape 里长度是 1 的轴，沿它求和，并保留这个轴：keepdims=True。",
            ),
            Text(
                "np.sum takes a tuple of axes: np.sum(g, axis=tuple(range(added))), and then axis=tuple(i for i, n in "
                "enumerate(shape) if ...).",
                "np.sum 可以一次沿几个轴：np.sum(g, axis=tuple(range(added)))，再用 axis=tuple(i for i, n in enumerate(shape) "
                "if ...)。",
            ),
        ),
        solution=my_unbroadcast,
    ),
)
