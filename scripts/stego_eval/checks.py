"""Attacks that need no training: LSB estimators, block compatibility, the compressor's identity."""

import io
import zlib

import numpy as np
from PIL import Image

from . import embedding, jpegio, plan, pngfile, structural, tools
from .cache import CACHE, rng
from .embedding import Cell, real_files, samples_of, simulate, simulated
from .watcher import auc

CHANCE = 0.05  # |AUC - 1/2| up to this is chance
TINY_BITS = 80  # the ten bytes at which the block test caught the program that this one replaces


def _stego_samples(kind, covers, cell):
    """(cover samples, stego samples) of each cover that the method took."""
    if simulated(cell):
        held = [samples_of(cover.path) for cover in covers]
        return [(one, simulate(cover, one, cell)) for cover, one in zip(covers, held)]
    files = real_files(kind, covers, cell)
    return [(samples_of(c.path), samples_of(f.path)) for c, f in zip(covers, files) if f.path]


def estimators(kind, covers, cells=None):
    """SPA, RS and WS on PNG cells: AUC and mean estimate."""
    rows, of_covers = [], {}
    for cell in cells or plan.cells(kind):
        pairs = _stego_samples(kind, covers, cell)
        for name, estimate in structural.ESTIMATORS.items():
            if len(pairs) == len(covers) and name in of_covers:
                clean = of_covers[name]
            else:
                clean = of_covers[name] = np.array([estimate(cover) for cover, _ in pairs])
            found = np.array([estimate(stego) for _, stego in pairs])
            rows.append({"method": cell.method, "rate": cell.rate, "estimator": name,
                         "auc": auc(clean, found), "mean": float(found.mean()),
                         "covers": len(pairs)})
    return rows


def _decoded(path):
    return np.asarray(Image.open(path).convert("L"))


def _tables():
    """The standard luma tables of qualities 50 to 98, as a JPEG library writes them."""
    found = {}
    for quality in range(50, 99):
        out = io.BytesIO()
        Image.new("L", (8, 8)).save(out, "JPEG", quality=quality)
        table = Image.open(io.BytesIO(out.getvalue())).quantization[0]
        found[quality] = np.array(table, dtype=np.float64).reshape(8, 8)
    return found


def former_jpegs(covers):
    """What happens to a JPEG that is decoded and hidden in as pixels; grey covers.

    Returns shares: clean pictures called stego, and those caught after TINY_BITS of LSB
    replacement, and after as much of LSB matching.
    """
    alarms = {"clean": 0, "lsb": 0, "lsb-matching": 0}
    for cover in covers:
        table, clean = jpegio.read(cover.path).table, _decoded(cover.path)
        for name in alarms:
            seen = clean
            if name != "clean":
                hide = embedding.simulators.PNG[name]
                seen = hide(clean, TINY_BITS, rng("block test", cover.path.name))
            alarms[name] += not structural.possible_blocks(seen, table).all()
    return {name: count / len(covers) for name, count in alarms.items()}


def refusals(covers):
    """How many PNGs that were JPEGs our program refuses, of those tried: (refused, tried)."""
    room = CACHE / "rooms" / "former-jpeg"
    room.mkdir(parents=True, exist_ok=True)
    refused = 0
    for cover in covers:
        path = room / f"{cover.path.stem}.png"
        Image.open(cover.path).save(path)
        fresh = type(cover)(cover.source, path)
        said = tools.ours("png-hill", [fresh], [TINY_BITS], CACHE / "rooms")[0]
        refused += said.path is None
        path.unlink()
    return refused, len(covers)


def block_compatibility(kind, covers, cell):
    """AUC of the largest share of blocks that some standard table explains, stego against cover."""
    tables = _tables()

    def share(samples):
        grey = samples if samples.ndim == 2 else samples[:, :, 1]
        return max(structural.possible_blocks(grey, table).mean() for table in tables.values())

    pairs = _stego_samples(kind, covers, cell)
    clean, found = zip(*((share(cover), share(stego)) for cover, stego in pairs))
    # A touched picture has fewer possible blocks: the attack's score is the share, negated.
    return auc(-np.array(clean), -np.array(found))


def _kept_traits(cover, stego):
    """Whether a stego file's compressor and row filters are still those of its cover."""
    writers = set(pngfile.identify(cover))
    same_stream = not writers or bool(writers & set(pngfile.identify(stego)))
    rules = [_rule(body) for body in (cover, stego)]
    return same_stream, rules[0] is None or rules[0] == rules[1]


def _rule(body):
    """The filter rule that explains every row of a PNG, None if neither does."""
    samples = np.asarray(Image.open(io.BytesIO(body)))
    raw = zlib.decompress(pngfile.stream_of(body))
    matching = [rule for rule in ("none", "minimum") if pngfile.filtered(samples, rule) == raw]
    return matching[0] if matching else None


def compressor_identity(kind, covers, cell=None):
    """Shares of stego files caught by deflating again, and by choosing the filters again.

    Without a cell: the control, pictures that an imaging library opened and saved again.
    """
    streams, rules = [], []
    files = [cover.path for cover in covers]
    if cell:
        files = [outcome.path for outcome in real_files(kind, covers, cell)]
    for cover, path in zip(covers, files):
        if path is None:
            continue
        stego = path.read_bytes()
        if cell is None:
            out = io.BytesIO()
            Image.open(path).save(out, "PNG")
            stego = out.getvalue()
        same_stream, same_rule = _kept_traits(cover.path.read_bytes(), stego)
        streams.append(not same_stream)
        rules.append(not same_rule)
    return {"files": len(streams), "compressor": float(np.mean(streams)),
            "filters": float(np.mean(rules))}


def all_checks(sets, most=120):
    """Everything of this module on (kind -> covers): plain values."""
    found = {}
    for kind, covers in sets.items():
        if kind.domain == "png" and kind not in plan.CHAT_KINDS:
            few = covers[:: max(1, len(covers) // most)]
            found[kind.name] = {"estimators": estimators(kind, covers),
                                "compressor_control": compressor_identity(kind, few)}
            cell = Cell(plan.OURS["png"], 0.2)
            if embedding.possible(cell):
                found[kind.name] |= {
                    "compressor": compressor_identity(kind, covers, cell),
                    "block_compatibility_auc": block_compatibility(kind, few, cell),
                }
        elif kind == plan.KINDS[0]:
            few = covers[:: max(1, len(covers) // most)]
            found[kind.name] = {"former_jpegs": former_jpegs(few)}
            if tools.our_program():
                found[kind.name]["refusals"] = refusals(few[:40])
    return found
