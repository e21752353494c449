"""Who hides how much in what: stego versions of a set of covers, made once and kept.

A real program's stego files lie under target/stego-eval/stego, one folder a method, rate and
program version; a simulated sender has no files, it is drawn again from the same seed.
"""

import concurrent.futures
import json
import shutil
from typing import NamedTuple

import numpy as np
from PIL import Image

from . import jpegio, simulators, tools
from .cache import CACHE, Work, digest, rng
from .covers import precover

CHAT_BYTES = 330  # a real chat text in its envelope, padded


class Cell(NamedTuple):
    """A method at a rate: bits per nonzero luma AC coefficient, or per pixel; "chat" is 330 B."""

    method: str
    rate: object

    @property
    def name(self):
        return f"{self.method}@{self.rate}"


OURS = {"ours-juniward": "jpeg-juniward", "ours-si": "jpeg-si", "ours-hill": "png-hill",
        "ours-lsb": "lsb-compat"}
RIVALS = {"steghide": tools.steghide, "outguess": tools.outguess, "phasm": tools.phasm}


def simulated(cell):
    return cell.method in simulators.JPEG or cell.method in simulators.PNG


def possible(cell):
    """Whether the method can be run here."""
    name = "ours" if cell.method in OURS else cell.method
    return simulated(cell) or tools.available().get(name, False)


def samples_of(path):
    """A PNG's samples, H x W or H x W x 3, uint8."""
    return np.asarray(Image.open(path))


def capacity_base(cover):
    """What a rate is counted in: nonzero luma AC coefficients, or pixels."""
    if cover.path.suffix == ".jpg":
        return jpegio.read(cover.path).nonzero_ac
    high, wide = samples_of(cover.path).shape[:2]
    return high * wide


def payload_bits(cover, rate):
    return CHAT_BYTES * 8 if rate == "chat" else int(rate * capacity_base(cover))


def real_files(kind, covers, cell):
    """The stego files of a real program, made once: [Outcome], in the order of the covers."""
    tag = tools.binary_tag(tools.our_program()) if cell.method in OURS else "1"
    names = digest(*(cover.path.name for cover in covers)) % 16**6
    folder = CACHE / "stego" / kind.name / f"{cell.name}-{tag}-{len(covers)}-{names:06x}"
    record = folder / "outcomes.json"
    if not record.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        outcomes = _embed(covers, cell, folder)
        rows = [[o.path.name if o.path else None, o.said] for o in outcomes]
        record.write_text(json.dumps(rows))
    rows = json.loads(record.read_text())
    return [tools.Outcome(folder / name if name else None, said) for name, said in rows]


def _embed(covers, cell, folder):
    if cell.method in OURS:
        codec = OURS[cell.method]
        if cell.rate != "chat":
            return tools.ours_many(codec, covers, cell.rate, folder)
        return tools.ours(codec, covers, [CHAT_BYTES * 8] * len(covers), folder)
    parts = [covers[at :: Work.processes] for at in range(Work.processes)]
    rival = lambda part: RIVALS[cell.method](
        part, [payload_bits(cover, cell.rate) for cover in part], folder)
    with concurrent.futures.ThreadPoolExecutor(Work.processes) as pool:
        done = [dict(zip(part, found)) for part, found in zip(parts, pool.map(rival, parts))]
    return [outcome for cover in covers for found in done if (outcome := found.get(cover))]


def simulate(cover, held, cell):
    """The stego coefficients or samples of a simulated sender; `held` is Luma or samples."""
    draw = rng("simulate", cover.path.parent.name, cover.path.name, cell.name)
    bits = payload_bits(cover, cell.rate)
    if cell.method in simulators.PNG:
        return simulators.PNG[cell.method](held, bits, draw)
    source = None
    if cell.method == "si-bound":
        # As the compressor saw it: luma of the lossless crop, by its own conversion.
        mode = "L" if "-grey-" in cover.path.parent.name else "YCbCr"
        source = np.asarray(precover(cover).convert(mode)).astype(np.float64)
        source = source if source.ndim == 2 else source[:, :, 0]
    return simulators.JPEG[cell.method](held, bits, draw, source)
