"""The folder that holds all that can be made again, and numbers drawn from names."""

import hashlib
import os
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "target" / "stego-eval"
BINARIES = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


class Work:
    """How many processes work at a time; results do not depend on it."""

    processes = len(os.sched_getaffinity(0))


def digest(*parts):
    """SHA-256 of the parts' text, as an integer."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest(), "big")


def rng(*parts):
    """A generator that the same parts always start in the same state."""
    return np.random.default_rng(digest(*parts) % 2**64)


def write_whole(path, write):
    """Calls `write` with a name beside `path`, then renames: a file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    write(part)
    part.rename(path)
    return path
