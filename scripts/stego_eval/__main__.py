"""The command line of scripts/stego-eval."""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys

from . import checks, cross_check, embedding, gate, plan, report, sheet
from .cache import CACHE, ROOT, Work
from .covers import covers, listing
from .fetch import Unavailable
from .measure import measure

RESULTS = CACHE / "results"
EXAMPLE = ROOT / "crates" / "chat-stego" / "examples" / "stego_file.rs"


def build():
    """Builds the program that is measured, where its source is."""
    if EXAMPLE.exists():
        command = ["cargo", "build", "--release", "-p", "chat-stego", "--example", "stego_file"]
        subprocess.run(command, cwd=ROOT, check=True)


def chosen(options):
    """The kinds asked for, each with its covers."""
    kinds = plan.KINDS + plan.CHAT_KINDS
    unknown = set(options.kind or []) - {kind.name for kind in kinds}
    if unknown:
        sys.exit(f"unknown kinds {sorted(unknown)}; known: {[kind.name for kind in kinds]}")
    kinds = [kind for kind in kinds if not options.kind or kind.name in options.kind]
    return {kind: covers(kind, most=options.covers) for kind in kinds}


def evaluate(options):
    RESULTS.mkdir(parents=True, exist_ok=True)
    sets = chosen(options)
    for kind, made in sets.items():
        print(kind.name, listing(made), flush=True)
        command = shlex.join(["scripts/stego-eval", *sys.argv[1:]])
        result = measure(kind, made) | {"covers": listing(made), "command": command}
        (RESULTS / f"{kind.name}.json").write_text(json.dumps(result, indent=1))
    path = RESULTS / "checks.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(kept | checks.all_checks(sets), indent=1))
    report.write()
    absent = {name for name, there in embedding.tools.available().items() if not there}
    if absent:
        print(f"not measured, because not here: {', '.join(sorted(absent))}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/stego-eval")
    parser.add_argument("command", nargs="?", default="evaluate",
                        choices=["evaluate", "report", "photos", "cross-check"])
    parser.add_argument("--gate", action="store_true", help="the small fixed part")
    parser.add_argument("--kind", action="append", help="only this kind of covers (repeatable)")
    parser.add_argument("--method", action="append", default=[],
                        help="only this method (repeatable); the control is always measured")
    parser.add_argument("--rate", action="append", default=[], type=float,
                        help="only this rate (repeatable)")
    parser.add_argument("--plain", action="store_true",
                        help="without the watcher who knows the costs")
    parser.add_argument("--covers", type=int, default=600, help="at most so many covers a kind")
    parser.add_argument("--jobs", type=int, default=Work.processes)
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--program", type=pathlib.Path, help="a stego_file that is built already")
    options = parser.parse_args()
    Work.processes = options.jobs
    plan.Part.methods, plan.Part.rates = options.method, options.rate
    plan.Part.weighted = not options.plain
    if options.program:
        embedding.tools.Ours.program = options.program.resolve()
    elif not options.no_build and options.command == "evaluate":
        build()
    if options.gate:
        sys.exit(1 if gate.run() else 0)
    if options.command == "photos":
        sheet.write(CACHE / "photographs.png")
    elif options.command == "cross-check":
        cross_check.run()
    elif options.command == "report":
        report.write()
    else:
        evaluate(options)


try:
    main()
except Unavailable as why:
    sys.exit(f"scripts/stego-eval: {why}")
