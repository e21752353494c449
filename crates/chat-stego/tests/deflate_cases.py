"""Writes inputs and what C zlib makes of them, for the ignored test `equals_zlib_on_cases`.

    python3 deflate_cases.py DIR        # synthetic inputs
    python3 deflate_cases.py DIR PNG ...  # those of pictures
    python3 deflate_cases.py --known   # the table of src/deflate/tests/known.rs
    CHAT_STEGO_DEFLATE_CASES=DIR cargo test -p chat-stego --release --lib equals_zlib -- --ignored

Each NAME.raw has a NAME.LEVEL.MEMLEVEL.STRATEGY.z for every level 1-9, memLevel 8 and 9, strategy
0 (default) and 1 (filtered). Inputs: text, noise, zeros, ramps, lengths 0 to 1,000 and edges of the
window, or the filtered rows of the PNGs given, with their own stream as NAME.idat.
"""

import hashlib
import pathlib
import random
import struct
import sys
import zlib


def idat(png: bytes) -> bytes:
    """The joined IDAT contents of a PNG."""
    parts, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            parts.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return b"".join(parts)


def synthetic(rng: random.Random):
    """Pairs of a name and bytes."""
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(1, 9))) for _ in range(3000)]
    text = b" ".join(rng.choices(words, k=300_000))
    noise = rng.randbytes(400_000)
    yield "text", text
    yield "noise", noise
    yield "zeros", bytes(700_000)
    yield "ramp", bytes(range(256)) * 3000
    steps = [0, 1, 255, 2, 254, 0, 0, 0, 1, 255]
    yield "residual", bytes(rng.choices(steps, k=900_000))
    yield "gauss", bytes(int(rng.gauss(0, 3)) & 255 for _ in range(900_000))
    yield "wide", bytes(int(rng.gauss(0, 40)) & 255 for _ in range(500_000))
    yield "mixed", b"".join(
        rng.choice([text, noise, bytes(999)])[: rng.randint(1, 70_000)] for _ in range(60)
    )
    # Repetitions near the farthest distance, and runs around the window's edge.
    block = rng.randbytes(32_506)
    yield "farthest", (block + block[:5000] + b"x" + block) * 6
    for period in (32_505, 32_506, 32_507, 32_768):
        yield f"period{period}", (rng.randbytes(period) * 8)[:200_000]
    skewed = b"".join(bytes([i]) * (1 << i) for i in range(17))
    yield "fibonacci", bytes(rng.sample(skewed, len(skewed)))
    for length in (65_273, 65_274, 65_275, 65_400, 65_535, 65_536, 65_537, 98_000, 98_042, 98_304):
        yield f"noise{length}", noise[:length]
        yield f"text{length}", text[:length]
    for length in [*range(0, 70), *range(250, 270), *range(500, 1001, 7)]:
        start = rng.randrange(100_000)
        kind = rng.choice([text[start:], noise, bytes(1000), b"ab" * 500, b"abcdefg" * 200])
        yield f"short{length:04}", kind[:length]
    for index, length in enumerate((16_382, 16_383, 16_384, 32_766, 32_767, 32_768, 49_149)):
        yield f"full{index}", noise[:length]


def known():
    """The inputs of src/deflate/tests/known.rs, from one generator (Numerical Recipes' LCG)."""
    state = 5

    def draw() -> int:
        nonlocal state
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        return state >> 16

    def noise(count: int) -> bytes:
        return bytes(draw() >> 8 for _ in range(count))

    yield "noise", noise(100_000)
    yield "residual", bytes(
        (bin(r & 0xFF).count("1") - bin(r >> 8).count("1")) & 255
        for r in (draw() for _ in range(300_000))
    )
    text = bytearray()
    while len(text) < 200_000:
        word = draw() >> 8
        text += bytes(97 + (word * 7 + place * 5) % 26 for place in range(2 + word % 7)) + b" "
    yield "text", bytes(text)
    runs = bytearray()
    while len(runs) < 400_000:
        length = draw() & 0x3FF
        runs += bytes([draw() >> 14]) * length
    yield "runs", bytes(runs)
    block = noise(32_506)
    yield "far", (block + block[:5000] + b"x") * 5


def print_known() -> None:
    """One row an input, one number a level: all four settings of it, hashed together."""
    for name, raw in known():
        row = []
        for level in range(1, 10):
            digest = hashlib.sha256()
            for memory in (8, 9):
                for strategy in (0, 1):
                    packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
                    digest.update(packer.compress(raw) + packer.flush())
            row.append("0x" + digest.hexdigest()[:16])
        print(f"// {name}: {len(raw)} bytes\n[{', '.join(row)}],")


def main() -> None:
    if sys.argv[1] == "--known":
        print_known()
        return
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    cases = [] if sys.argv[2:] else list(synthetic(random.Random(5)))
    for path in map(pathlib.Path, sys.argv[2:]):
        stream = idat(path.read_bytes())
        (out / f"{path.stem}.idat").write_bytes(stream)
        cases.append((path.stem, zlib.decompress(stream)))
    for name, raw in cases:
        (out / f"{name}.raw").write_bytes(raw)
        for level in range(1, 10):
            for memory in (8, 9):
                for strategy in (0, 1):
                    packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
                    stream = packer.compress(raw) + packer.flush()
                    # In rows, as libpng and Pillow feed it, it must come out the same.
                    packer = zlib.compressobj(level, zlib.DEFLATED, 15, memory, strategy)
                    rows = (raw[at : at + 3601] for at in range(0, len(raw), 3601))
                    pieces = b"".join(map(packer.compress, rows)) + packer.flush()
                    if pieces != stream:
                        print(f"{name} {level}.{memory}.{strategy}: differs when fed in rows")
                    (out / f"{name}.{level}.{memory}.{strategy}.z").write_bytes(stream)
    print(f"zlib {zlib.ZLIB_RUNTIME_VERSION}: {len(cases)} inputs")


if __name__ == "__main__":
    main()
