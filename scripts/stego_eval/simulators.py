"""Senders that are simulated: the theoretical bound, and the classic methods beside it.

Each takes what a cover holds, a number of payload bits and a generator, and returns changed
coefficients or samples. `bits` is what the receiver gets; overhead of headers does not exist here.
"""

import numpy as np

from .costs import WET, changed, hill, juniward, probabilities, wet_saturated
from .jpegio import quotients

COEFFICIENT_LIMIT = 1023


def juniward_bound(luma, bits, draw, _cover=None):
    """J-UNIWARD as published (DC may change), ternary, at the bound."""
    cost = juniward(luma)
    plus, minus = probabilities(cost, cost, bits)
    return luma.coefficients + changed(plus, minus, draw)


def juniward_ac_bound(luma, bits, draw, _cover=None):
    """The same with DC wet, as our codec has it."""
    cost = juniward(luma)
    cost[:, :, 0, 0] = WET
    plus, minus = probabilities(cost, cost, bits)
    return luma.coefficients + changed(plus, minus, draw)


def side_informed_bound(luma, bits, draw, samples):
    """SI-UNIWARD, ternary: a change towards the unrounded value costs (1 - 2 |error|) as much.

    Denemark, Fridrich 2015, IS&T Media Watermarking. `samples` is the grey picture before
    compression. Errors of one half in the rational modes are left without advantage: they come
    from the arithmetic, and their changes would cost nothing.
    """
    cost = juniward(luma)
    error = np.clip(quotients(samples, luma.table) - luma.coefficients, -0.5, 0.5)
    towards = (1 - 2 * np.abs(error)) * cost
    rational = np.zeros((8, 8), bool)
    rational[::4, ::4] = True
    tie = rational & (np.abs(error) > 0.5 - 1e-3)
    towards = np.where(tie, cost, towards)
    up, down = np.where(error > 0, towards, cost), np.where(error > 0, cost, towards)
    up[:, :, 0, 0] = down[:, :, 0, 0] = WET
    plus, minus = probabilities(up, down, bits)
    return luma.coefficients + changed(plus, minus, draw)


def nsf5(luma, bits, draw, _cover=None):
    """nsF5 at the bound of binary matrix embedding: changed AC coefficients move towards zero.

    Fridrich, Pevny, Kodovsky 2007, ACM MM&Sec.
    """
    flat = luma.coefficients.reshape(-1, 64).copy()
    usable = flat != 0
    usable[:, 0] = False
    rate = _binary_rate(bits / max(usable.sum(), 1))
    hit = usable & (draw.random(flat.shape) < rate)
    flat[hit] -= np.sign(flat[hit])
    return flat.reshape(luma.coefficients.shape)


def _binary_rate(share):
    """The change rate x <= 1/2 whose binary entropy is `share` bits."""
    low, high = 0.0, 0.5
    for _ in range(60):
        x = (low + high) / 2
        entropy = -x * np.log2(x) - (1 - x) * np.log2(1 - x)
        low, high = (x, high) if entropy < share else (low, x)
    return low


def hill_costs(samples):
    """(up, down) of every sample, shaped as the samples; channels apart."""
    planes = np.atleast_3d(samples)
    sides = [wet_saturated(planes[:, :, c], hill(planes[:, :, c])) for c in range(planes.shape[2])]
    return tuple(np.stack(side, axis=2).reshape(samples.shape) for side in zip(*sides))


def hill_bound(samples, bits, draw):
    up, down = hill_costs(samples)
    plus, minus = probabilities(up, down, bits)
    return (samples + changed(plus, minus, draw)).astype(np.uint8)


def _payload_places(samples, bits, draw):
    """One place for each bit, drawn without repetition."""
    return draw.choice(samples.size, min(bits, samples.size), replace=False)


def lsb_replacement(samples, bits, draw):
    """Least significant bits of random places are replaced."""
    flat = samples.ravel().copy()
    places = _payload_places(samples, bits, draw)
    flat[places] = (flat[places] & 0xFE) | draw.integers(2, size=len(places)).astype(np.uint8)
    return flat.reshape(samples.shape)


def lsb_matching(samples, bits, draw):
    """As LSB replacement, but a wrong bit is mended by +1 or -1 at random."""
    flat = samples.ravel().astype(np.int16)
    places = _payload_places(samples, bits, draw)
    wrong = places[draw.random(len(places)) < 0.5]
    move = draw.choice([-1, 1], len(wrong))
    move = np.where(flat[wrong] == 0, 1, np.where(flat[wrong] == 255, -1, move))
    flat[wrong] += move.astype(np.int16)
    return flat.reshape(samples.shape).astype(np.uint8)


JPEG = {
    "juniward-bound": juniward_bound,
    "juniward-ac-bound": juniward_ac_bound,
    "si-bound": side_informed_bound,
    "nsf5": nsf5,
}
PNG = {"hill-bound": hill_bound, "lsb": lsb_replacement, "lsb-matching": lsb_matching}
