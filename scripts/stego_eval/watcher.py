"""The trained watcher: split by photograph, repeated; detection error, its interval, pooling."""

import math
import multiprocessing
from typing import NamedTuple

import numpy as np

from .cache import Work, rng
from .ensemble import Ensemble

LEARNING = 1  # raise it when the training changes: verdicts are kept
REPEATS, FOLDS = 3, 4
RESAMPLES = 2000


class Verdicts(NamedTuple):
    """What a watcher said of N covers and of their N stego versions."""

    false_alarm: np.ndarray  # N, share of the repeats that called the cover stego
    miss: np.ndarray  # N
    cover_score: np.ndarray  # N, share of the votes for stego less 1/2, mean over the repeats
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


class Lesson:
    """What the processes of one watcher share: features of pairs, and their photographs."""

    def __init__(self, cover, stego, sources):
        self.cover, self.stego, self.sources = cover, stego, sources

    def learn(self, repeat, fold, subspace=None):
        """(covers tested, scores of covers, scores of stego, subspace size) of one fold."""
        fold_of = folds(self.sources, repeat)
        train, test = fold_of != fold, np.flatnonzero(fold_of == fold)
        learned = Ensemble(self.cover[train], self.stego[train], rng("ensemble", repeat, fold),
                           subspace)
        clean, found = learned.scores(self.cover[test]), learned.scores(self.stego[test])
        return test, clean, found, learned.subspace


def watch(cover, stego, sources):
    """Trains on the photographs outside each fold, tests on those in it; REPEATS dealings.

    cover, stego: N x D features of pairs; sources: N numbers. The size of the subspaces is chosen
    once, on the first fold.
    """
    lesson, totals = Lesson(cover, stego, sources), np.zeros((4, len(cover)))
    learned = [lesson.learn(0, 0)]
    rest = [(r, f, learned[0][3]) for r in range(REPEATS) for f in range(FOLDS)][1:]
    with multiprocessing.get_context("fork").Pool(Work.processes, _share, (lesson,)) as pool:
        learned += pool.starmap(_learn, rest)
    for test, clean, found, _ in learned:
        totals[:, test] += [clean > 0, found <= 0, clean, found]
    return Verdicts(*(totals / REPEATS), sources)


def _share(lesson):
    """Gives a forked process the features, which it has in memory already."""
    _learn.lesson = lesson


def _learn(*fold):
    return _learn.lesson.learn(*fold)


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
