"""The photographs that covers are made of, with the licence of each.

Every one was looked at on a contact sheet (`scripts/stego-eval photos` makes it again): drawings,
renders, screenshots and paintings of the same packages are left out, and so are photographs that
are too small for a square of 256 after halving (scikit-learn's two, scikit-image's cat, coffee and
rocket). Licences are those of debian/copyright, or of the list that the package ships.
"""

from typing import NamedTuple


class Package(NamedTuple):
    """Where photographs come from: a Debian package or a Python wheel, and a folder in it."""

    name: str
    kind: str  # "deb" or "wheel"
    folder: str
    why_free: str  # the place that states the licences
    small: bool = False  # part of the small set that the gate uses


class Photo(NamedTuple):
    package: str
    file: str  # below the package's folder
    licence: str
    author: str

    @property
    def name(self):
        """A short name without separators, unique in the list."""
        stem = self.file.split("/contents/")[0].rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return f"{self.package.split('-')[0]}-{stem}".replace(" ", "_")


PACKAGES = [
    Package(
        "lomiri-wallpapers-16.04", "deb", "usr/share/backgrounds", "debian/copyright, by file", True
    ),
    Package("lomiri-wallpapers-20.04", "deb", "usr/share/backgrounds", "debian/copyright, by file"),
    Package(
        "mate-backgrounds", "deb", "usr/share/backgrounds/mate/nature", "debian/copyright, by file"
    ),
    Package(
        "plasma-workspace-wallpapers", "deb", "usr/share/wallpapers",
        "debian/copyright (GPL-2+), metadata.json (LGPLv3)",
    ),
    Package(
        "lxqt-themes", "deb", "usr/share/lxqt/wallpapers", "the folder's License; debian/copyright",
        True,
    ),
    Package(
        "kphotoalbum", "deb", "usr/share/kphotoalbum/demo", "debian/copyright, whole package", True
    ),
    Package(
        "palapeli-data", "deb", "usr/share/palapeli/collection", "the .desktop file of each", True
    ),
    Package(
        "puzzle-jigsaw", "deb", "usr/share/puzzle-jigsaw/samples", "debian/copyright, by file", True
    ),
    Package(
        "sddm-theme-maldives", "deb", "usr/share/sddm/themes/maldives", "debian/copyright, by file"
    ),
    Package("scikit-image", "wheel", "skimage/data", "docstrings of skimage.data"),
    Package("matplotlib", "wheel", "matplotlib/mpl-data/sample_data", "U.S. Navy, public domain"),
]


def _lomiri():
    sa, by = "CC-BY-SA-4.0", "CC-BY-4.0"
    berasategi, nerlich = "Aitzol Berasategi", "Peter Nerlich"
    rows = [
        ("Bridge_by_Sander_Klootwijk.jpg", sa, "Sander Klootwijk"),
        ("Dragonfly_by_Bolly.jpg", sa, "Bolly"),
        ("Picture_0B_by_freespace.jpg", by, "Trevor Freespace"),
        ("Picture_1A_by_freespace.jpg", by, "Trevor Freespace"),
        ("Wine_by_Jakkub_Mede.jpg", by, "Jakub Mede"),
        ("aitzgorri_by_Aitzol_Berasategi.jpg", by, berasategi),
        ("free_by_Peter_Nerlich.jpg", sa, nerlich),
        ("friends_by_Aitzol_Berasategi.jpg", by, berasategi),
        ("greentock_by_Peter_Nerlich.jpg", sa, nerlich),
        ("life_by_Aitzol_Berasategi.jpg", by, berasategi),
        ("picosdeeuropa_by_Aitzol_Berasategi.jpg", by, berasategi),
        ("seeding_by_Clements_Engelhardt.jpg", "CC0-1.0", "Clemens Engelhardt"),
        ("sunset_by_Aitzol_Berasategi.jpg", by, berasategi),
    ]
    return [Photo("lomiri-wallpapers-16.04", *row) for row in rows] + [
        Photo("lomiri-wallpapers-20.04", "Kleiber_by_Lukas_Baubkus.jpg", "CC-BY-SA-3.0",
              "Lukas Baubkus")
    ]


