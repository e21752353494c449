"""Measures one kind of covers: P_E of each cell, paired differences, pooling; plain results."""

import numpy as np

from . import plan
from .cache import write_whole
from .embedding import OURS, Cell, capacity_base, payload_bits, real_files
from .seen import COVER, OUTGUESS_COVER, Look, Seen
from .watcher import LEARNING, Verdicts, auc, interval, pooled, watch

POOLS = (1, 10, 25, 100)


class Watched:
    """A set of covers whose verdicts are made when they are asked for, once."""

    def __init__(self, kind, covers):
        self.kind, self.seen, self._verdicts = kind, Seen(kind, covers), {}
        self.base = np.array([capacity_base(cover) for cover in covers])
        self.covers = covers

    def outcomes(self, cell):
        return real_files(self.kind, self.covers, cell)

    def verdicts(self, look):
        """(Verdicts, rows): a watcher trained for this look, and the covers it has a stego of."""
        if look not in self._verdicts:
            cover_cell = OUTGUESS_COVER if look.cell.method == "outguess" else COVER
            stego = self.seen.features(look)
            cover = self.seen.features(look._replace(cell=cover_cell))
            rows = np.flatnonzero(~np.isnan(stego[:, 0]))
            sources = self.seen.sources[rows]
            few = len(set(sources)) < 8
            learn = lambda: watch(cover[rows], stego[rows], sources)
            self._verdicts[look] = (None if few else self._kept(look, learn), rows)
        return self._verdicts[look]

    def _kept(self, look, learn):
        """The verdicts of a look from disk, made with `learn` if they are not there."""
        path = self.seen.folder / f"{look.name}.verdicts-{LEARNING}.npz"
        if not path.exists():
            made = learn()._asdict()
            write_whole(path, lambda part: np.savez(part, **made))
        with np.load(path) as kept:
            return Verdicts(**kept)


def cell_result(watched, look):
    """The row of one cell."""
    verdicts, rows = watched.verdicts(look)
    cell = look.cell
    row = {"method": cell.method, "rate": cell.rate, "weighted": look.weighted is not None,
           "covers": len(rows), "refused": len(watched.covers) - len(rows)}
    if verdicts is None:
        return row | {"why": "too few pictures"}
    changes = watched.seen.changes(cell)[rows] if cell.method != "outguess" else None
    return row | {
        "photographs": len(set(verdicts.sources)),
        "p_e": interval(verdicts.error, verdicts.sources, "p_e"),
        "auc": auc(verdicts.cover_score, verdicts.stego_score),
        "pooled": {n: pooled(verdicts, n) for n in POOLS},
        "carried": carried(watched, cell, rows),
        "changes_per_base": None if changes is None else float(
            changes.sum() / watched.base[rows].sum()),
    }


def carried(watched, cell, rows):
    """Bits a unit that the pictures really carry: what our program says, else what was asked."""
    if cell.method in OURS:
        said = [outcome.said for outcome in watched.outcomes(cell)]
        bits = sum(said[at]["payload_bits"] for at in rows)
    else:
        bits = sum(payload_bits(watched.covers[at], cell.rate) for at in rows)
    return float(bits / watched.base[rows].sum())


def difference(watched, first, second, goal):
    """The paired difference of P_E on the covers that both could use."""
    (a, rows_a), (b, rows_b) = (watched.verdicts(Look(cell)) for cell in (first, second))
    if a is None or b is None:
        return None
    common, in_a, in_b = np.intersect1d(rows_a, rows_b, return_indices=True)
    values = a.error[in_a] - b.error[in_b]
    mean, low, high = interval(values, a.sources[in_a], "difference")
    return {"first": first.name, "second": second.name, "covers": len(common),
            "difference": [mean, low, high], "goal": goal, "met": low >= goal}


def power(watched):
    """P_E of the control, and whether the detector has power."""
    kind = watched.kind
    rate = "chat" if kind in plan.CHAT_KINDS else plan.CONTROL_RATE
    verdicts, _ = watched.verdicts(Look(Cell(plan.CONTROL[kind.domain], rate)))
    error = interval(verdicts.error, verdicts.sources, "p_e")
    return {"method": plan.CONTROL[kind.domain], "rate": rate, "p_e": error,
            "power": error[0] <= plan.CONTROL_ERROR}


def measure(kind, covers, report=print):
    """All results of a kind, as plain values."""
    watched = Watched(kind, covers)
    looks = [Look(cell) for cell in plan.cells(kind)] + plan.weighted(kind)
    rows = []
    for look in looks:
        rows.append(cell_result(watched, look))
        report(f"{kind.name} {look.name}: {summary(rows[-1])}")
    pairs = [difference(watched, *pair) for pair in plan.comparisons(kind)]
    return {"kind": kind.name, "power": power(watched), "cells": rows,
            "differences": [pair for pair in pairs if pair]}


def summary(row):
    if "p_e" not in row:
        return row["why"]
    mean, low, high = row["p_e"]
    return f"P_E {mean:.3f} ({low:.3f}..{high:.3f}), AUC {row['auc']:.3f}, {row['covers']} covers"
