# SPDX-License-Identifier: GPL-2.0-only
"""Two fixes differ if their errors do not overlap.  Model and kernel agree on
two that differ in both, if they differ the same way; two that differ in the
model alone are named, with what the kernel could have seen.
"""
from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from bench.report.rates import (Figure, between, filled, power, ratio,
                                short)


def ranked(figures: dict[str, Figure]) -> str:
    """Smallest first; < where the errors do not overlap, ~ where they do.

    Three or more with the same figure are `the others`, or `all`.
    """
    order = sorted(figures, key=lambda fix: (figures[fix].value, fix))
    groups = [list(same) for _, same in itertools.groupby(
        order, key=lambda fix: short(figures[fix].value))]
    largest = max(groups, key=len, default=[])
    text, before = "", []
    for group in groups:
        value = f" {short(figures[group[0]].value)}"
        if len(group) > 2 and group is largest:
            names = ["all" if len(groups) == 1 else "the others"]
        else:
            names = group
        if before:
            apart = all(figures[a].below(figures[b])
                        for a in before for b in group)
            text += " < " if apart else " ~ "
        text += " ~ ".join(name + value for name in names)
        before = group
    return text


@dataclass(frozen=True)
class Alone:
    """Two fixes that differ in the model, and not in the kernel."""

    smaller: str
    larger: str
    factor: float           # in the model; inf: the smaller is 0
    power: float | None     # the kernel's, for a difference of this size


@dataclass
class Agreement:
    """What model and kernel say of pairs of fixes."""

    both: int = 0           # differ in both
    otherwise: list[str] = field(default_factory=list)  # of these
    alone: list[Alone] = field(default_factory=list)
    kernel_alone: int = 0   # differ in the kernel only


def difference(a: str, b: str, model: dict[str, Figure],
               kernel: dict[str, Figure]) -> Alone:
    smaller, larger = sorted((a, b), key=lambda fix: model[fix].value)
    low, high = model[smaller].value, model[larger].value
    factor = high / low if low > 0 else math.inf
    return Alone(smaller, larger, factor,
                 power(kernel[smaller], kernel[larger], factor))


def agreement(model: dict[str, Figure],
              kernel: dict[str, Figure]) -> Agreement:
    found = Agreement()
    for a, b in itertools.combinations(sorted(model.keys() & kernel.keys()),
                                       2):
        m = model[a].below(model[b]) - model[b].below(model[a])
        k = kernel[a].below(kernel[b]) - kernel[b].below(kernel[a])
        if m and k:
            found.both += 1
            if m != k:
                found.otherwise.append(f"{a} and {b}")
        elif m:
            found.alone.append(difference(a, b, model, kernel))
        elif k:
            found.kernel_alone += 1
    return found


def apart(model: dict[str, Figure],
          kernel: dict[str, Figure]) -> dict[str, Figure]:
    """Of each fix that is above 0 in both: the model's part of the kernel's;
    with its interval where both are counts, or means of waits."""
    found = {}
    for fix in sorted(model.keys() & kernel.keys()):
        if model[fix].value > 0 and kernel[fix].value > 0:
            alone = model[fix].value / kernel[fix].value
            found[fix] = ratio(model[fix], kernel[fix]) \
                or Figure(alone, alone, alone)
    return found


def furthest(sizes: dict[str, Figure]) -> str | None:
    return max(sorted(sizes), key=lambda fix: abs(math.log(sizes[fix].value)),
               default=None)


def size_text(size: Figure) -> str:
    return between(size) if size.low < size.high else short(size.value)


# Beyond it a difference that the kernel has not seen wants explaining.
LARGE = 2
ENOUGH_POWER = 0.8
ONE_BLOCK = 1.2     # a load
UNEXPLAINED = "NOT EXPLAINED"


