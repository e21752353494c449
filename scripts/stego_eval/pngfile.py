"""Writes PNG files with known compressors, and says which of them wrote a file.

A PNG of the wild is written by C zlib in most cases, with a level and a filter rule that its
program chose. The covers are a mixture of such writers, so that a program which hides in them must
keep each one's traits; `identify` is the watcher who deflates again and compares.
"""

import struct
import zlib
from typing import NamedTuple

import numpy as np

from .cache import digest

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Writer(NamedTuple):
    """One compressor: zlib's parameters, the rule of the row filters, bytes an IDAT."""

    level: int
    memory: int
    strategy: int
    filters: str  # "none" or "minimum"
    chunk: int


WRITERS = [
    Writer(6, 8, zlib.Z_DEFAULT_STRATEGY, "minimum", 8192),
    Writer(6, 9, zlib.Z_FILTERED, "minimum", 65536),
    Writer(9, 8, zlib.Z_FILTERED, "minimum", 8192),
    Writer(9, 9, zlib.Z_DEFAULT_STRATEGY, "none", 8192),
    Writer(1, 8, zlib.Z_FILTERED, "minimum", 8192),
    Writer(3, 8, zlib.Z_DEFAULT_STRATEGY, "none", 1 << 30),
]


def writer_of(name):
    """The writer of a cover, drawn from its name."""
    return WRITERS[digest("png writer", name) % len(WRITERS)]


def _paeth(left, up, corner):
    guess = left + up - corner
    away = [np.abs(guess - other) for other in (left, up, corner)]
    pick_left = (away[0] <= away[1]) & (away[0] <= away[2])
    return np.where(pick_left, left, np.where(away[1] <= away[2], up, corner))


def filtered(samples, rule):
    """The rows of an image (H x W or H x W x 3, uint8) behind their filter bytes.

    `minimum` is libpng's heuristic: the filter whose bytes have the least sum of absolute values,
    read as signed; the lower number wins a tie.
    """
    rows = samples.reshape(samples.shape[0], -1).astype(np.int32)
    step = 1 if samples.ndim == 2 else samples.shape[2]
    left = np.pad(rows, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(rows, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(up, ((0, 0), (step, 0)))[:, :-step]
    guesses = [0 * rows, left, up, (left + up) // 2, _paeth(left, up, corner)]
    lines = np.stack([(rows - guess).astype(np.uint8) for guess in guesses])
    sums = np.abs(lines.view(np.int8).astype(np.int32)).sum(axis=2)
    best = np.zeros(len(rows), int) if rule == "none" else sums.argmin(axis=0)
    chosen = lines[best, np.arange(len(rows))]
    return np.column_stack([best.astype(np.uint8), chosen]).tobytes()


def deflated(raw, writer):
    maker = zlib.compressobj(writer.level, zlib.DEFLATED, 15, writer.memory, writer.strategy)
    return maker.compress(raw) + maker.flush()


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode(samples, writer):
    """A PNG file of a grey (H x W) or RGB (H x W x 3) image, uint8."""
    high, wide = samples.shape[:2]
    head = struct.pack(">IIBBBBB", wide, high, 8, 0 if samples.ndim == 2 else 2, 0, 0, 0)
    stream = deflated(filtered(samples, writer.filters), writer)
    parts = [stream[at : at + writer.chunk] for at in range(0, len(stream), writer.chunk)]
    idat = b"".join(_chunk(b"IDAT", part) for part in parts)
    return SIGNATURE + _chunk(b"IHDR", head) + idat + _chunk(b"IEND", b"")


def stream_of(body):
    """The zlib stream of a PNG file: its IDAT chunks' bodies, joined."""
    at, found = len(SIGNATURE), []
    while at + 8 <= len(body):
        size, kind = struct.unpack(">I4s", body[at : at + 8])
        if kind == b"IDAT":
            found.append(body[at + 8 : at + 8 + size])
        at += size + 12
    return b"".join(found)


def identify(body):
    """The (level, memory, strategy) triples that reproduce the file's stream to the byte."""
    stream = stream_of(body)
    raw = zlib.decompress(stream)
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)
    tried = [(l, m, s) for l in range(1, 10) for m in (8, 9) for s in strategies]
    return [t for t in tried if deflated(raw, Writer(*t, "none", 0)) == stream]
