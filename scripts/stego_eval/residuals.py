"""Noise residuals of a plane: what is left when each sample is predicted from its neighbours.

The families of Fridrich, Kodovsky 2012, IEEE TIFS 7(3), section II. Every residual is given at the
same places, the plane less a border of 3, in units of its kernel's weight of the centre.
"""

import numpy as np

BORDER = 3
SQUARE3 = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]])
SQUARE5 = np.array([
    [-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2],
    [-1, 2, -2, 2, -1],
])
FIRST = np.array([[0, -1, 1]])
SECOND = np.array([[1, -2, 1]])
THIRD = np.array([[0, 1, -3, 3, -1]])


def _kernels():
    """name -> (kernel of odd sides, its weight)."""
    edge3, edge5 = SQUARE3.copy(), SQUARE5.copy()
    edge3[2:], edge5[3:] = 0, 0
    found = {"S3": (SQUARE3, 4), "S5": (SQUARE5, 12)}
    # Turned left again and again: a kernel that looks right then looks up, left and down.
    families = [("1", FIRST, 1, "RULD"), ("3", THIRD, 3, "RULD"), ("E3", edge3, 4, "ULDR"),
                ("E5", edge5, 12, "ULDR")]
    for name, kernel, weight, sides in families:
        found |= {name + s: (np.rot90(kernel, turn), weight) for turn, s in enumerate(sides)}
    diagonal = np.diag([1, -2, 1])
    for turn, kernel in (("H", SECOND), ("V", SECOND.T), ("D", diagonal), ("M", diagonal[::-1])):
        found["2" + turn] = (kernel, 2)
    return found


KERNELS = _kernels()


def residual(plane, name):
    """One residual, float32, (H-6) x (W-6); `plane` is H x W, float32."""
    kernel, weight = KERNELS[name]
    high, wide = plane.shape[0] - 2 * BORDER, plane.shape[1] - 2 * BORDER
    top, left = BORDER - kernel.shape[0] // 2, BORDER - kernel.shape[1] // 2
    total = np.zeros((high, wide), np.float32)
    for (row, column), factor in np.ndenumerate(kernel):
        if factor:
            part = plane[top + row : top + row + high, left + column : left + column + wide]
            total += np.float32(factor) * part
    total *= np.float32(1 / weight)
    return total


def quantised(values, step, limit):
    """Rounded multiples of the step, cut at +-limit, moved to 0..2 limit, uint8."""
    levels = np.rint(values * np.float32(1 / step))
    return (np.clip(levels, -limit, limit) + limit).astype(np.uint8)
