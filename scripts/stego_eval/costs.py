"""Costs of single changes, written from the papers, and the sender at the theoretical bound.

J-UNIWARD: Holub, Fridrich, Denemark 2014, EURASIP JIS 2014:1, equation 4, sigma = 2^-6.
HILL: Li, Wang, Li, Huang 2014, ICIP, section 3. The bound: Filler, Judas, Fridrich 2011, IEEE TIFS
6(3), section II: the payload-limited sender changes each element with its Gibbs probability.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .jpegio import DCT, pixels

WET = 1e10
SIGMA = 2.0**-6
DB8 = np.array([
    -0.0544158422, 0.3128715909, -0.6756307363, 0.5853546837, 0.0158291053, -0.2840155430,
    -0.0004724846, 0.1287474266, 0.0173693010, -0.0440882539, -0.0139810279, 0.0087460940,
    0.0048703530, -0.0003917404, -0.0006754494, -0.0001174768,
])  # high-pass of Daubechies' wavelet with eight vanishing moments
LOW = DB8[::-1] * (-1.0) ** np.arange(16)


def _rows(image, kernel):
    """Correlation of each row with a kernel, no padding."""
    windows = sliding_window_view(image, len(kernel), axis=1)
    return windows @ kernel


def _wavelet(image, across, down):
    """One undecimated subband of an image that has been padded already."""
    return _rows(_rows(image, across).T, down).T


def juniward(luma):
    """The cost of +-1 for every luma coefficient, shaped as the coefficients; DC included.

    The wavelet sees the picture as a decoder shows it, rounded and clipped to 0..255.
    """
    image = np.clip(np.rint(pixels(luma)), 0, 255)
    high, wide = luma.coefficients.shape[:2]
    # A change in a block reaches wavelet coefficients up to 15 away: a window of 23 by 23.
    padded = np.pad(image, 30, mode="symmetric")
    cost = np.zeros(luma.coefficients.shape)
    for across, down in ((DB8, LOW), (LOW, DB8), (DB8, DB8)):
        weight = 1 / (np.abs(_wavelet(padded, across, down)) + SIGMA)
        # Row r of `weight` belongs to padded rows r..r+15; those that see the block's first row
        # begin 15 above it.
        windows = sliding_window_view(weight[15:, 15:], (23, 23))[::8, ::8][:high, :wide]
        vertical = np.stack([np.abs(np.convolve(DCT[k], down[::-1])) for k in range(8)])
        sideways = np.stack([np.abs(np.convolve(DCT[k], across[::-1])) for k in range(8)])
        cost += vertical @ windows @ sideways.T
    return cost * luma.table


def _mean(image, side):
    """Mean over a square of odd side, mirrored at the borders (edge row repeated)."""
    padded = np.pad(image, side // 2, mode="symmetric")
    sums = np.pad(padded.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return total / side**2


def hill(samples):
    """The cost of +-1 for every sample of one plane (H x W)."""
    kernel = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], dtype=np.float64)
    padded = np.pad(samples.astype(np.float64), 1, mode="symmetric")
    residual = np.einsum("ijkl,kl->ij", sliding_window_view(padded, (3, 3)), kernel)
    return _mean(1 / (_mean(np.abs(residual), 3) + 1e-10), 15)


def wet_saturated(samples, cost):
    """(cost of +1, cost of -1): a change that would leave 0..255 is forbidden."""
    return np.where(samples == 255, WET, cost), np.where(samples == 0, WET, cost)


def entropy(plus, minus):
    """Bits that elements carry which change with these probabilities."""
    stay = 1 - plus - minus
    return -sum(float(p.ravel() @ np.log2(np.maximum(p, 1e-300)).ravel())
                for p in (plus, minus, stay))


def probabilities(up, down, bits):
    """(p+, p-) of the ternary sender at the bound who hides so many bits."""
    at = lambda scale: gibbs(up, down, scale)
    low, high = 0.0, 1.0
    while entropy(*at(high)) > bits and high < 1e12:
        low, high = high, high * 4
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if entropy(*at(middle)) > bits else (low, middle)
    return at(high)


def gibbs(up, down, scale):
    """(p+, p-) at one inverse temperature."""
    plus = np.exp(-np.minimum(scale * up, 700))
    minus = plus if down is up else np.exp(-np.minimum(scale * down, 700))
    total = 1 + plus + minus
    return plus / total, minus / total


def distortion(up, down, plus, minus):
    """The expected distortion of a sender; wet elements do not count."""
    return float(np.sum(plus * np.where(up < WET, up, 0) + minus * np.where(down < WET, down, 0)))


def changed(plus, minus, draw):
    """A change of -1, 0 or +1 for each element, drawn with these probabilities."""
    u = draw.random(plus.shape)
    return (u < plus).astype(np.int16) - ((u >= plus) & (u < plus + minus)).astype(np.int16)
