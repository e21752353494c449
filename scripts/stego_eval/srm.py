"""A reduced spatial rich model, 7,306 features, its colour part, and its weighted form.

After Fridrich, Kodovsky 2012, IEEE TIFS 7(3): co-occurrences of four neighbouring quantised
residuals (T = 2), a choice of 34 of the 106 submodels. Colour: Goljan, Fridrich, Cogranne 2014,
WIFS (co-occurrences over the three channels, T = 3). Weighted by the largest change rate of the
four: Denemark et al. 2014, WIFS (maxSRM).
"""

import itertools

import numpy as np

from .costs import hill, probabilities, wet_saturated
from .residuals import BORDER, KERNELS, quantised, residual

T, COLOUR_T = 2, 3


def _classes(order, limit, sign):
    """Maps each co-occurrence bin to its symmetry class: reversed, and with `sign` negated."""
    base = 2 * limit + 1
    label, found = np.zeros(base**order, np.intp), {}
    for index, bin_ in enumerate(itertools.product(range(-limit, limit + 1), repeat=order)):
        same = [bin_, bin_[::-1]] if order == 4 else [bin_]
        same += [tuple(-v for v in one) for one in same] if sign else []
        label[index] = found.setdefault(min(same), len(found))
    return label, len(found)


SPAM, SPAM_SIZE = _classes(4, T, True)
EXTREME, EXTREME_SIZE = _classes(4, T, False)
COLOUR, COLOUR_SIZE = _classes(3, COLOUR_T, True)



# Each submodel: residual names with the axis that neighbours are taken along (1: a row).
SPAM_MODELS = [
    *[[(f"{o}R", 1), (f"{o}U", 0)] for o in "13"], *[[(f"{o}R", 0), (f"{o}U", 1)] for o in "13"],
    [("2H", 1), ("2V", 0)], [("2H", 0), ("2V", 1)],
    [("S3", 0), ("S3", 1)], [("S5", 0), ("S5", 1)],
    *[[(f"{o}U", 1), (f"{o}D", 1), (f"{o}L", 0), (f"{o}R", 0)] for o in ("E3", "E5")],
    *[[(f"{o}U", 0), (f"{o}D", 0), (f"{o}L", 1), (f"{o}R", 1)] for o in ("E3", "E5")],
]
# Each: groups of residuals whose least and greatest are taken, with axes.
EXTREME_MODELS = [
    [("1R 1L", 1), ("1U 1D", 0)], [("1R 1L 1U 1D", 1), ("1R 1L 1U 1D", 0)],
    [("1R 1U", 1), ("1L 1D", 1), ("1R 1D", 0), ("1L 1U", 0)],
    [("2H 2V", 1), ("2H 2V", 0)], [("2D 2M", 1), ("2D 2M", 0)],
    [("2H 2V 2D 2M", 1), ("2H 2V 2D 2M", 0)],
    [("3R 3L", 1), ("3U 3D", 0)], [("3R 3L 3U 3D", 1), ("3R 3L 3U 3D", 0)],
    [("E3U E3D E3L E3R", 1), ("E3U E3D E3L E3R", 0)],
    [("E5U E5D E5L E5R", 1), ("E5U E5D E5L E5R", 0)],
]
SPAM_STEPS = (1, 2)
COLOUR_MODELS = ["1R 1U", "2H 2V", "2D 2M", "3R 3U", "S3", "S5", "E3U E3D E3L E3R",
                 "E5U E5D E5L E5R"]
DIMENSIONS = len(SPAM_MODELS) * len(SPAM_STEPS) * SPAM_SIZE + len(EXTREME_MODELS) * EXTREME_SIZE
COLOUR_DIMENSIONS = len(COLOUR_MODELS) * len(SPAM_STEPS) * COLOUR_SIZE


