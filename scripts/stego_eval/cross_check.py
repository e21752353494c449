"""Compares costs and features with conseal and sealwatch, where they can be imported.

Both are MPL-2.0 and large; they are no part of the environment. To run it:

    target/stego-eval/venv/bin/pip install conseal sealwatch
    scripts/stego-eval cross-check
"""

import numpy as np
from PIL import Image

from . import costs, dctr, jpegio, plan
from .covers import covers


def _ratio(ours, theirs):
    """The largest departure of the ratio from its median, over costs that matter.

    Where a picture is flat, each program has a stand-in of its own for an endless cost.
    """
    dry = (theirs < 1000 * np.median(theirs)) & (ours < 1000 * np.median(ours))
    ratio = ours[dry] / theirs[dry]
    return float(np.abs(ratio / np.median(ratio) - 1).max())


def _juniward(cover, conseal):
    """Against the variant whose windows are centred (FIX_OFF_BY_ONE)."""
    luma, image = jpegio.read(cover.path), jpegio.jpeglib.read_dct(str(cover.path))
    shown = np.clip(np.rint(jpegio.pixels(luma)), 0, 255)
    theirs, _ = conseal.juniward.compute_cost_adjusted(
        x0=shown, y0=image.Y, qt=np.array(image.get_component_qt(0)),
        implementation=conseal.JUNIWARD_FIX_OFF_BY_ONE,
    )
    return _ratio(costs.juniward(luma), theirs)


def _hill(cover, conseal):
    samples = np.asarray(Image.open(cover.path))
    return _ratio(costs.hill(samples), conseal.hill._costmap.compute_cost(samples))


def _dctr(cover, sealwatch):
    """The largest distance of a histogram to the nearest of the other's histograms."""
    luma = jpegio.read(cover.path)
    theirs = sealwatch.dctr.extract(jpegio.pixels(luma), q=dctr.step(luma.table), T=4)
    theirs = np.concatenate([np.ravel(part) for part in theirs.values()]).reshape(-1, 5)
    theirs = theirs / theirs.sum(axis=1, keepdims=True)
    ours = dctr.features(luma).reshape(-1, 5)
    apart = np.abs(ours[:, None] - theirs[None]).max(axis=2).min(axis=1)
    return float(np.percentile(apart, 95))


def run():
    """Prints the departures on three pictures each; needs both packages."""
    import conseal
    import sealwatch

    jpegs = covers(plan.KINDS[0], most=3)
    pngs = covers(plan.KINDS[4], most=3)
    for cover in jpegs:
        print(f"J-UNIWARD, relative: {_juniward(cover, conseal):.1e}")
        print(f"DCTR, 95 % of the histograms within: {_dctr(cover, sealwatch):.1e}")
    for cover in pngs:
        print(f"HILL, relative, one scale for all: {_hill(cover, conseal):.1e}")