def _mate():
    rows = [
        ("Aqua", "Charles Barbin"), ("Blinds", "Lennart Poettering, Andrea Cimitan"),
        ("Dune", "Marco Cogoni, Hylke Bons"), ("FreshFlower", "Jens Ansorg"),
        ("Garden", "Charles Barbin"), ("GreenMeadow", "Timothy Schellhase, Lapo Calamandrei"),
        ("LadyBird", "Charles Barbin"), ("RainDrops", "blackcombwhistler07"),
        ("Storm", "Sergey Nazarov"), ("TwoWings", "Charles Barbin, Hylke Bons"),
        ("Wood", "Jean-Francois Fortin Tam"), ("YellowFlower", "Charles Barbin"),
    ]
    return [Photo("mate-backgrounds", f"{name}.jpg", "GPL-2+", author) for name, author in rows]


def _plasma():
    names = [
        "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf",
        "Grey", "Kite", "OneStandsOut", "Path", "summer_1am",
    ]
    package, licence = "plasma-workspace-wallpapers", "GPL-2+ / LGPLv3"
    return [
        Photo(package, f"{name}/contents/images/2560x1600.jpg", licence, "KDE Visual Design Group")
        for name in names
    ]


def _lxqt():
    names = [
        "Butterfly-Kenneth-Wimer.jpg", "Valendas.png", "after-the-rain.jpg", "appleflower.png",
        "beam.png", "butterfly.png", "cloud.png", "drop.png", "flowers.png", "fog.jpg",
        "this-is-not-windows.jpg",
    ]
    return [Photo("lxqt-themes", name, "CC-BY-SA-3.0", "LXQt team, stefonarch") for name in names]


def _kphotoalbum():
    names = [
        "bar55", "bar55_2", "blackie", "cold_water", "donna", "donna_2", "grand_canyon_1",
        "grand_canyon_2", "grand_canyon_3", "jesper", "jesper_2", "new_wave_1", "new_wave_2",
        "pool", "pool_2", "qt-logo", "skagen", "skagen_2", "snow", "spiff", "spiff_2", "sunset",
        "wayne",
    ]
    return [
        Photo("kphotoalbum", f"{name}.jpg", "GPL-2+", "Jesper K. Pedersen and others")
        for name in names
    ]


def _others():
    public = "public domain"
    return [
        Photo("palapeli-data", "castle-maintenon.jpg", "GFDL", "Eric Pouhier"),
        Photo("palapeli-data", "cincinnati-bridge.jpg", public, "Derek Jensen"),
        Photo("palapeli-data", "citrus-fruits.jpg", public, "US Department of Agriculture"),
        Photo("palapeli-data", "european-honey-bee.jpg", public, "John Severns"),
        Photo("palapeli-data", "panther-chameleon-female.jpg", "GFDL", "B. Navez and others"),
        Photo("puzzle-jigsaw", "cat-animal-cat-portrait-mackerel.jpg", "CC0-1.0", "Pexels"),
        Photo("puzzle-jigsaw", "pexels-photo-302304.jpeg", "CC0-1.0", "Pexels"),
        Photo("sddm-theme-maldives", "background.jpg", "CC-BY-3.0", "Nevit Dilmen"),
        Photo("scikit-image", "astronaut.png", public, "NASA"),
        Photo("scikit-image", "camera.png", "CC0-1.0", "Lav Varshney"),
        Photo("scikit-image", "grass.png", "CC0-1.0", "linolafett"),
        Photo("matplotlib", "grace_hopper.jpg", public, "James S. Davis, U.S. Navy"),
    ]


PHOTOS = _lomiri() + _mate() + _plasma() + _lxqt() + _kphotoalbum() + _others()
