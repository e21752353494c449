"""A contact sheet of the photographs, so that a person can see what they are."""

import textwrap

from PIL import Image, ImageDraw

from .fetch import photographs

WIDE, HIGH, COLUMNS = 240, 210, 8


def write(path):
    found = photographs()
    rows = (len(found) + COLUMNS - 1) // COLUMNS
    sheet = Image.new("RGB", (WIDE * COLUMNS, HIGH * rows), "white")
    pen = ImageDraw.Draw(sheet)
    for at, (photo, source) in enumerate(found):
        x, y = at % COLUMNS * WIDE, at // COLUMNS * HIGH
        image = Image.open(source)
        size = image.size
        image = image.convert("RGB")
        image.thumbnail((WIDE - 8, HIGH - 56))
        sheet.paste(image, (x + 4, y + 2))
        words = textwrap.shorten(photo.name, 36) + f"\n{photo.licence}, {size[0]} x {size[1]}"
        pen.text((x + 4, y + HIGH - 50), f"{words}\n{photo.author[:36]}", fill="black")
    sheet.save(path)
    print(f"{len(found)} photographs: {path}")
