"""Curves of P_E over the payload, and of pooling, as PNG. Okabe and Ito's colours, and markers."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first

NAMES = {
    "nsf5": "nsF5 (simulated)", "juniward-bound": "J-UNIWARD at the bound",
    "ours-juniward": "chat-stego jpeg-juniward", "phasm": "phasm", "steghide": "steghide",
    "outguess": "outguess", "si-bound": "SI-UNIWARD at the bound", "ours-si": "chat-stego jpeg-si",
    "lsb": "LSB replacement", "lsb-matching": "LSB matching", "hill-bound": "HILL at the bound",
    "ours-hill": "chat-stego png-hill",
}
LOOKS = {
    "ours-juniward": ("#0072B2", "o", "-"), "ours-hill": ("#0072B2", "o", "-"),
    "ours-si": ("#56B4E9", "D", "-"), "juniward-bound": ("#000000", "s", "--"),
    "hill-bound": ("#000000", "s", "--"), "si-bound": ("#999999", "D", "--"),
    "phasm": ("#CC79A7", "^", "-"), "nsf5": ("#E69F00", "v", "-"), "lsb-matching": ("#E69F00", "v", "-"),
    "steghide": ("#D55E00", "X", "-"), "outguess": ("#009E73", "P", "-"), "lsb": ("#D55E00", "X", "-"),
}
TITLES = {
    "jpeg-grey-75": "JPEG, grey, quality 75", "jpeg-grey-90": "JPEG, grey, quality 90",
    "jpeg-colour-75": "JPEG, colour 4:2:0, quality 75",
    "jpeg-colour-90": "JPEG, colour 4:2:0, quality 90",
    "png-grey": "PNG, grey", "png-colour": "PNG, RGB",
}


def _axes(title, unit):
    figure, axes = plt.subplots(figsize=(6.4, 4.4), dpi=150)
    axes.axhline(0.5, color="#bbbbbb", linewidth=1, zorder=0)
    axes.set(title=title, xlabel=unit, ylabel="detection error P_E (0.5: undetected)",
             ylim=(0, 0.55))
    axes.grid(color="#eeeeee", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _series(result):
    """method -> [(rate, row)] of the watcher without knowledge of the costs."""
    found = {}
    for row in result["cells"]:
        if "p_e" in row and not row["weighted"] and row["rate"] != "chat":
            found.setdefault(row["method"], []).append((row["rate"], row))
    return found


def curves(result, path):
    """P_E over the payload of one kind of covers."""
    unit = ("payload, bits per non-zero luma AC coefficient" if result["kind"].startswith("jpeg")
            else "payload, bits per pixel")
    figure, axes = _axes(TITLES[result["kind"]], unit)
    for at, (method, points) in enumerate(_series(result).items()):
        colour, marker, line = LOOKS[method]
        # Moved a little sideways, so that error bars of like methods can be told apart.
        rates = [rate * (1 + 0.012 * (at - 3)) for rate, _ in points]
        mean, low, high = zip(*(row["p_e"] for _, row in points))
        bars = [[m - a for m, a in zip(mean, low)], [b - m for m, b in zip(mean, high)]]
        axes.errorbar(rates, mean, yerr=bars, color=colour, marker=marker, linestyle=line,
                      capsize=2, linewidth=1.6, markersize=5, elinewidth=0.9,
                      label=NAMES[method])
    if not result["power"]["power"]:
        axes.text(0.02, 0.03, "no power: the control is not caught either",
                  transform=axes.transAxes, color="#D55E00")
    axes.set_xlim(left=0)
    axes.legend(fontsize=7.5, frameon=False, loc="lower left")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def pooling(results, path):
    """P_E over the number of pictures that a watcher of one sender adds up."""
    figure, axes = _axes("A watcher who adds up one sender's pictures", "pictures of one sender")
    for result in results:
        for method, points in _series(result).items():
            rate = {"ours-juniward": 0.1, "ours-hill": 0.1, "juniward-bound": 0.1,
                    "hill-bound": 0.1}.get(method)
            row = dict(points).get(rate)
            if row is None or result["kind"] not in ("jpeg-colour-75", "png-colour"):
                continue
            counts = [int(n) for n in row["pooled"]]
            colour, marker, line = LOOKS[method]
            fill = "full" if result["kind"].startswith("jpeg") else "none"
            mean, low, high = zip(*row["pooled"].values())
            axes.fill_between(counts, low, high, color=colour, alpha=0.08, linewidth=0)
            axes.plot(counts, mean, color=colour, marker=marker, linestyle=line, fillstyle=fill,
                      label=f"{TITLES[result['kind']]}: {NAMES[method]}, {rate}")
    axes.set_xscale("log")
    axes.set_xticks([1, 10, 25, 100], ["1", "10", "25", "100"])
    axes.minorticks_off()
    axes.legend(fontsize=7.5, frameon=False, loc="lower left")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
