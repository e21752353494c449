"""The ensemble classifier: 41 Fisher discriminants on random subspaces, by majority vote.

Kodovsky, Fridrich, Holub 2012, IEEE TIFS 7(2), "Ensemble classifiers for steganalysis of digital
media": bootstrap samples of cover-stego pairs, thresholds of least training error, the size of the
subspaces chosen by the out-of-bag error.
"""

import numpy as np

LEARNERS = 41
SUBSPACES = (50, 100, 200, 400)
RIDGE = 1e-3  # of the mean variance, so that a scatter matrix can always be inverted


class Ensemble:
    """Trained on rows of `cover` and `stego` that belong together, N x D, float32."""

    def __init__(self, cover, stego, draw, subspace=None):
        self.mean = cover.mean(axis=0)
        spread = np.concatenate([cover, stego]).std(axis=0)
        self.kept = np.flatnonzero(spread > 1e-9)
        self.scale = 1 / spread[self.kept]
        cover, stego = self._prepared(cover), self._prepared(stego)
        seed = draw.integers(2**63)
        sizes = [subspace] if subspace else [d for d in SUBSPACES if d <= len(self.kept)]
        trials = [self._grown(cover, stego, np.random.default_rng(seed), d) for d in sizes]
        best = min(range(len(sizes)), key=lambda i: trials[i][1])
        self.subspace, (self.learners, self.out_of_bag) = sizes[best], trials[best]

    def _prepared(self, rows):
        return ((rows - self.mean)[:, self.kept] * self.scale).astype(np.float32)

    def _grown(self, cover, stego, draw, size):
        """All learners of one subspace size, and the out-of-bag error of their vote."""
        count, learners = len(cover), []
        votes = np.zeros((2, count))
        for _ in range(LEARNERS):
            chosen = draw.choice(cover.shape[1], size, replace=False)
            bag = draw.integers(count, size=count)
            learner = _fisher(cover[:, chosen], stego[:, chosen], bag)
            learners.append((chosen, *learner))
            out = np.setdiff1d(np.arange(count), bag)
            for side, rows in enumerate((cover, stego)):
                votes[side, out] += np.where(_projected(rows[out], learners[-1]) > 0, 1, -1)
        wrong = np.mean(votes[0] > 0) + np.mean(votes[1] <= 0)
        return learners, wrong / 2

    def scores(self, rows):
        """The share of the votes for stego less one half, of each row.

        Bounded, so that one odd picture cannot outweigh all others where scores are added up.
        """
        rows = self._prepared(rows)
        votes = [_projected(rows, learner) > 0 for learner in self.learners]
        return np.mean(votes, axis=0) - 0.5


def _projected(rows, learner):
    chosen, direction, threshold = learner
    return rows[:, chosen] @ direction - threshold


def _fisher(cover, stego, bag):
    """(direction, threshold) on a bag of pairs; the direction has unit spread over the covers."""
    cover, stego = cover[bag], stego[bag]
    apart = stego.mean(axis=0) - cover.mean(axis=0)
    centred = np.concatenate([cover - cover.mean(axis=0), stego - stego.mean(axis=0)])
    scatter = centred.T @ centred / len(centred)
    scatter[np.diag_indices_from(scatter)] += RIDGE * np.trace(scatter) / len(scatter)
    direction = np.linalg.solve(scatter.astype(np.float64), apart.astype(np.float64))
    direction = (direction / max((cover @ direction).std(), 1e-12)).astype(np.float32)
    return direction, _least_error(cover @ direction, stego @ direction)


def _least_error(cover, stego):
    """The threshold of least (false alarms + misses), stego above it."""
    values = np.concatenate([cover, stego])
    order = np.argsort(values, kind="stable")
    step = np.where(order < len(cover), 1, -1)  # a cover left behind: one false alarm less
    gain = np.cumsum(step)
    best = int(np.argmax(gain))
    if gain[best] <= 0:
        return float(values[order[0]]) - 1e-6
    above = values[order[min(best + 1, len(values) - 1)]]
    return float(values[order[best]] + above) / 2