@dataclass(frozen=True)
class Table:
    """A figure of one scenario, of the fixes that have it in both."""

    scenario: str
    metric: str
    model: dict[str, Figure]
    kernel: dict[str, Figure]
    waits: bool = False
    # Blocks a bulk load: the model's, if known, and the kernel's.
    blocks: tuple[float | None, float | None] = (None, None)

    def shown(self) -> list[str]:
        model, kernel = ranked(self.model), ranked(self.kernel)
        if model == kernel:
            return filled("both   " + model, "    ")
        return filled("model  " + model, "    ") + \
            filled("kernel " + kernel, "    ")

    def agreement(self) -> Agreement:
        return agreement(self.model, self.kernel)

    def large(self) -> list[Alone]:
        """What the model separates by more than LARGE, and nobody else."""
        return [a for a in self.agreement().alone if a.factor > LARGE]

    def said(self) -> str:
        found = self.agreement()
        parts = [f"{found.both} pair{'' if found.both == 1 else 's'}"
                 + (f" + {len(found.alone)}" if found.alone else "")]
        if found.otherwise:
            parts.append("OTHERWISE in the kernel: "
                         + ", ".join(found.otherwise))
        return ", ".join(parts)

    def sizes(self) -> list[str]:
        sizes = apart(self.model, self.kernel)
        # A share of trials has no size in the model: a fix fails, or not.
        if not sizes or any(f.trials for f in self.kernel.values()):
            return []
        by: dict[str, list[str]] = {}
        for fix, one in sizes.items():
            by.setdefault(size_text(one), []).append(fix)
        return filled("model/kernel: " + "; ".join(
            f"{', '.join(fixes)} {text}" for text, fixes in by.items()),
            "    ")

    def events(self, pair: Alone) -> int | None:
        """How many the kernel saw of both; None: it is no count."""
        counts = [self.kernel[f].count for f in (pair.smaller, pair.larger)]
        return None if None in counts else sum(counts)

    def why(self, pair: Alone) -> str:
        """Why the kernel does not show it, as far as the data say."""
        exposure = self.kernel[pair.larger].exposure
        if self.events(pair) == 0 and exposure:
            return "0 events"
        if pair.power is None:
            return f"power not known, {self.mechanism()}"
        power = f"power {100 * pair.power:.0f} %"
        if pair.power < ENOUGH_POWER:
            events = self.events(pair)
            return f"{events} event{'s' * (events != 1)}, {power}"
        return f"{power}, {self.mechanism()}"

    def mechanism(self) -> str:
        ours, theirs = self.blocks
        if not self.waits or not theirs or theirs >= ONE_BLOCK \
                or (ours is not None and ours < ONE_BLOCK):
            return UNEXPLAINED
        return (f"its trees had {theirs:.2f} blocks, so no loader held one "
                "back while it waited for the next"
                + ("; nor were paces equal" if ours is None else ""))

    def unseen(self) -> list[str]:
        """The pairs of large(): a line for each reason."""
        reasons: dict[str, dict[str, list[Alone]]] = {}
        for pair in self.large():
            reasons.setdefault(self.why(pair), {}).setdefault(
                pair.larger, []).append(pair)
        out = []
        for why, by_larger in reasons.items():
            pairs = "; ".join(f"{self.expected(larger)} over {over(pairs)}"
                              for larger, pairs in by_larger.items())
            out += filled(f"unseen, {why}: {pairs}", "    ")
        return out

    def expected(self, fix: str) -> str:
        """With what the model's rate gives where the kernel saw none."""
        exposure = self.kernel[fix].exposure
        if self.kernel[fix].count or not exposure:
            return fix
        return f"{fix} ({short(self.model[fix].value * exposure)} expected)"


def over(pairs: list[Alone]) -> str:
    """The smaller ones; those that are 0 in the model last, together."""
    zero = [p.smaller for p in pairs if math.isinf(p.factor)]
    return ", ".join(
        [f"{p.smaller} (x{short(p.factor)})" for p in pairs
         if not math.isinf(p.factor)]
        + ([f"{', '.join(zero)} (0)"] if zero else []))