def _count(levels, axis, change):
    """The 625 co-occurrences of four neighbours along an axis, each weighing 1 or max(change)."""
    if axis == 0:
        levels, change = levels.T, None if change is None else change.T
    couple = levels[:, :-1] * np.uint8(5) + levels[:, 1:]
    index = couple[:, :-2].astype(np.intp) * 25 + couple[:, 2:]
    if change is None:
        return np.bincount(index.ravel(), minlength=625)
    two = np.maximum(change[:, :-1], change[:, 1:])
    weight = np.maximum(two[:, :-2], two[:, 2:])
    return np.bincount(index.ravel(), weight.ravel(), minlength=625)


def _folded(counts, label, size):
    return np.bincount(label, counts, minlength=size)


def _plane(plane, change):
    """Counts of one plane, not normalised."""
    values = {name: residual(plane, name) for name in KERNELS}
    out = []
    for step in SPAM_STEPS:
        levels = {name: quantised(value, step, T) for name, value in values.items()}
        for model in SPAM_MODELS:
            counts = sum(_count(levels[name], axis, change) for name, axis in model)
            out.append(_folded(counts, SPAM, SPAM_SIZE))
    levels = {name: quantised(value, 1, T) for name, value in values.items()}
    for model in EXTREME_MODELS:
        counts = 0
        for names, axis in model:
            group = [levels[name] for name in names.split()]
            least, most = np.minimum.reduce(group), np.maximum.reduce(group)
            # The greatest of negated residuals is the negated least: they share their bins.
            counts = counts + _count(most, axis, change) + _count(2 * T - least, axis, change)
        out.append(_folded(counts, EXTREME, EXTREME_SIZE))
    return np.concatenate(out)


def _colour(planes):
    """Counts of triples of residuals, one of each channel."""
    out = []
    for names in COLOUR_MODELS:
        triples = [[residual(plane, name) for plane in planes] for name in names.split()]
        for step in SPAM_STEPS:
            counts = 0
            for triple in triples:
                r, g, b = (quantised(v, step, COLOUR_T).astype(np.intp) for v in triple)
                counts = counts + np.bincount(((r * 7 + g) * 7 + b).ravel(), minlength=343)
            out.append(_folded(counts, COLOUR, COLOUR_SIZE))
    return np.concatenate(out)


def _normalised(counts, sizes):
    parts, at = [], 0
    for size, times in sizes:
        block = counts[at : at + size * times].reshape(times, size)
        parts.append((block / np.maximum(block.sum(axis=1, keepdims=True), 1e-12)).ravel())
        at += size * times
    return np.concatenate(parts).astype(np.float32)


def features(samples, change=None):
    """The features of a grey (H x W) or RGB (H x W x 3) image; RGB adds the colour part.

    `change` (shaped as the samples) weighs each place by the rate at which a sender changes it.
    """
    samples = np.atleast_3d(samples).astype(np.float32)
    inner = slice(BORDER, -BORDER)
    planes = [np.ascontiguousarray(samples[:, :, c]) for c in range(samples.shape[2])]
    rates = [None if change is None else np.atleast_3d(change)[inner, inner, c]
             for c in range(len(planes))]
    counts = sum(_plane(plane, rate) for plane, rate in zip(planes, rates))
    sizes = [(SPAM_SIZE, len(SPAM_MODELS) * len(SPAM_STEPS)), (EXTREME_SIZE, len(EXTREME_MODELS))]
    found = _normalised(counts, sizes)
    if len(planes) == 1:
        return found
    colour = _normalised(_colour(planes), [(COLOUR_SIZE, len(COLOUR_MODELS) * len(SPAM_STEPS))])
    return np.concatenate([found, colour])


def change_rates(samples, bits):
    """The rate at which HILL with this payload changes each sample, as a watcher computes it."""
    planes = np.atleast_3d(samples)
    costs = [wet_saturated(planes[:, :, c], hill(planes[:, :, c])) for c in range(planes.shape[2])]
    up, down = (np.stack(side, axis=2) for side in zip(*costs))
    plus, minus = probabilities(up, down, bits)
    return (plus + minus).reshape(samples.shape)
