"""Programs that really embed: our own, and the rivals that are installed. They are only run.

Each takes covers and a number of bits for each, writes stego files into a folder, and tells for
each cover what became of it. Payloads are random: a text would be compressed away.
"""

import json
import os
import shutil
import subprocess
from typing import NamedTuple

from .cache import BINARIES, CACHE, digest, rng, write_whole
from .covers import precover

KEY = f"{digest('the key of the evaluation'):064x}"
PHASM = os.environ.get("STEGO_EVAL_PHASM", "")  # a program that docs/stego.md describes
PHASM_OVERHEAD = 60  # bytes of salt, nonce, tag, frame and file name, about


class Outcome(NamedTuple):
    path: object  # of the stego file, None if the program refused
    said: dict  # what it said: JSON of ours, or {"why": ...}


class Refused(Exception):
    """A program would not embed in one cover."""


def _run(command, **options):
    return _run_aloud(command, **options)[0]


def _run_aloud(command, **options):
    """(standard output, standard error) of a program that ends well."""
    done = subprocess.run([str(part) for part in command], capture_output=True, **options)
    if done.returncode != 0:
        raise Refused(done.stderr.decode(errors="replace").strip()[-200:] or str(done.returncode))
    return done.stdout, done.stderr.decode(errors="replace")


def _payload(cover, count):
    return rng("payload", cover.path.name, count).bytes(max(count, 1))


class Ours:
    """Which build of the crate's example program is measured."""

    program = BINARIES / "examples" / "stego_file"


def our_program():
    """The crate's example program, if it has been built."""
    return Ours.program if Ours.program.exists() else None


def binary_tag(program):
    """A short name of the program's very bytes, for the cache."""
    return f"{digest(program.read_bytes().hex()) % 16**8:08x}"


def ours(codec, covers, bits, folder):
    """Embeds with our program, one process a file; payloads are cut to whole bytes."""
    found = []
    for cover, count in zip(covers, bits):
        target = folder / cover.path.name
        command = [our_program(), "embed", "--codec", codec, "--key", KEY, cover.path, target]
        try:
            said = json.loads(_run(command, input=_payload(cover, count // 8)))
            found.append(Outcome(target, said))
        except Refused as why:
            found.append(Outcome(None, {"why": str(why)}))
    return found


def _linked(covers, name):
    """A folder that holds just these covers, under their names."""
    room = CACHE / "rooms" / name
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    for cover in covers:
        os.link(cover.path, room / cover.path.name)
    return room


def _precovers(covers):
    """The pictures before compression, as PNG: what `jpeg-si` draws its side information from."""
    room = CACHE / "precovers" / covers[0].path.parent.name
    room.mkdir(parents=True, exist_ok=True)
    mode = "L" if "-grey-" in room.name else "RGB"
    for cover in covers:
        target = room / f"{cover.path.stem}.png"
        if not target.exists():
            image = precover(cover).convert(mode)
            write_whole(target, image.save)
    return room


def ours_many(codec, covers, rate, folder):
    """Embeds with our program's batch form: a rate for all files of a folder."""
    room = _linked(covers, f"{covers[0].path.parent.name}-{len(covers)}")
    command = [our_program(), "embed-many", "--codec", codec, "--key", KEY, "--rate", rate,
               "--seed", "1"]
    if codec == "jpeg-si":
        command += ["--precovers", _precovers(covers)]
    output, errors = _run_aloud([*command, room, folder])
    lines = [json.loads(line) for line in output.splitlines()]
    said = {os.path.basename(line["file"]): line for line in lines}
    # A refused cover has a line "path: why" among the errors.
    refused = [line.partition(": ") for line in errors.splitlines()]
    said |= {os.path.basename(path): {"why": why} for path, _, why in refused}
    results = []
    for cover in covers:
        target = folder / cover.path.name
        line = said.get(cover.path.name, {"why": "no line"})
        results.append(Outcome(target if target.exists() else None, line))
    return results


def _each(covers, bits, folder, embed):
    """Runs `embed(cover, bytes, target)` for each cover."""
    found = []
    for cover, count in zip(covers, bits):
        target = folder / cover.path.name
        try:
            embed(cover, count // 8, target)
            found.append(Outcome(target, {}))
        except Refused as why:
            found.append(Outcome(None, {"why": str(why)}))
    return found


def steghide(covers, bits, folder):
    """steghide without its encryption, checksum and compression: about 12 bytes of overhead."""
    def embed(cover, count, target):
        payload = target.with_suffix(".payload")
        payload.write_bytes(_payload(cover, count - 12))
        _run(["steghide", "embed", "-q", "-f", "-cf", cover.path, "-sf", target, "-ef", payload,
              "-p", "measured", "-e", "none", "-Z", "-K", "-N"])

    return _each(covers, bits, folder, embed)


def outguess(covers, bits, folder):
    """outguess on colour JPEGs; it always compresses anew, so its covers are its own: see
    `outguess_cover`."""
    def embed(cover, count, target):
        payload = target.with_suffix(".payload")
        payload.write_bytes(_payload(cover, count))
        _run(["outguess", "-p", _quality(cover), "-k", "measured", "-d", payload, cover.path,
              target])

    return _each(covers, bits, folder, embed)


def _quality(cover):
    return cover.path.parent.name.split("-")[2]


def outguess_cover(cover, target):
    """The cover as outguess would write it with nothing in it: decoded, and encoded again."""
    pixels = _run(["djpeg", cover.path])
    target.write_bytes(_run(["cjpeg", "-quality", _quality(cover)], input=pixels))
    return target


def phasm(covers, bits, folder):
    """phasm-core's ghost mode, through the program that STEGO_EVAL_PHASM names.

    That program (docs/stego.md) reads lines of cover, stego and payload file, separated by tabs,
    hides the payload file, and answers "ok" or why not, a line each. Its key derivation is slow.
    """
    jobs = []
    for cover, count in zip(covers, bits):
        payload = (folder / cover.path.name).with_suffix(".payload")
        payload.write_bytes(_payload(cover, count // 8 - PHASM_OVERHEAD))
        jobs.append(f"{cover.path}\t{folder / cover.path.name}\t{payload}")
    lines = _run([PHASM, "measured"], input="\n".join(jobs).encode()).decode().splitlines()
    found = []
    for cover, line in zip(covers, lines):
        target = folder / cover.path.name
        whole = line == "ok" and target.exists()
        found.append(Outcome(target if whole else None, {} if whole else {"why": line}))
    return found


def available():
    """name -> whether the program can be run here."""
    return {
        "ours": our_program() is not None,
        "steghide": shutil.which("steghide") is not None,
        "outguess": all(map(shutil.which, ("outguess", "djpeg", "cjpeg"))),
        "phasm": bool(PHASM) and os.access(PHASM, os.X_OK),
    }
