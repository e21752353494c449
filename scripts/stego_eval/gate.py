"""The small fixed part of the evaluation: scripts/stego-eval --gate.

First what has no noise: the distortion against the bound at the same payload, and where the changes
lie; then a fixed small part of the trained detectors and of the attacks that need no training.
"""

import numpy as np

from . import checks, jpegio, plan, tools
from .costs import WET, distortion, gibbs, juniward, probabilities
from .covers import covers, thinned
from .embedding import Cell, real_files, samples_of
from .fetch import Unavailable
from .measure import Watched, difference
from .simulators import hill_costs

KINDS = (plan.KINDS[0], plan.KINDS[4])
COVERS, FEW_COVERS = 120, 40  # for the detector, and for what has no noise
RATE, SHORT_RATE = 0.2, 0.02
# What the code reaches, and a little; what makes the difference stands in docs/stego.md.
LIMITS = {("jpeg", RATE): 1.18, ("jpeg", SHORT_RATE): 1.31,
          ("png", RATE): 1.15, ("png", SHORT_RATE): 1.20}
CLASSES, CLASS_LIMIT = 10, 0.10
DEAREST_LIMIT = {"jpeg": 0.10, "png": 0.13}  # the dearest are the fewest
ERROR_LIMIT = -0.05  # of P_E less the bound's at 0.4; the goal was -.02, and is not reached
REFUSED_LIMIT = {"jpeg": 0.0, "png": 0.0}
LEAST_CHANGES = 8000  # 800 a class: a standard error of 3.5 %


class Spent:
    """Real changes against costs of our own computation, over many pictures."""

    def __init__(self):
        self.real = self.bound = self.said = self.said_bound = 0.0
        self.seen, self.expected = np.zeros(CLASSES), np.zeros(CLASSES)

    def add(self, up, down, change, said):
        """One picture: costs of +1 and -1, the changes made (-1, 0, 1), what the program said."""
        self.real += float(up[change > 0].sum() + down[change < 0].sum())
        self.bound += distortion(up, down, *probabilities(up, down, said["payload_bits"]))
        self.said += said["distortion"]
        self.said_bound += said["bound"]
        self._classes(up, down, change)

    def _classes(self, up, down, change):
        """Adds the changes by cost, in classes that hold a tenth of the expected changes each.

        Expected is what the sender at the bound does with as many changes as were made.
        """
        plus, minus = at_changes(up, down, int(np.count_nonzero(change)))
        rate = (plus + minus).ravel()
        order = np.argsort(np.minimum(up, down).ravel(), kind="stable")
        share = np.cumsum(rate[order])
        class_of = np.minimum((share / share[-1] * CLASSES).astype(int), CLASSES - 1)
        self.expected += np.bincount(class_of, rate[order], minlength=CLASSES)
        made = (change.ravel() != 0)[order]
        self.seen += np.bincount(class_of, made, minlength=CLASSES)


def at_changes(up, down, count):
    """(p+, p-) of the sender at the bound who makes so many changes."""
    low, high = 1e-9, 1e9
    for _ in range(32):
        middle = np.sqrt(low * high)
        many = sum(float(p.sum()) for p in gibbs(up, down, middle)) > count
        low, high = (middle, high) if many else (low, middle)
    return gibbs(up, down, high)


def costs_and_changes(cover, path):
    """(up, down, change) of one stego file, by our own computation of the costs."""
    if cover.path.suffix == ".png":
        before, after = samples_of(cover.path), samples_of(path)
        return *hill_costs(before), after.astype(np.int16) - before
    before, after = jpegio.read(cover.path), jpegio.read(path)
    cost = juniward(before)
    cost[:, :, 0, 0] = WET
    return cost, cost, after.coefficients - before.coefficients


