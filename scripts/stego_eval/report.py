"""Writes docs/stego/: the tables in Markdown, and the plots, from the results kept in target/."""

import datetime
import json

from . import plan, plots
from .cache import CACHE, ROOT
from .photos import PACKAGES, PHOTOS

DOCS = ROOT / "docs" / "stego"


def _span(triple, sign=""):
    mean, low, high = triple
    return f"{mean:{sign}.3f} ({low:{sign}.3f} .. {high:{sign}.3f})"


def _table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows] + [""]


def _cells(result):
    control = result["power"]
    no_power = "" if control["power"] else " (no power)"
    rows = []
    for row in result["cells"]:
        if "p_e" not in row:
            rows.append([row["method"], row["rate"], row["why"], *[""] * 6])
            continue
        pools = ["{:.2f} ({:.2f}..{:.2f})".format(*row["pooled"][str(n)]) for n in (10, 25, 100)]
        changes = row["changes_per_base"]
        rows.append([
            row["method"], row["rate"], "knows the costs" if row["weighted"] else "",
            f"{row['covers']}" + (f" ({row['refused']} refused)" if row["refused"] else ""),
            f"{row['carried']:.3f}", "-" if changes is None else f"{changes:.4f}",
            _span(row["p_e"]) + no_power, f"{row['auc']:.3f}", " / ".join(pools),
        ])
    head = ["method", "rate", "watcher", "covers", "carried", "changes per unit", "P_E (95 %)",
            "AUC", "P_E pooled over 10 / 25 / 100"]
    return _table(head, rows)


def _kind(result):
    title = plots.TITLES.get(result["kind"], result["kind"])
    control, listing = result["power"], result["covers"]
    lines = [f"## {title}", "",
             f"{listing['covers']} covers of {listing['photographs']} photographs. Control: "
             f"{control['method']} at {control['rate']}, P_E {_span(control['p_e'])}: "
             + ("the detector has power." if control["power"] else "**no power**."), ""]
    if result["kind"] in plots.TITLES:
        lines += [f"![P_E over the payload]({result['kind']}.png)", ""]
    lines += _cells(result)
    rows = [[d["first"], d["second"], d["covers"], _span(d["difference"], "+"), d["goal"],
             "yes" if d["met"] else "**no**"] for d in result["differences"]]
    if rows:
        lines += _table(["P_E of", "less that of", "covers", "difference (95 %)",
                         "lower end at least", "met"], rows)
    return lines


def _estimators(found):
    lines = []
    for kind, values in found.items():
        if "estimators" in values:
            lines += [f"### {plots.TITLES[kind]}", ""]
            rows = [[row["method"], row["rate"], row["estimator"], f"{row['auc']:.3f}",
                     f"{row['mean']:.3f}"] for row in values["estimators"]]
            lines += _table(["method", "rate", "estimator", "AUC", "mean estimate"], rows)
    return lines


def _structure(found):
    """Block compatibility and compressor identity in words."""
    lines = []
    for kind, values in found.items():
        if "former_jpegs" in values:
            shares = values["former_jpegs"]
            lines += [f"- {kind}, decoded and hidden in as pixels, 80 bits: LSB replacement caught "
                      f"{shares['lsb']:.0%}, LSB matching {shares['lsb-matching']:.0%}, clean "
                      f"pictures {shares['clean']:.0%}."]
        if "refusals" in values:
            lines += [f"- `png-hill` refused {values['refusals'][0]} of {values['refusals'][1]} "
                      "PNGs that had been JPEGs."]
        if "compressor_control" in values:
            kept = values["compressor_control"]
            lines += [f"- {kind}, saved again by an imaging library: the compressor gives "
                      f"{kept['compressor']:.0%} away, the filters {kept['filters']:.0%}."]
        if "compressor" in values:
            kept = values["compressor"]
            lines += [f"- {kind}, `png-hill`: the compressor gives {kept['compressor']:.0%} away, "
                      f"the filters {kept['filters']:.0%} (of {kept['files']}); block "
                      f"compatibility AUC {values['block_compatibility_auc']:.3f}."]
    return lines + [""]


def _photographs():
    rows = []
    for package in PACKAGES:
        own = [photo for photo in PHOTOS if photo.package == package.name]
        licences = ", ".join(sorted({photo.licence for photo in own}))
        rows.append([f"{package.name} ({package.kind})", len(own), licences, package.why_free])
    return _table(["package", "photographs", "licences", "stated in"], rows)


def _extent(results):
    """What was run, by which commands, and what of the plan was not."""
    lines = ["## What was run", ""]
    for result in results:
        lines += [f"- {result['kind']}, {result['covers']['covers']} covers: "
                  f"`{result['command']}`"]
    done = {result["kind"]: result for result in results}
    kinds = plan.KINDS + plan.CHAT_KINDS
    lines += ["", "Of the plan this was **not** run:", ""]
    absent = [f"`{kind.name}`" for kind in kinds if kind.name not in done]
    lines += [f"- the kinds {', '.join(absent)}"] if absent else []
    for kind in kinds:
        missing = _missing(kind, done[kind.name]) if kind.name in done else []
        lines += [f"- of `{kind.name}`: {', '.join(missing)}"] if missing else []
    return lines + [""]


def _missing(kind, result):
    """The methods and rates of a kind that have no row, in words."""
    rows = {(row["method"], row["rate"]) for row in result["cells"]}
    rows.add((result["power"]["method"], result["power"]["rate"]))
    words = []
    table = {} if kind in plan.CHAT_KINDS else plan.METHODS[kind.domain]
    for method, rates in table.items():
        left = [str(rate) for rate in rates if (method, rate) not in rows]
        if left and (kind.colour or method != "outguess"):
            words.append(f"{method} at {' and '.join(left)}")
    if kind in plan.WEIGHTED_KINDS and not any(row["weighted"] for row in result["cells"]):
        words.append("the watcher who knows the costs")
    return words


def load():
    """The kept results in the plan's order."""
    kinds = plan.KINDS + plan.CHAT_KINDS
    paths = [CACHE / "results" / f"{kind.name}.json" for kind in kinds]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def write():
    """Writes the tables and plots; says where."""
    DOCS.mkdir(parents=True, exist_ok=True)
    results = load()
    for result in results:
        if result["kind"] in plots.TITLES:
            plots.curves(result, DOCS / f"{result['kind']}.png")
    pooled = plots.pooling(results, DOCS / "pooling.png")
    lines = ["# Measured undetectability", "",
             "<!-- Written by scripts/stego-eval; edit that. -->", "",
             f"Written on {datetime.date.today()}. What the words mean, and what this does not "
             "show, stands in [stego.md](../stego.md).", "", *_extent(results)]
    for result in results:
        lines += _kind(result)
    if pooled:
        lines += ["## One sender, many pictures", "", "![Pooling](pooling.png)", ""]
    checks = CACHE / "results" / "checks.json"
    if checks.exists():
        found = json.loads(checks.read_text())
        lines += ["## Attacks without training", "", *_estimators(found), *_structure(found)]
    lines += ["## Photographs", "", *_photographs()]
    (DOCS / "measured.md").write_text("\n".join(lines))
    print(f"written: {DOCS}")
