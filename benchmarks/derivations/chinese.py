"""What the page says in Chinese, each text under what it is in English."""

CHINESE = {
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
""": """\
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
    "| classic | lines by hand | derived | operations by hand | derived | time by hand | derived | derived / by hand |":
    "| 模型 | 手工行数 | 自动 | 手工运算数 | 自动 | 手工时间 | 自动 | 自动 / 手工 |",
    "by hand": "手工推导",
    "derived": "自动推导",
    "Least squares": "最小二乘",
    "Ridge regression": "岭回归",
    "Logistic regression": "逻辑回归",
    "Softmax regression": "Softmax 回归",
    "The perceptron": "感知机",
    "A network of two layers": "两层的网络",
    "Batch normalization": "批归一化",
    "An attention head": "一个注意力头",
    "A convolution": "卷积",
    "The likelihood of a Gaussian process": "高斯过程的似然",
    "k-means": "k 均值",
    "Matrix factorization": "矩阵分解",
    "A recurrent network": "循环网络",
    "An LSTM": "LSTM",
    "A fit of a differential equation, by Runge and Kutta": "用龙格–库塔法拟合微分方程",
    "The likelihood of a Kalman filter": "卡尔曼滤波的似然",
    "By hand a tuple holds all that the way back needs of a step. The derived source keeps a list of each thing, which takes\n"
    "two lines, and puts the gradient for `np.split` together part by part.":
    "手工推导把反向时要用的量放在一个元组里，每步一个；自动推导为每个量各存一个列表，每个列表要写两行，\n"
    "`np.split` 的梯度也是一部分一部分拼起来的。",
    "By hand a tuple holds the four stages of a step; the derived source keeps a list of each.":
    "手工推导把一步的四个阶段放在一个元组里，自动推导为每个阶段各存一个列表。",
    "By hand a tuple holds all that the way back needs of a step; the derived source keeps a list of each thing. It also\n"
    "takes the last step out of the loop on the way back, since no gradient comes to its estimate from a later one.":
    "手工推导把反向时要用的量放在一个元组里，每步一个；自动推导为每个量各存一个列表。它还把最后一步放到反向循环之外，\n"
    "因为没有更晚的一步会给最后的估计传来梯度。",
}  # fmt: skip
