"""Covers for scripts/bench-stego: mosaics of images/*.jpg, as JPEG and PNG."""

import functools
import itertools
import multiprocessing
import operator
import pathlib
import random
import struct
import subprocess
import sys
import zlib
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PHOTOS = ("blue", "cool", "smart", "think")


def fail(why):
    sys.exit(f"scripts/bench-stego: {why}")


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        fail(f"{command} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Pixels(NamedTuple):
    """8-bit RGB: a `bytes` for each row."""

    width: int
    rows: list

    @staticmethod
    def decoded(photo, eighths):
        """A photo of this repository, scaled by `eighths` eighths."""
        data = run(["djpeg", "-rgb", "-scale", f"{eighths}/8", ROOT / "images" / f"{photo}.jpg"])
        magic, width, height, _ = data.split(maxsplit=4)[:4]
        if magic != b"P6":
            fail(f"images/{photo}.jpg is not in colour")
        width, height = int(width), int(height)
        stride = 3 * width
        body = data[len(data) - stride * height:]
        return Pixels(width, [body[row * stride:(row + 1) * stride] for row in range(height)])

    def mirrored(self):
        def mirror(row):
            turned = bytearray(row)
            for channel in range(3):
                turned[channel::3] = row[channel::3][::-1]
            return bytes(turned)

        return Pixels(self.width, [mirror(row) for row in self.rows])


def mosaic(width, height, eighths):
    """Photos side by side, every other one a mirror image, so that nothing repeats within 32 KiB."""
    photos = [Pixels.decoded(photo, eighths) for photo in PHOTOS]
    tiles = photos + [photo.mirrored() for photo in photos]
    high = min(len(tile.rows) for tile in tiles)
    rows = []
    for band in itertools.count():
        order = [tiles[(band * 3 + place) % len(tiles)] for place in range(width // 200 + 1)]
        for row in range(high):
            rows.append(b"".join(tile.rows[row if band % 2 == 0 else -row - 1] for tile in order)[:3 * width])
            if len(rows) == height:
                return Pixels(width, rows)


def write_jpeg(path, pixels, *options):
    header = f"P6 {pixels.width} {len(pixels.rows)} 255\n".encode()
    data = run(["cjpeg", "-quality", "85", "-sample", "2x2", *options], input=header + b"".join(pixels.rows))
    path.write_bytes(data)


def paeth(left, above, corner):
    estimate = left + above - corner
    to_left, to_above, to_corner = abs(estimate - left), abs(estimate - above), abs(estimate - corner)
    if to_left <= to_above and to_left <= to_corner:
        return left
    return above if to_above <= to_corner else corner


WEIGHTS = bytes(min(byte, 256 - byte) & 0xff for byte in range(256))


ALL_FILTERS, FAST_FILTERS = 5, 3


@functools.cache
def mask(byte, count):
    return int.from_bytes(bytes([byte]) * count, "little")


def difference(row, prediction):
    """Byte by byte, modulo 256: the lower seven bits as one long number, the highest bits apart."""
    minuend, subtrahend = int.from_bytes(row, "little"), int.from_bytes(prediction, "little")
    low, high = mask(0x7f, len(row)), mask(0x80, len(row))
    without = (minuend | high) - (subtrahend & low)
    return (without ^ ((minuend ^ subtrahend ^ high) & high)).to_bytes(len(row), "little")


# Tiles come again, and with them rows.
@functools.lru_cache(maxsize=1500)
def filtered(row, above, count):
    """The row under that of the first `count` filters that has the least sum, as libpng chooses it."""
    left, corner = bytes(3) + row[:-3], bytes(3) + above[:-3]
    ways = [row, difference(row, left), difference(row, above)]
    if count == ALL_FILTERS:
        averages = bytes(map(operator.floordiv, map(operator.add, left, above), itertools.repeat(2)))
        ways += [difference(row, averages), difference(row, bytes(map(paeth, left, above, corner)))]
    weigh = [sum(way.translate(WEIGHTS)) for way in ways]
    best = weigh.index(min(weigh))
    return bytes([best]) + ways[best]


def filtered_all(pixels, count):
    above = [bytes(3 * pixels.width), *pixels.rows[:-1]]
    with multiprocessing.Pool() as pool:
        return b"".join(pool.starmap(filtered, zip(pixels.rows, above, itertools.repeat(count)), chunksize=64))


def write_png(path, pixels, raw, memory):
    """C zlib level 6 with what libpng asks of it; `memory` 8 is libpng's, 7 nobody's."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 15, memory, zlib.Z_FILTERED)
    stream = squeeze.compress(raw) + squeeze.flush()
    head = struct.pack(">IIBBBBB", pixels.width, len(pixels.rows), 8, 2, 0, 0, 0)
    parts = [stream[at:at + 8192] for at in range(0, len(stream), 8192)]
    chunks = [(b"IHDR", head), *((b"IDAT", part) for part in parts), (b"IEND", b"")]
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


SIZES = {"0.1": (384, 256), "2": (1632, 1224), "12": (4000, 3000), "24": (6000, 4000), "48": (8000, 6000), "64": (9248, 6936)}


class Covers:
    """Makes covers when they are asked for, and keeps them."""

    def __init__(self, folder):
        self.folder = folder

    def jpeg(self, size, kind="sequential"):
        path = self.folder / f"{size}-{kind}.jpg"
        if not path.exists():
            options = ["-progressive"] if kind == "progressive" else []
            write_jpeg(path, mosaic(*SIZES[size], 8), *options)
        return path

    def png(self, size, kind="known"):
        """`known` and `unknown` are compressors; `plain` is a known one with filters that are made sooner."""
        path = self.folder / f"{size}-{kind}.png"
        if not path.exists():
            # At half size nothing is left of the photos' own compression.
            pixels = mosaic(*SIZES[size], 4)
            raw = filtered_all(pixels, FAST_FILTERS if kind == "plain" else ALL_FILTERS)
            for name, memory in ((kind, 8),) if kind == "plain" else (("known", 8), ("unknown", 7)):
                write_png(self.folder / f"{size}-{name}.png", pixels, raw, memory)
        return path

    def payload(self, count):
        path = self.folder / f"{count}.payload"
        path.write_bytes(random.Random(count).randbytes(count))
        return path
