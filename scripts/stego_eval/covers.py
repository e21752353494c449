"""Makes the covers: square crops of downscaled photographs, as PNG and as JPEG.

A photograph is downscaled at least twice, so that the traces of its own compression, its sensor's
colour mosaic and its 8x8 grid are gone. Crops do not overlap. Flat and saturated crops are left
out, as `cover inspect` refuses them. All crops of a photograph share its name: detectors are
trained and tested on different photographs, never on crops of one.
"""

import io
import math
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from . import pngfile
from .cache import CACHE, digest, write_whole
from .fetch import photographs

MOST_CROPS = {256: 24, 512: 6}
LONG_SIDE = 2048  # a photograph of more than twice this is downscaled further
COVERS = CACHE / "covers"


class Kind(NamedTuple):
    """A set of covers: `png` or `jpeg`, grey or colour, side in pixels, JPEG quality."""

    domain: str
    colour: bool
    side: int = 256
    quality: int = 0

    @property
    def name(self):
        parts = [self.domain, "colour" if self.colour else "grey"]
        parts += [str(self.quality)] if self.quality else []
        return "-".join(parts + ([] if self.side == 256 else [str(self.side)]))

    @property
    def folder(self):
        return COVERS / self.name


class Cover(NamedTuple):
    source: str  # the photograph
    path: object  # pathlib.Path


def _downscaled(path):
    """The photograph as RGB, at most half as wide and high."""
    image = Image.open(path).convert("RGB")
    factor = max(2.0, max(image.size) / LONG_SIDE)
    size = tuple(math.floor(side / factor) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _plausible(crop):
    """Whether `cover inspect` would accept it: not flat, not saturated."""
    grey = np.asarray(crop.convert("L")).astype(np.int16)
    equal = np.mean(grey[:, 1:] == grey[:, :-1])
    saturated = np.mean((grey == 0) | (grey == 255))
    return equal <= 0.35 and saturated <= 0.05


def _crops(image, side, name):
    """At most MOST_CROPS squares of the image, (row, column, crop), drawn without overlap."""
    wide, high = image.size[0] // side, image.size[1] // side
    left, top = (image.size[0] - wide * side) // 2, (image.size[1] - high * side) // 2
    places = [(row, column) for row in range(high) for column in range(wide)]
    places.sort(key=lambda place: digest(name, side, *place))
    taken = []
    for row, column in places:
        x, y = left + column * side, top + row * side
        crop = image.crop((x, y, x + side, y + side))
        if len(taken) < MOST_CROPS[side] and _plausible(crop):
            taken.append((row, column, crop))
    return taken


def _sources(side, small):
    """Crops of one side as lossless RGB files, made once: [Cover]."""
    folder = COVERS / f"source-{side}"
    for photo, path in photographs(small):
        done = folder / f"{photo.name}.done"
        if done.exists():
            continue
        for row, column, crop in _crops(_downscaled(path), side, photo.name):
            target = folder / f"{photo.name}@{row}.{column}.png"
            write_whole(target, lambda part: crop.save(part, compress_level=1))
        write_whole(done, lambda part: part.write_text(""))
    names = {photo.name for photo, _ in photographs(small)}
    files = sorted(folder.glob("*.png"))
    return [Cover(f.name.split("@")[0], f) for f in files if f.name.split("@")[0] in names]


def jpeg_bytes(image, quality):
    """A baseline JPEG as most programs write it: 4:2:0, standard tables."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=2, optimize=False)
    return out.getvalue()


def encoded(path, kind):
    """The cover of a kind that is made of one lossless crop: the file's bytes."""
    image = Image.open(path).convert("RGB" if kind.colour else "L")
    if kind.domain == "jpeg":
        return jpeg_bytes(image, kind.quality)
    return pngfile.encode(np.asarray(image), pngfile.writer_of(path.name))


def covers(kind, small=False, most=None):
    """The covers of a kind, made once; `most` keeps the first crops of each photograph fair."""
    made = []
    for source in _sources(kind.side, small):
        target = kind.folder / f"{source.path.stem}.{'jpg' if kind.domain == 'jpeg' else 'png'}"
        if not target.exists():
            body = encoded(source.path, kind)
            write_whole(target, lambda part: part.write_bytes(body))
        made.append(Cover(source.source, target))
    return made if most is None else thinned(made, most)


def thinned(made, most):
    """At most `most` covers, taken in turns from the photographs, in the order of their names."""
    turn, seen = {}, {}
    for cover in made:
        turn[cover.path] = seen.get(cover.source, 0)
        seen[cover.source] = turn[cover.path] + 1
    chosen = sorted(made, key=lambda cover: (turn[cover.path], digest(cover.path.name)))[:most]
    return sorted(chosen, key=lambda cover: cover.path.name)


def precover(cover):
    """The lossless crop (RGB image) that a cover was encoded from."""
    side = 512 if cover.path.parent.name.endswith("-512") else 256
    return Image.open(COVERS / f"source-{side}" / f"{cover.path.stem}.png")


def listing(made):
    """What the results say of a set: counts, and a checksum of names and bytes."""
    check = 0
    for cover in made:
        check = zlib.crc32(cover.path.name.encode() + cover.path.read_bytes(), check)
    sources = {cover.source for cover in made}
    return {"covers": len(made), "photographs": len(sources), "crc": f"{check:08x}"}
