"""The trained watcher: split by photograph, repeated; detection error, its interval, pooling."""

import math
from typing import NamedTuple

import numpy as np

from .cache import rng
from .ensemble import Ensemble

REPEATS, FOLDS = 3, 4
RESAMPLES = 2000


class Verdicts(NamedTuple):
    """What a watcher said of N covers and of their N stego versions."""

    false_alarm: np.ndarray  # N, share of the repeats that called the cover stego
    miss: np.ndarray  # N
    cover_score: np.ndarray  # N, mean over the repeats; unit spread over a fold's training covers
    stego_score: np.ndarray  # N
    sources: np.ndarray  # N, number of the photograph

    @property
    def error(self):
        """(false alarm + miss) / 2 of each pair."""
        return (self.false_alarm + self.miss) / 2


def folds(sources, repeat):
    """The fold of each cover: whole photographs, drawn so that folds hold about as many covers."""
    names, counts = np.unique(sources, return_counts=True)
    order = rng("fold", repeat, len(names)).permutation(len(names))
    load, fold_of = np.zeros(FOLDS), np.zeros(len(names), int)
    for index in sorted(order, key=lambda i: -counts[i]):
        fold_of[index] = np.argmin(load)
        load[fold_of[index]] += counts[index]
    return fold_of[np.searchsorted(names, sources)]


def watch(cover, stego, sources, repeats=REPEATS):
    """Trains on the photographs outside each fold, tests on those in it.

    cover, stego: N x D features of pairs; sources: N numbers. The subspace size is chosen once.
    """
    totals, subspace = np.zeros((4, len(cover))), None
    for repeat in range(repeats):
        fold_of = folds(sources, repeat)
        for fold in range(FOLDS):
            train, test = fold_of != fold, fold_of == fold
            draw = rng("ensemble", repeat, fold)
            learned = Ensemble(cover[train], stego[train], draw, subspace)
            subspace = learned.subspace
            (votes, score), (stego_votes, stego_score) = map(
                learned.scores, (cover[test], stego[test])
            )
            totals[:, test] += [votes > 0, stego_votes <= 0, score, stego_score]
    return Verdicts(*(totals / repeats), sources)


def interval(values, sources, name):
    """(mean, low, high) of per-cover values: bootstrap over photographs, 95 %."""
    names, index = np.unique(sources, return_inverse=True)
    sums, counts = np.bincount(index, values), np.bincount(index)
    picks = rng("bootstrap", name).integers(len(names), size=(RESAMPLES, len(names)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def auc(cover, stego):
    """The chance that a stego's score is above a cover's; ties count one half."""
    order = np.sort(cover)
    below = np.searchsorted(order, stego, "left") + np.searchsorted(order, stego, "right")
    return float(below.mean() / 2 / len(cover))


def pooled(verdicts, count, draws=20000):
    """P_E of a watcher who adds the scores of `count` pictures of one sender: (P_E, low, high).

    Pictures are drawn with replacement, first the photograph, then its crop. The threshold lies
    midway between the two means, which he is taken to know, so no skill reads 0.5, not less.
    """
    draw = rng("pooled", count)
    names, index = np.unique(verdicts.sources, return_inverse=True)
    of_source = [np.flatnonzero(index == i) for i in range(len(names))]
    sizes = np.array([len(one) for one in of_source])
    table = np.zeros((len(names), sizes.max()), int)
    for row, members in zip(table, of_source):
        row[: len(members)] = members
    picked = draw.integers(len(names), size=(draws, count))
    chosen = table[picked, draw.integers(1 << 30, size=picked.shape) % sizes[picked]]
    cover = verdicts.cover_score[chosen].sum(axis=1)
    stego = verdicts.stego_score[chosen].sum(axis=1)
    middle = (cover.mean() + stego.mean()) / 2
    error = float((np.mean(cover > middle) + np.mean(stego <= middle)) / 2)
    return (error, *_pooled_interval(verdicts, index, count))


def _pooled_interval(verdicts, index, count):
    """95 % of the pooled P_E: bootstrap over photographs, sums taken as normal."""
    sizes = np.bincount(index)
    moments = [np.bincount(index, values**power) / sizes
               for values in (verdicts.cover_score, verdicts.stego_score) for power in (1, 2)]
    picks = rng("pooled interval", count).integers(len(sizes), size=(RESAMPLES, len(sizes)))
    cover, cover2, stego, stego2 = (moment[picks].mean(axis=1) for moment in moments)
    spread = np.sqrt(cover2 - cover**2) + np.sqrt(stego2 - stego**2)
    apart = np.sqrt(count / 2) * (stego - cover) / np.maximum(spread, 1e-12)
    errors = [0.5 - math.erf(one) / 2 for one in apart]
    return tuple(float(one) for one in np.percentile(errors, [2.5, 97.5]))
