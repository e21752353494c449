"""What the watcher sees: the features of covers and stego versions, in parallel, kept on disk."""

import functools
import multiprocessing
import sys
import time
from typing import NamedTuple

import numpy as np

from . import dctr, embedding, jpegio, srm, tools
from .cache import CACHE, Work, digest, write_whole
from .embedding import Cell, real_files, simulate, simulated

VERSION = 1  # of features and simulators: raise it when either changes
COVER = Cell("cover", 0)
OUTGUESS_COVER = Cell("outguess-cover", 0)  # outguess always compresses anew


class Look(NamedTuple):
    """A cell as a watcher looks at it.

    weighted: None, or the rate that the watcher assumes, who then knows the costs as well and
    weighs each residual by how likely the sender is to have changed it.
    """

    cell: Cell
    weighted: object = None

    @property
    def name(self):
        tag = ""
        if self.cell.method in embedding.OURS:
            tag = "-" + tools.binary_tag(tools.our_program())
        return f"{self.cell.name}{tag}{'' if self.weighted is None else f'-w{self.weighted}'}"


def _jpeg(cover, look, path):
    held = jpegio.read(cover.path)
    if simulated(look.cell):
        luma = held._replace(coefficients=simulate(cover, held, look.cell))
    else:
        luma = jpegio.read(path)
    weights = None
    if look.weighted is not None:
        weights = dctr.weights(luma, look.weighted * luma.nonzero_ac)
    changes = np.count_nonzero(luma.coefficients != held.coefficients)
    return dctr.features(luma, weights=weights), changes


def _png(cover, look, path):
    held = embedding.samples_of(cover.path)
    drawn = simulated(look.cell)
    samples = simulate(cover, held, look.cell) if drawn else embedding.samples_of(path)
    rates = None
    if look.weighted is not None:
        pixels = samples.shape[0] * samples.shape[1]
        rates = srm.change_rates(samples, look.weighted * pixels)
    return srm.features(samples, rates), np.count_nonzero(samples != held)


def _one(task):
    """(features, number of changed elements) of one cover's version; None if it has none."""
    cover, look, path = task
    if path is None and not simulated(look.cell):
        return None
    return (_jpeg if cover.path.suffix == ".jpg" else _png)(cover, look, path)


class Seen:
    """Features by name of a set of covers, N rows each; a row of NaN where a program refused."""

    def __init__(self, kind, covers):
        self.kind, self.covers = kind, covers
        names = "".join(f"{c.path.name}{c.path.stat().st_size}" for c in covers)
        self.folder = CACHE / "features" / kind.name / f"{digest(names, VERSION) % 16**10:010x}"
        self.sources = np.unique([c.source for c in covers], return_inverse=True)[1]

    def _file(self, look):
        return self.folder / f"{look.name}.npz"

    def look(self, look):
        """Makes the features of one look, unless they are there."""
        if self._file(look).exists():
            return
        began = time.monotonic()
        tasks = [(c, look, path) for c, path in zip(self.covers, self._paths(look.cell))]
        with multiprocessing.get_context("fork").Pool(Work.processes) as pool:
            self._keep(look, pool.map(_one, tasks, chunksize=4))
        took = time.monotonic() - began
        print(f"  {self.kind.name} {look.name}: {took:.0f} s", file=sys.stderr, flush=True)

    def _paths(self, cell):
        if cell == COVER:
            return [cover.path for cover in self.covers]
        if simulated(cell):
            return [None] * len(self.covers)
        if cell == OUTGUESS_COVER:
            folder = CACHE / "stego" / self.kind.name / cell.name
            folder.mkdir(parents=True, exist_ok=True)
            return [tools.outguess_cover(c, folder / c.path.name) for c in self.covers]
        return [outcome.path for outcome in real_files(self.kind, self.covers, cell)]

    def _keep(self, look, found):
        width = next((len(row[0]) for row in found if row is not None), 1)
        features = np.full((len(found), width), np.nan, np.float32)
        changes = np.full(len(found), np.nan)
        for at, row in enumerate(found):
            if row is not None:
                features[at], changes[at] = row
        write = lambda part: np.savez(part, features=features, changes=changes)
        write_whole(self._file(look), write)

    @functools.lru_cache(maxsize=6)
    def features(self, look):
        self.look(look)
        with np.load(self._file(look)) as kept:
            return kept["features"]

    def changes(self, cell):
        """Elements that differ from the cover's, for each cover."""
        self.look(Look(cell))
        with np.load(self._file(Look(cell))) as kept:
            return kept["changes"]
