# SPDX-License-Identifier: GPL-2.0-only
"""Latency histograms as delwribench writes them (bench/histogram.h).

Buckets are of equal width between two powers of two: a value is known to one
part in 2^bits, and exactly below 2^bits.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Histogram:
    """Nanoseconds; only the buckets that are not empty, in order."""

    bits: int
    index: np.ndarray
    number: np.ndarray
    smallest: float
    largest: float

    @property
    def count(self) -> int:
        return int(self.number.sum())

    def quantiles(self, shares: np.ndarray | list[float]) -> np.ndarray:
        """Values at or below which are these shares of all."""
        rank = np.ceil(np.asarray(shares) * self.count)
        at = np.searchsorted(np.cumsum(self.number), np.maximum(rank, 1))
        low, width = edges(self.index, self.bits)
        middle = low[at] + (width[at] - 1) / 2
        return np.clip(middle, self.smallest, self.largest)


def edges(index: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest value and width of buckets."""
    shift = np.maximum((index >> bits) - 1, 0)
    return (index - (shift << bits)) << shift, np.int64(1) << shift


def from_json(data: dict) -> Histogram | None:
    """None if nothing was counted; ValueError, KeyError: not one of these."""
    if not data["count"]:
        return None
    buckets = np.array(data["buckets"], dtype=np.int64)
    if buckets.ndim != 2 or buckets.shape[1] != 2:
        raise ValueError("its buckets are no pairs")
    if (buckets[:, 1] <= 0).any() or (np.diff(buckets[:, 0]) <= 0).any():
        raise ValueError("its buckets are not in order")
    if buckets[:, 1].sum() != data["count"]:
        raise ValueError("its buckets do not add up to its count")
    return Histogram(int(data["bits"]), buckets[:, 0], buckets[:, 1],
                     float(data["min"]), float(data["max"]))


def merge(parts: list[Histogram]) -> Histogram:
    """All of them in one."""
    bits = {part.bits for part in parts}
    if len(bits) != 1:
        raise ValueError("histograms of different resolution")
    index, place = np.unique(np.concatenate([p.index for p in parts]),
                             return_inverse=True)
    number = np.zeros(len(index), dtype=np.int64)
    np.add.at(number, place, np.concatenate([p.number for p in parts]))
    return Histogram(bits.pop(), index, number,
                     min(p.smallest for p in parts),
                     max(p.largest for p in parts))
