"""What is measured: the kinds of covers, the methods and rates of each."""

from .covers import Kind
from .embedding import Cell, possible
from .seen import Look

RATES = (0.1, 0.2, 0.4)
KINDS = [
    Kind("jpeg", False, quality=75), Kind("jpeg", False, quality=90),
    Kind("jpeg", True, quality=75), Kind("jpeg", True, quality=90),
    Kind("png", False), Kind("png", True),
]
CHAT_KINDS = [Kind("jpeg", True, 512, 75), Kind("png", True, 512)]
CONTROL = {"jpeg": "nsf5", "png": "lsb-matching"}  # what a detector must be able to see
CONTROL_ERROR, CONTROL_RATE = 0.42, 0.1
BOUND = {"jpeg": "juniward-bound", "png": "hill-bound"}
OURS = {"jpeg": "ours-juniward", "png": "ours-hill"}
METHODS = {
    "jpeg": {
        "nsf5": RATES, "juniward-bound": RATES, "ours-juniward": RATES, "phasm": (0.1, 0.2),
        "steghide": (0.1, 0.2), "outguess": (0.1,), "si-bound": (0.2, 0.4), "ours-si": (0.2, 0.4),
    },
    "png": {"lsb": RATES, "lsb-matching": RATES, "hill-bound": RATES, "ours-hill": RATES},
}
# The watcher who knows the costs looks at these; the rate is taken as known to him.
WEIGHTED = {"jpeg": ("juniward-bound", "ours-juniward"), "png": ("hill-bound", "ours-hill")}
WEIGHTED_KINDS = (KINDS[0], KINDS[4])


class Part:
    """What of the plan is measured: methods and rates (all if empty), and the watcher who knows costs."""

    methods = rates = ()
    weighted = True


def cells(kind):
    """The cells of a kind that can be measured here; outguess cannot read grey JPEGs."""
    if kind in CHAT_KINDS:
        methods = (CONTROL[kind.domain], BOUND[kind.domain], OURS[kind.domain])
        found = [Cell(method, "chat") for method in methods]
    else:
        table = METHODS[kind.domain]
        found = [Cell(method, rate) for method, rates in table.items() for rate in rates]
    found = [cell for cell in found if kind.colour or cell.method != "outguess"]
    found = [cell for cell in found if not Part.methods or cell.method in Part.methods]
    found = [cell for cell in found if not Part.rates or cell.rate in Part.rates]
    return [cell for cell in found if possible(cell)]


def weighted(kind):
    """The looks of the watcher who knows the costs."""
    if kind not in WEIGHTED_KINDS or not Part.weighted:
        return []
    known = WEIGHTED[kind.domain]
    return [Look(c, c.rate) for c in cells(kind) if c.method in known and c.rate >= 0.2]


# Paired differences of P_E, the first less the second: (method, rate) each.
def comparisons(kind):
    ours, bound = OURS[kind.domain], BOUND[kind.domain]
    rates = ("chat",) if kind in CHAT_KINDS else RATES
    pairs = [(Cell(ours, rate), Cell(bound, rate), -0.02) for rate in rates]
    if kind.domain == "jpeg":
        pairs += [(Cell(ours, rate), Cell("phasm", rate), -0.01) for rate in (0.1, 0.2)]
        for rate in (0.1, 0.2):
            pairs.append((Cell("ours-si", 2 * rate), Cell(bound, rate), -0.02))
            pairs.append((Cell("si-bound", 2 * rate), Cell(bound, rate), -0.02))
    here = set(cells(kind))
    return [(a, b, goal) for a, b, goal in pairs if a in here and b in here]