def noise_free(kind, made, rate, tally):
    """Distortion and cost classes of one kind and rate."""
    spent = Spent()
    cell = Cell(plan.OURS[kind.domain], rate)
    outcomes = real_files(kind, made, cell)
    for cover, outcome in zip(made, outcomes):
        if outcome.path:
            spent.add(*costs_and_changes(cover, outcome.path), outcome.said)
    name = f"{kind.name} {cell.name}"
    refused = sum(outcome.path is None for outcome in outcomes)
    tally(refused <= REFUSED_LIMIT[kind.domain] * len(made),
          f"{name}: {refused} of {len(made)} covers refused")
    limit = LIMITS[kind.domain, rate]
    for what, ratio in (("said", spent.said / max(spent.said_bound, 1e-300)),
                        ("computed again", spent.real / max(spent.bound, 1e-300))):
        tally(ratio <= limit, f"{name}: D / D_opt {what} {ratio:.3f}, at most {limit}")
    if rate == RATE:
        tally(spent.seen.sum() >= LEAST_CHANGES, f"{name}: {spent.seen.sum():.0f} changes in all")
        apart = np.abs(spent.seen / np.maximum(spent.expected, 1e-9) - 1)
        text = " ".join(f"{ratio:.2f}" for ratio in spent.seen / spent.expected)
        holds = apart[:-1].max() <= CLASS_LIMIT and apart[-1] <= DEAREST_LIMIT[kind.domain]
        tally(holds, f"{name}: changes by cost, made / expected: {text}")


def trained(kind, made, tally):
    """The paired difference to the bound; fails only if all of its interval is below the limit."""
    watched = Watched(kind, made)
    ours = Cell(plan.OURS[kind.domain], 0.4)
    found = difference(watched, ours, Cell(plan.BOUND[kind.domain], 0.4), ERROR_LIMIT)
    mean, low, high = found["difference"]
    tally(high >= ERROR_LIMIT, f"{kind.name}: P_E of {ours.name} less the bound's: {mean:+.3f} "
                         f"({low:+.3f} .. {high:+.3f}) on {found['covers']} covers")


def untrained(kind, made, tally):
    """Estimators at chance, compressor and blocks kept; the former JPEG refused."""
    if kind.domain == "jpeg":
        refused, tried = checks.refusals(made[:20])
        tally(refused == tried, f"png-hill refused {refused} of {tried} PNGs that were JPEGs")
        return
    for row in checks.estimators(kind, made, [Cell(plan.OURS["png"], 0.4)]):
        # Between -.05 and .05 is chance; so few covers need the width of their own noise.
        width = checks.CHANCE + 1.96 * np.sqrt(1 / (6 * row["covers"]))
        words = f"{kind.name}: {row['estimator']} AUC {row['auc']:.3f}"
        tally(abs(row["auc"] - 0.5) <= width, words)
    few = thinned(made, FEW_COVERS)  # whose stego files are there
    kept = checks.compressor_identity(kind, few, Cell(plan.OURS["png"], RATE))
    tally(kept["compressor"] == 0, f"{kind.name}: compressor gives {kept['compressor']:.0%} away")
    tally(kept["filters"] == 0, f"{kind.name}: filters give {kept['filters']:.0%} away")


def run():
    """Runs the gate; returns the number of failures."""
    counts = [0, 0]

    def tally(holds, words):
        counts[0 if holds else 1] += 1
        print(f"{'ok' if holds else 'FAILED'}: {words}", flush=True)

    if tools.our_program() is None:
        tally(False, "the program is not built (cargo build --release --example stego_file)")
    else:
        try:
            sets = {kind: covers(kind, small=True, most=COVERS) for kind in KINDS}
        except Unavailable as why:
            print(f"skipped: {why}")
            return 0
        for kind, made in sets.items():
            few = thinned(made, FEW_COVERS)
            for rate in (RATE, SHORT_RATE):
                noise_free(kind, few, rate, tally)
            untrained(kind, made, tally)
            trained(kind, made, tally)
    print(f"{counts[0]} passed, {counts[1]} failed")
    return counts[1]
