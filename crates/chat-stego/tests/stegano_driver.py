"""Drives the Python package stegano for interop.rs.

    stegano_driver.py hide FOLDER PICTURES   makes covers, payloads and stego pictures in FOLDER
    stegano_driver.py reveal FOLDER          reveals every *.ours.png in FOLDER

A case NAME is: NAME.payload, NAME.cover (path of the cover), NAME.theirs.png, and for lossless
covers NAME.raw, the pixels that stegano wrote. `reveal` writes NAME.revealed.
"""
import glob, os, random, struct, sys, zlib
from PIL import Image
from stegano import lsb

MODES = ["RGB", "RGBA", "L", "LA", "P", "1"]
SIZES = [1, 2, 8, 9, 10, 11, 98, 99, 100, 101, 500]


def text(length):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=:"
    return "".join(random.choice(alphabet) for _ in range(length))


def write(folder, name, content, mode="w"):
    with open(os.path.join(folder, name), mode) as file:
        file.write(content)


def case(folder, name, cover, length, raw):
    message = text(length)
    hidden = lsb.hide(cover, message, auto_convert_rgb=True)
    hidden.save(os.path.join(folder, name + ".theirs.png"))
    write(folder, name + ".payload", message)
    write(folder, name + ".cover", cover)
    if raw:
        write(folder, name + ".raw", hidden.tobytes(), "wb")


def noise(mode, width, height):
    rgba = Image.frombytes("RGBA", (width, height), random.randbytes(width * height * 4))
    return rgba if mode == "RGBA" else rgba.convert(mode)


def sixteen_bits(path, colour_type, width, height):
    """Writes a PNG with 16 bits a sample: Pillow reads such files, but cannot write them."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    rows = b"".join(b"\0" + random.randbytes(width * channels * 2) for _ in range(height))

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        file.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def longest(width, height):
    units = width * height * 3 // 8
    return max(n for n in range(units) if n + len(str(n)) + 1 <= units)


def hide(folder, pictures):
    random.seed(3)
    for mode in MODES:
        cover = os.path.join(folder, mode + ".cover.png")
        noise(mode, 61, 43).save(cover)
        for length in [*SIZES, longest(61, 43)]:
            case(folder, f"{mode}-{length}", cover, length, True)
    for width, height in [(3, 3), (4, 4), (5, 3), (16, 1), (1, 50), (10, 10), (333, 3)]:
        cover = os.path.join(folder, f"{width}x{height}.cover.png")
        noise("RGB", width, height).save(cover)
        case(folder, f"{width}x{height}", cover, longest(width, height), True)
    for name, colour_type in [("L16", 0), ("RGB16", 2), ("LA16", 4), ("RGBA16", 6)]:
        cover = os.path.join(folder, name + ".cover.png")
        sixteen_bits(cover, colour_type, 31, 17)
        case(folder, name, cover, 100, True)
    cover = os.path.join(folder, "cover.bmp")
    noise("RGB", 37, 29).save(cover)
    case(folder, "bmp", cover, 200, True)
    for picture in sorted(glob.glob(os.path.join(pictures, "*.jpg"))):
        name = os.path.splitext(os.path.basename(picture))[0]
        with Image.open(picture) as opened:
            lossless = os.path.join(folder, name + ".cover.png")
            opened.convert("RGB").save(lossless)
            full = longest(*opened.size)
        case(folder, name + "-jpeg", picture, 1000, False)
        case(folder, name + "-png", lossless, 1000, True)
        case(folder, name + "-full", lossless, full, True)


def reveal(folder):
    for ours in glob.glob(os.path.join(folder, "*.ours.png")):
        name = os.path.basename(ours)[: -len(".ours.png")]
        write(folder, name + ".revealed", lsb.reveal(ours))


if sys.argv[1] == "hide":
    hide(sys.argv[2], sys.argv[3])
else:
    reveal(sys.argv[2])
