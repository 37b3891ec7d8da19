"""Wrong answers to the exercises of lesson 4, each with a part of what is to be said of it."""


def trained(theta, x, t, eta, steps):
    for _ in range(steps):
        theta -= eta * (theta * x - t) * x
    return theta


def one_gradient(theta, x, t, eta, steps):
    gradient = (theta * x - t) * x
    for _ in range(steps):
        theta -= eta * gradient
    return theta


def returns_too_early(theta, x, t, eta, steps):
    for _ in range(steps):
        theta -= eta * (theta * x - t) * x
        return theta
    return None


WRONG = {
    "4.1": [
        (-0.2, "The gradient has been added.", "却加上了"),
        (13, "The learning rate is missing", "漏了学习率"),
        (1.6, "The factor x is missing", "漏了因子 x"),
        (-12, "That is the gradient.", "这是梯度。"),
        (1.2, "by how much θ grows", "θ 增大了多少"),
        (-2.2, "The sign is turned.", "符号反了。"),
    ],
    "4.2": [
        (lambda theta, x, t, eta: theta + eta * (theta * x - t) * x, "This goes uphill", "往上坡走"),
        (lambda theta, x, t, eta: theta - (theta * x - t) * x, "The learning rate eta is missing.", "漏了学习率 eta"),
        (lambda theta, x, t, eta: theta - eta * (theta * x - t), "The factor x is missing", "漏了因子 x"),
        (lambda theta, x, t, eta: eta * (theta * x - t) * x, "Subtract it from theta.", "用 theta 减去它"),
        (lambda theta, x, t, eta: theta - eta * (theta * x - t) ** 2 / 2, "That subtracts the loss.", "这里减的是损失"),
        (lambda theta, x, t, eta: theta - 2 * eta * (theta * x - t) * x, "It is wrong: for theta = ", "当 theta = "),
    ],
    "4.3": [
        (0.04, "a single step arrives", "一步到位"),
        (0.4, "That is 2/x.", "这是 2/x。"),
        (0.5, "the bound for x = 2", "x = 2 的界限"),
        (12.5, "Turned over", "上下颠倒了"),
    ],
    "4.4": [
        (0.375, "the factor −½", "倍数是 −½"),
        (0.25, "a single step arrives", "一步到位"),
        (0.5, "swing for ever", "永远摆动"),
        (-0.125, "The sign is turned.", "符号反了。"),
    ],
    "4.5": [
        (9, "is still above 0.01", "仍大于 0.01"),
        (9.015, "Steps are whole numbers", "步数是整数"),
        (11, "one step before", "再早一步"),
        (2, "It is 1 − ηx² = 0.6.", "倍数是 1 − ηx² = 0.6。"),
    ],
    "4.6": [
        (one_gradient, "The gradient has been computed once", "梯度只在开头算了一次"),
        (returns_too_early, "Only one step has been taken.", "只走了一步"),
        (lambda theta, x, t, eta, steps: trained(theta, x, t, -eta, steps), "This goes uphill", "往上坡走"),
        (lambda theta, x, t, eta, steps: trained(theta, x, t, eta, steps - 1), "One step is missing.", "少走了一步"),
        (lambda theta, x, t, eta, steps: trained(theta, x, t, eta, steps + 1), "one step too many", "多走了一步"),
    ],
}


def train(theta, x, t, eta, steps):
    best = t / x
    return best + (1 - eta * x**2) ** steps * (theta - best)


RIGHT = {
    "4.1": 2.2,
    "4.2": lambda theta, x, t, eta: (1 - eta * x**2) * theta + eta * t * x,
    "4.3": 0.08,
    "4.4": 0.125,
    "4.5": 10,
    "4.6": train,
}
