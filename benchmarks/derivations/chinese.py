"""What the page says of the classics in Chinese, each text under what it is in English."""

CHINESE = {
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
