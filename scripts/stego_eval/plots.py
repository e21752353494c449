"""Curves of P_E over the payload, and of pooling, as PNG. Okabe and Ito's colours, and markers."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first

# method -> (name, colour, marker, line), in the order of the legends.
LOOKS = {
    "si-bound": ("SI-UNIWARD at the bound", "#999999", "D", "--"),
    "ours-si": ("chat-stego jpeg-si", "#56B4E9", "D", "-"),
    "juniward-bound": ("J-UNIWARD at the bound", "#000000", "s", "--"),
    "ours-juniward": ("chat-stego jpeg-juniward", "#0072B2", "o", "-"),
    "hill-bound": ("HILL at the bound", "#000000", "s", "--"),
    "ours-hill": ("chat-stego png-hill", "#0072B2", "o", "-"),
    "phasm": ("phasm", "#CC79A7", "^", "-"),
    "nsf5": ("nsF5, simulated", "#E69F00", "v", "-"),
    "outguess": ("outguess", "#009E73", "P", "-"),
    "steghide": ("steghide", "#D55E00", "X", "-"),
    "lsb-matching": ("LSB matching", "#E69F00", "v", "-"),
    "lsb": ("LSB replacement", "#D55E00", "X", "-"),
}
TITLES = {
    "jpeg-grey-75": "JPEG, grey, quality 75", "jpeg-grey-90": "JPEG, grey, quality 90",
    "jpeg-colour-75": "JPEG, colour 4:2:0, quality 75",
    "jpeg-colour-90": "JPEG, colour 4:2:0, quality 90",
    "png-grey": "PNG, grey", "png-colour": "PNG, RGB",
}
POOLED_RATE = 0.1
POOLED_KINDS = ("jpeg-colour-75", "png-colour")
POOLED_METHODS = ("juniward-bound", "ours-juniward", "hill-bound", "ours-hill")


def _axes(title, unit):
    figure, axes = plt.subplots(figsize=(7.6, 4.2), dpi=150)
    axes.axhline(0.5, color="#999999", linewidth=1, zorder=0)
    axes.set(title=title, xlabel=unit, ylabel="detection error $P_E$ (0.5: undetected)",
             ylim=(0, 0.55))
    axes.grid(color="#eeeeee", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _finish(figure, axes, path):
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)


def _draw(axes, places, triples, look, label=None, **options):
    """One series: means with their 95 % intervals."""
    name, colour, marker, line = look
    mean, low, high = zip(*triples)
    bars = [[max(m - a, 0) for m, a in zip(mean, low)], [max(b - m, 0) for m, b in zip(mean, high)]]
    axes.errorbar(places, mean, yerr=bars, color=colour, marker=marker, linestyle=line, capsize=2,
                  linewidth=1.6, markersize=5, elinewidth=0.9, label=label or name, **options)


def _series(result):
    """method -> {rate: row} of the watcher who does not know the costs."""
    found = {}
    for row in result["cells"]:
        if "p_e" in row and not row["weighted"] and row["rate"] != "chat":
            found.setdefault(row["method"], {})[row["rate"]] = row
    return {method: found[method] for method in LOOKS if method in found}


def curves(result, path):
    """P_E over the payload of one kind of covers."""
    jpeg = result["kind"].startswith("jpeg")
    unit = "bits per non-zero AC coefficient of the luma" if jpeg else "bits per pixel"
    figure, axes = _axes(TITLES[result["kind"]], f"payload, {unit}")
    series = _series(result)
    for at, (method, rows) in enumerate(series.items()):
        # A little sideways, so that intervals of like methods can be told apart.
        places = [rate + 0.004 * (at - len(series) / 2) for rate in rows]
        _draw(axes, places, [row["p_e"] for row in rows.values()], LOOKS[method])
    if not result["power"]["power"]:
        control = result["power"]
        words = f"no power: the control, {control['method']} at {control['rate']}, is not caught"
        axes.text(0.5, 0.03, words, ha="center", transform=axes.transAxes, color="#D55E00")
    axes.set_xlim(0, 0.42)
    axes.set_xticks([0, 0.1, 0.2, 0.3, 0.4])
    _finish(figure, axes, path)


def pooling(results, path):
    """P_E over the number of pictures that a watcher of one sender adds up; whether there is any."""
    figure, axes = _axes(f"A watcher who adds up one sender's pictures, rate {POOLED_RATE}",
                         "pictures of one sender")
    shift = 1.0
    for result in results:
        for method, rows in _series(result).items():
            if (result["kind"] not in POOLED_KINDS or method not in POOLED_METHODS
                    or POOLED_RATE not in rows):
                continue
            pools = rows[POOLED_RATE]["pooled"]
            fill = "full" if result["kind"].startswith("jpeg") else "none"
            _draw(axes, [int(n) * shift for n in pools], pools.values(), LOOKS[method],
                  f"{TITLES[result['kind']]}:\n{LOOKS[method][0]}", fillstyle=fill)
            shift *= 1.05
    if shift == 1.0:
        plt.close(figure)
        return False
    axes.set_xscale("log")
    axes.set_xticks([1, 10, 25, 100], ["1", "10", "25", "100"])
    axes.minorticks_off()
    _finish(figure, axes, path)
    return True
