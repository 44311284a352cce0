# SPDX-License-Identifier: GPL-2.0-only
"""Latencies of an open loop over time, so that stalls are seen."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.report import units

# A slice whose longest latency is so many medians of these has a stall.
STALL = 10


@dataclass
class Series:
    """Batches one after the other, slice by slice."""

    seconds: np.ndarray         # when a slice begins
    longest: np.ndarray         # latency in it, ns; 0: nothing arrived
    starts: list[float]         # of batches

    @staticmethod
    def of(data: dict | None) -> Series | None:
        """As a row has it; None: it has none."""
        if not data or not data["batches"]:
            return None
        slices = [np.array(b, dtype=float) for b in data["batches"]]
        width = data["slice_ns"] / 1e9
        longest = np.concatenate([s[:, 1] for s in slices])
        ends = np.cumsum([0] + [len(s) for s in slices])
        return Series(np.arange(len(longest)) * width, longest,
                      [float(e * width) for e in ends[:-1]])

    @staticmethod
    def joined(parts: list[Series]) -> Series | None:
        """Blocks one after the other."""
        if not parts:
            return None
        width = parts[0].seconds[1] - parts[0].seconds[0]
        lengths = np.cumsum([0] + [len(p.longest) for p in parts]) * width
        return Series(np.concatenate([p.seconds + at for p, at
                                      in zip(parts, lengths)]),
                      np.concatenate([p.longest for p in parts]),
                      [s + float(at) for p, at in zip(parts, lengths)
                       for s in p.starts])

    def text(self) -> str:
        """How much of the time had stalls, and the longest of them."""
        seen = self.longest[self.longest > 0]
        if not len(seen):
            return "nothing arrived"
        usual = float(np.median(seen))
        stalls = int((seen > STALL * usual).sum())
        worst = int(np.argmax(self.longest))
        width = units.time(1e9 * (self.seconds[1] - self.seconds[0]))
        return (f"longest per {width}: {units.time(usual)} (median), more "
                f"than {STALL} times that in {stalls} of {len(seen)}, worst "
                f"{units.time(float(seen.max()))} at "
                f"{self.seconds[worst]:.2f} s")
