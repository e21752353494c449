"""JPEG files as arrays: luma coefficients, quantisation table, and pixels before rounding."""

from typing import NamedTuple

import jpeglib
import numpy as np


class Luma(NamedTuple):
    """The luma of a JPEG file."""

    coefficients: np.ndarray  # blocks high x blocks wide x 8 x 8 (row frequency, column frequency)
    table: np.ndarray  # 8 x 8, the steps in the same order

    @property
    def nonzero_ac(self):
        return int(np.count_nonzero(self.coefficients)) - int(
            np.count_nonzero(self.coefficients[:, :, 0, 0])
        )


def dct_matrix():
    """The orthonormal 8 x 8 DCT-II: row k is frequency k."""
    k, n = np.mgrid[0:8, 0:8]
    matrix = np.cos(np.pi * (2 * n + 1) * k / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix


DCT = dct_matrix()


def read(path):
    """The luma of a file. The coefficients are as they are in the file, int16."""
    image = jpeglib.read_dct(str(path))
    return Luma(np.array(image.Y), np.array(image.get_component_qt(0), dtype=np.float64))


def pixels(luma, coefficients=None):
    """Decompressed luma, neither rounded nor clipped, float64, 0..255: 8 blocks high x 8 wide."""
    values = (luma.coefficients if coefficients is None else coefficients) * luma.table
    blocks = DCT.T @ values @ DCT
    high, wide = blocks.shape[:2]
    return blocks.transpose(0, 2, 1, 3).reshape(8 * high, 8 * wide) + 128


def quotients(samples, table):
    """What a compressor would round: DCT of grey samples over the steps, blocks as in `Luma`."""
    high, wide = samples.shape[0] // 8, samples.shape[1] // 8
    blocks = (samples[: 8 * high, : 8 * wide] - 128.0).reshape(high, 8, wide, 8)
    return (DCT @ blocks.transpose(0, 2, 1, 3) @ DCT.T) / table


def write(path, source, coefficients):
    """A copy of the file `source` whose luma coefficients are these."""
    image = jpeglib.read_dct(str(source))
    image.Y = coefficients.astype(np.int16)
    image.write_dct(str(path))
