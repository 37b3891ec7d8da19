"""Programs with loops, made up at random, as Python source.

`written(random, dtype)` draws one. What a program computes stays small, so that a rounding error stays one.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np

SIZE = 3
"""How long vectors are, and the rows and columns of matrices."""

LENGTH = 28
"""How long sequences are: those of the longest loop, walked in steps of two, with some to spare."""

SCALARS = (
    "{s} + {s}",
    "{s} - {s}",
    "0.5 * {s} * {s}",
    "{s} / 2",
    "-{s}",
    "{s}**2 / 4",
    "{v} @ {v} / 4",
    "np.sum({v}) / 4",
    "{s} + 0.25",
    "1.5 - {s}",
)
SMOOTH = ("np.tanh({0})", "np.sin({0})", "np.cos({0})", "0.5 * {0}", "{0}", "{0} / (1.0 + 0.25 * {0} * {0})")
ORDERED = ("np.maximum({0}, 0.1)", "np.where({0} > 0.1, {0}, 0.5 * {0})", "abs({0})", "np.minimum({0}, 0.5)")
VECTORS = (
    "{v} + {v}", "{v} - {v}", "{s} * {v}", "{m} @ {v}", "{v} @ {m}", "0.5 * {v} * {v}", "{v}[::-1]", "-{v}", "{v} / 2",
    "np.concatenate([{v}[1:], {v}[:1]])", "{m}.T @ {v}", "np.sum({m}, 0) / 4", "np.sum({m}, axis=1) / 4", "{v} + {s}",
    "np.roll({v}, 1)", "np.stack([{s}, {s}, {s}])", "np.cumsum({v}) / 3",
)  # fmt: skip
MATRICES = (
    "{m} + {m}", "{m} - {m}", "{s} * {m}", "0.4 * {m} @ {m}", "np.outer({v}, {v}) / 2", "{m}.T", "{v}[:, None] * {v} / 2",
    "{m} + {v}", "0.5 * {m} * {m}", "{m}[::-1]", "{m}[:, ::-1]", "np.stack([{v}, {v}, {v}])", "{m} + {v}[:, None]",
)  # fmt: skip
WHOLE = {
    "s": ("{s} + {s}", "{s} - {s}", "2 * {s}", "{s} % 3", "-{s}", "{s} * {s} % 5"),
    "v": ("{v} + {v}", "{s} * {v} % 7", "{v}[::-1]", "{v} - {v}", "{v} * {v} % 5"),
    "m": ("{m} + {m}", "{m}.T", "{m} - {v}", "{s} * {m} % 5"),
}
OF_LISTS = {
    "s": {"s": ("sum({0})", "np.sum(np.stack({0}))", "np.prod(np.stack({0}))"), "v": ("np.stack({0}[-3:])", "np.stack({0})[:3]")},
    "v": {
        "v": (
            "np.sum(np.stack({0}), 0)", "np.concatenate({0})[1:4]", "np.concatenate({0})[-3:]", "np.concatenate({0})[::-1][:3]",
            "sum({0})", "np.stack({0})[:3, 1]", "np.mean(np.stack({0}, 1), axis=1)",
        ),
        "m": ("np.stack({0}[:3])", "np.stack({0}[-3:])", "np.stack({0}[2::-1])", "np.stack({0}[:-4:-1], axis=1)"),
    },
    "m": {
        "v": ("np.stack({0})[:3, 0, 1]",),
        "m": ("sum({0})", "sum({0}[1:])", "sum({0}[::-1])", "sum({0}[::2])", "np.sum(np.stack({0}), 0)"),
    },
}  # fmt: skip
"""What is computed of the list of all states: of what kind it is, for each kind of state."""
PARTS = {"s": SCALARS, "v": VECTORS, "m": MATRICES}


@dataclass
class Loop:
    """A loop that is being written.

    i: what the number of the round is called.
    further: what the loop's header gives, by kind.
    states, lagged, lists, accumulators: the kind and the name of each, and of what; for a sum also how it goes on.
    """

    i: str
    rounds: int
    indent: str
    depth: int
    further: dict = field(default_factory=dict)
    states: list = field(default_factory=list)
    lagged: list = field(default_factory=list)
    lists: list = field(default_factory=list)
    accumulators: list = field(default_factory=list)

    @property
    def inner(self) -> str:
        return f"{self.indent}    "


class Writer:
    """Writes one program.

    names: for each kind of a number or array ("s", "v", "m") the expressions that can be used at this place.
    """

    def __init__(self, random: Random, dtype: str) -> None:
        self.random, self.dtype = random, dtype
        self.is_whole = dtype == "int64"
        self.rounds = random.choice((4, 5, 6, 7, 9, 12))
        self.names = {"s": ["s"], "v": ["v"], "m": ["W"]}
        self.lists = {"s": [], "v": [], "m": []}  # names of lists, as long as there are rounds or longer
        self.lines: list[str] = []
        self.count = 0

    def one_of(self, choices):
        return self.random.choice(list(choices))

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def name(self, start: str) -> str:
        self.count += 1
        return f"{start}{self.count}"

    # --- expressions ---------------------------------------------------------------------------------------------------------

    def expression(self, kind: str, depth: int = 2) -> str:
        if depth == 0 or self.chance(0.25):
            return self.one_of(self.names[kind])
        form = self.one_of((WHOLE if self.is_whole else PARTS)[kind])
        while "{" in form:
            part = form[form.index("{") + 1]
            form = form.replace("{" + part + "}", self.operand(part, depth - 1), 1)
        if self.is_whole:
            return f"({form})"
        smooth = self.one_of((*SMOOTH, *(() if self.dtype == "complex128" else ORDERED)))
        return f"({smooth.format(f'({form})')})" if smooth != "{0}" else f"({form})"

    def operand(self, kind: str, depth: int) -> str:
        return self.expression(kind, depth) if depth > 0 else self.one_of(self.names[kind])

    def update(self, kind: str) -> str:
        """A new state, which stays small."""
        form = self.expression(kind, self.one_of((1, 2, 2, 3)))
        if self.is_whole:
            return f"{form} % 11" if self.chance(0.8) else form
        return f"np.tanh({form})" if self.chance(0.6) else f"0.5 * ({form})"

    # --- what a round looks at -----------------------------------------------------------------------------------------------

    def sequences(self, i: str, rounds: int) -> dict[str, list[str]]:
        """What is another in each round. Those of `rounds` numbers from 0 on; all sequences are at least twice as long and 4."""
        last = rounds - 1
        numbers = [
            i,
            i,
            f"{i} + 1",
            f"-1 - {i}",
            f"{last} - {i}",
            f"2 * {i}",
            f"2 * {i} + 1",
            f"{i} + 2",
            f"-{i}",
            f"2 * ({last} - {i})",
            f"{i} % {self.one_of((2, 3, 4))}",
            f"({i} + {self.one_of((1, 2, last))}) % {rounds}",
            f"{self.one_of((1, 5))} - {i} % {self.one_of((2, 3))}",
            f"2 * ({i} % 3) + 1",
            f"ORDER[{i}]",
            f"TOKENS[{last} - {i}]",
        ]
        place = self.one_of(numbers)
        s = [f"xs[{place}]", f"ss[{place}]", f"X[{place}, {self.one_of((0, 1, -1))}]", f"Y[1, {place}]", f"Z[{i}, {i} + 1]"]
        s += [f"Z[{i}, ORDER[{i}]]", f"v[TOKENS[{i}] % 3]", f"W[TOKENS[{i}] % 3, 1]"]
        s += [f"{list_}[{place}]" for list_ in ("NUMBERS",)]
        v = [
            f"X[{place}]",
            f"vs[{place}]",
            f"Y[:, {place}]",
            f"xs[{i} : {i} + 3]",
            f"xs[2 * {i} : 2 * {i} + 3]",
            f"xs[{i} % 4 : {i} % 4 + 3]",
            f"xs[ORDER[{i}] : ORDER[{i}] + 3]",
            f"Y[:, ORDER[{i}]]",
            f"T[ORDER[{i}], {i} % 3]",
            f"xs[{last} - {i} : {last} - {i} + 3]",
            f"Z[{i}, :3]",
            f"Z[1:4, {place}]",
            f"ROWS[{place}]",
        ]
        if not self.is_whole:
            s += [f"{i} / 8", f"(0.1 * {i})"]
        else:
            s += [i, f"({i} - 2)"]
        m = [f"T[{place}]", f"X[{i} : {i} + 3]", f"Z[:3, {i} : {i} + 3]"]
        return {"s": s, "v": v, "m": m}

    # --- loops ---------------------------------------------------------------------------------------------------------------

    def loop(self, indent: str = "    ", depth: int = 0) -> None:
        outer = {kind: list(names) for kind, names in self.names.items()}
        one = Loop("ij"[depth], self.rounds if depth == 0 else self.one_of((4, 5)), indent, depth)
        self.begin(one)
        self.header(one)
        self.look_around(one)
        for _ in range(self.one_of((0, 1, 1, 2))):
            kind, name = self.one_of("svvm"), self.name("t")
            self.lines.append(f"{one.inner}{name} = {self.expression(kind)}")
            self.names[kind] += [name, name]
        if depth == 0 and self.chance(0.25):
            self.loop(one.inner, 1)
        self.go_on(one)
        self.accumulate(one)
        self.names = outer
        self.leave(one)

    def begin(self, one) -> None:
        """What is there before the first round."""
        write, indent = self.lines.append, one.indent
        for _ in range(self.one_of((1, 1, 2, 2, 3, 4))):
            kind, name = self.one_of("sv" if one.depth else "ssvvm"), self.name("h")
            write(f"{indent}{name} = {self.first(kind)}")
            one.states.append((kind, name))
        one.lagged += [(kind, name, self.name("g")) for kind, name in one.states if self.chance(0.25)]
        for kind, name, before in one.lagged:
            write(f"{indent}{before} = {name if self.chance(0.5) else self.first(kind)}")
            write(f"{indent}{before}_ = {before}")
        for kind, name in one.states:
            if not one.depth and self.chance(0.45):
                one.lists.append((kind, name, self.name("l")))
                write(f"{indent}{one.lists[-1][2]} = [{name if self.chance(0.4) else ''}]")
        for _ in range(self.one_of((0, 0, 1, 1, 2))):
            kind, name = self.one_of("ssvm"), self.name("a")
            write(f"{indent}{name} = {self.accumulated_from(kind)}")
            one.accumulators.append((kind, name, self.accumulation(kind)))

    def accumulation(self, kind) -> str:
        in_place = ("{0} += {1}", "{0} -= {1}") if kind == "s" else ()
        form = self.one_of(("{0} = {0} + {1}", "{0} = {1} + {0}", "{0} = {0} - {1}", *in_place))
        if self.is_whole or self.chance(0.5):
            return form
        others = ("{0} = {0} * (1.0 + 0.1 * {1})", *(("{0} = np.maximum({0}, {1})",) if self.dtype != "complex128" else ()))
        return self.one_of(others)

    def header(self, one) -> None:
        walks = (*["range"] * 4, "rows", "vectors", "numbers", "reversed", "zip", "from one", "epochs")
        walk = "range" if one.depth else self.one_of(walks)
        epochs, samples = self.one_of(((2, 5), (3, 4), (4, 3), (5, 2)))
        if walk == "epochs":
            one.rounds = epochs * samples
        i, rounds, write = one.i, one.rounds, self.lines.append
        headers = {
            "epochs": (f"{i} in [j for _ in range({epochs}) for j in range({samples})]", {}),
            "range": (f"{i} in range({rounds})", {}),
            "from one": (f"{i} in range(1, {rounds + 1})", {}),
            "reversed": (f"{i} in reversed(range({rounds}))", {}),
            "rows": (f"{i}, row in enumerate(X[:{rounds}])", {"v": "row"}),
            "vectors": (f"{i}, row in enumerate(vs[:{rounds}])", {"v": "row"}),
            "zip": (f"{i}, row, x in zip(range({rounds}), X, xs)", {"v": "row", "s": "x"}),
            "numbers": (f"{i}, x in enumerate(ss[:{rounds}])", {"s": "x"}),
        }
        text, one.further = headers[walk]
        write(f"{one.indent}for {text}:")
        if walk == "from one":
            write(f"{one.inner}{i} -= 1")
        if self.chance(0.15):
            write(f"{one.inner}if {i} == {self.one_of((0, 1, rounds - 1, rounds - 2, 2))}:")
            kind, name = self.one_of(one.states)
            write(f"{one.inner}    {name} = {self.update(kind)}")

    def look_around(self, one) -> None:
        """What can be looked at in a round."""
        i, rounds = one.i, one.rounds
        for kind, name in one.states:
            self.names[kind] += [name, name]
        for kind, _, before in one.lagged:
            self.names[kind] += [before, f"{before}_"]
        for kind, names in self.sequences(i, rounds).items():
            used = self.random.sample(names, k=self.one_of((0, 1, 1, 2)))
            self.names[kind] += [*used, *([one.further[kind]] if kind in one.further else [])] * 2
        for kind, lists in self.lists.items():
            for name, length in lists:
                if length >= rounds and self.chance(0.7):
                    place = self.one_of(
                        (i, f"-1 - {i}", f"{rounds - 1} - {i}", f"{i} // 2", *([f"{i} + 1"] if length > rounds else []))
                    )
                    self.names[kind] += [f"{name}[{place}]"] * 2

    def go_on(self, one) -> None:
        """The new states, one after the other or all at once, and what they were."""
        write, inner = self.lines.append, one.inner
        for _, name, before in one.lagged:
            write(f"{inner}{before}, {before}_ = {before if self.chance(0.3) else name}, {before}")
        if self.chance(0.4) and len(one.states) > 1:
            news = []
            for kind, name in one.states:
                others = [other for its, other in one.states if its == kind and other != name]
                news.append(self.one_of(others) if others and self.chance(0.4) else self.update(kind))
            write(f"{inner}{', '.join(name for _, name in one.states)} = {', '.join(news)}")
        else:
            for kind, name in one.states:
                write(f"{inner}{name} = {self.update(kind)}")

    def accumulate(self, one) -> None:
        write, inner = self.lines.append, one.inner
        for kind, name, list_ in one.lists:
            write(f"{inner}{list_}.append({name if self.chance(0.8) else self.expression(kind, 1)})")
        for kind, name, form in one.accumulators:
            line = form.format(name, self.expression(kind, 1))
            if self.chance(0.15):
                write(f"{inner}if {one.i} {self.one_of(('> 0', '< 3', '!= 2', '% 2'))}:")
                line = f"    {line}"
            write(f"{inner}{line}")

    def leave(self, one) -> None:
        """What is there afterwards."""
        for kind, name in one.states:
            self.names[kind] += [name, name]
        for kind, name, _ in one.accumulators:
            self.names[kind] += [name, name]
        for kind, _, before in one.lagged:
            self.names[kind].append(before)
        for kind, _, name in one.lists:
            self.lists[kind].append((name, one.rounds))
            self.names[kind].append(f"{name}[{self.one_of((0, 1, -1, -2, one.rounds // 2))}]")
            for its, forms in OF_LISTS[kind].items():
                self.names[its] += [form.format(name) for form in self.random.sample(forms, k=min(2, len(forms)))]

    def first(self, kind: str) -> str:
        """What a state is before the loop."""
        if self.chance(0.5):
            return self.one_of(self.names[kind])
        if self.is_whole:
            plain = {"s": ["0", "1", "s"], "v": ["np.zeros(3, int)", "v", "np.ones(3, int)"], "m": ["W", "np.eye(3, dtype=int)"]}
        else:
            plain = {
                "s": ["0.0", "0.5", "0", "s"],
                "v": ["np.zeros(3)", "v", "np.ones(3)", "X[0]", "xs[1:4]", "W[0]", "W[:, 1]", "v[::-1]"],
                "m": ["W", "np.eye(3)", "W.T", "np.zeros((3, 3))", "X[:3]", "W[::-1]"],
            }
        found = self.one_of(plain[kind])
        if self.dtype == "float32" and found.startswith("np."):
            found += ".astype(np.float32)"
        return found

    def accumulated_from(self, kind: str) -> str:
        if kind == "s":
            return self.one_of(("0", "0.0", "s", "1.0", "xs[0]") if not self.is_whole else ("0", "s", "xs[0]"))
        return self.first(kind)

    # --- the program ---------------------------------------------------------------------------------------------------------

    def program(self) -> str:
        for _ in range(self.one_of((1, 1, 1, 2, 2, 3))):
            self.loop()
        results = [self.one_of(self.names[kind][-8:]) for kind in self.random.sample("svm", k=self.one_of((1, 2, 2, 3)))]
        results = [self.one_of((x, x, f"({x})[1:]", f"({x}).T", f"({x})[::-1]")) if self.is_array(x) else x for x in results]
        lists = [name for its in self.lists.values() for name, _ in its]
        results += [self.expression("v")] if self.chance(0.3) else []
        results += [self.one_of(lists)] if lists and self.chance(0.35) else []
        total = " + ".join(self.total(self.expression(kind, 1)) for kind in self.random.sample("svm", k=self.one_of((1, 2, 3))))
        header = "def program(s, v, W, xs, ss, X, Y, Z, T, vs):"
        return "\n".join([header, *self.lines, f"    total = {total}", f"    return total, ({', '.join(results)},)", ""])

    def is_array(self, text: str) -> bool:
        return text in (*self.names["v"], *self.names["m"])

    def total(self, text: str) -> str:
        if self.is_whole:
            return f"np.sum({text})"
        return f"np.real(np.sum({text}))" if self.dtype == "complex128" else f"np.sum({text})"


def written(random: Random, dtype: str) -> str:
    """The source of a function `program`, which returns a number and a tuple of what else it has computed."""
    return Writer(random, dtype).program()


def arguments(seed: int, dtype: str, python: bool) -> list:
    """Numbers and arrays for it."""
    rng = np.random.default_rng(seed)
    length = LENGTH

    def drawn(*shape):
        if dtype == "int64":
            return rng.integers(-3, 4, shape)[()]
        numbers = rng.uniform(-1, 1, shape)
        if dtype == "complex128":
            numbers = numbers + 1j * rng.uniform(-1, 1, shape)
        return np.asarray(numbers).astype(dtype)[()]

    s = drawn()
    ss = [drawn() for _ in range(length)]
    if python and dtype in ("float64", "int64"):
        s, ss = s.item(), [x.item() for x in ss]
    sequences = [drawn(length), ss, drawn(length, 3), drawn(3, length), drawn(length, length), drawn(length, 3, 3)]
    return [s, drawn(3), drawn(3, 3), *sequences, [drawn(3) for _ in range(length)]]


def scope(dtype: str) -> dict:
    """What is global to a program."""
    numbers = [k % 5 - 2 for k in range(LENGTH)] if dtype == "int64" else [0.1 * (k % 7) - 0.2 for k in range(LENGTH)]
    rows = (
        (np.arange(3 * LENGTH).reshape(LENGTH, 3) % 7) if dtype == "int64" else np.sin(np.arange(3.0 * LENGTH)).reshape(LENGTH, 3)
    )
    if dtype == "float32":
        rows = rows.astype(np.float32)
    order = [7 * k**2 % 13 + k % 5 for k in range(LENGTH)]
    return {"np": np, "NUMBERS": numbers, "ROWS": list(rows), "ORDER": order, "TOKENS": np.array(order[::-1])}
