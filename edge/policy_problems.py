"""What is wrong with a policy, or with it on one machine, for a person to mend."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from edge.families import FAMILIES
from edge.policy import Mode, Policy
from sorter_firmware_bridge.bins import Bin


def policy_problems(policy: Policy, label_ids: Iterable[str]) -> list[str]:
    """What is wrong with a policy.

    Args:
        policy: What an operator wants.
        label_ids: The ids of all labels the model knows.

    Returns:
        One message for each problem, naming what was found and allowed; empty when all is well.

    Example:
        >>> policy_problems(Policy(Mode.SINGLE, (Bin(1, "plates"),), (Route("3001", "plate"),)),
        ...                 ["3001"])
        ["label '3001' goes to bin 'plate', which does not exist; did you mean 'plates'?"]
    """
    known = list(label_ids)
    return [
        *_bin_problems(policy),
        *_rule_problems(policy),
        *_wanted_problems(policy),
        *_name_problems(policy),
        *_label_problems(policy, known),
        *(loop_problem(loop) for loop in overflow_loops(policy)),
        *_belt_problems(policy),
    ]


def threshold_problems(thresholds: Iterable[str], label_ids: Sequence[str]) -> list[str]:
    """Which ids under [thresholds] are no labels.

    Args:
        thresholds: The ids.
        label_ids: The ids of all labels the model knows.

    Returns:
        One message for each problem; empty when all is well.
    """
    return [
        f"thresholds: label '{label_id}' does not exist in this model;"
        f" {_suggestion(label_id, label_ids)}"
        for label_id in thresholds
        if label_id not in label_ids
    ]


def machine_problems(policy: Policy, bins: Sequence[Bin]) -> list[str]:
    """Which bins of a policy the machine does not have.

    Args:
        policy: What an operator wants.
        bins: What the machine declared.

    Returns:
        One message for each problem; empty when all is well.
    """
    numbers = {bin_.number: bin_ for bin_ in bins}
    has = ", ".join(map(str, sorted(bins))) or "none"
    problems = []
    for bin_ in (bin_ for bin_ in policy.bins if bin_ not in bins):
        other = numbers.get(bin_.number)
        if other is not None:
            problems.append(f"{bin_} is {other} at the machine; give it one name")
        else:
            problems.append(
                f"the machine has no {bin_}; it has {has}; correct its number under [[bin]], or"
                " set the machine up with it"
            )
    return problems


def overflow_loops(policy: Policy) -> list[tuple[str, ...]]:
    """Chains of overflows that come back to where they began, each once, as names of bins."""
    overflows = {limit.bin: limit.overflow for limit in policy.limits if limit.overflow}
    loops: dict[frozenset[str], tuple[str, ...]] = {}
    for start in overflows:
        chain = _followed(start, overflows)
        if chain[-1] == start:
            loops.setdefault(frozenset(chain), chain)
    return list(loops.values())


def loop_problem(loop: Sequence[str]) -> str:
    """A loop of overflows in a sentence that names its whole chain."""
    chain = " -> ".join(f"'{name}'" for name in loop)
    return f"overflow of bin '{loop[0]}' leads back to it: {chain}; let the chain end in another"


def _followed(start: str, overflows: Mapping[str, str]) -> tuple[str, ...]:
    chain = [start]
    while chain[-1] in overflows:
        chain.append(overflows[chain[-1]])
        if chain[-1] in chain[:-1]:
            break
    return tuple(chain)


def _bin_problems(policy: Policy) -> list[str]:
    problems = []
    if policy.mode is not Mode.WATCH and not policy.bins:
        problems.append(f"mode '{policy.mode}' needs bins; none is listed")
    for place, bin_ in enumerate(policy.bins):
        for other in policy.bins[:place]:
            if bin_.number == other.number:
                problems.append(
                    f"bin number {bin_.number} is used twice, by '{other.name}' and "
                    f"'{bin_.name}'; give each its own"
                )
            if bin_.name.casefold() == other.name.casefold():
                problems.append(
                    f"bin name '{bin_.name}' is used twice, by number {other.number} and "
                    f"{bin_.number}; give each its own"
                )
    return problems


def _rule_problems(policy: Policy) -> list[str]:
    uses = [(f"label '{route.label_id}'", route.bin) for route in policy.routes]
    uses += [(f"family '{route.family}'", route.bin) for route in policy.families]
    targets: dict[str, list[str]] = {}
    for what, bin_ in uses:
        names = targets.setdefault(what, [])
        if bin_ not in names:
            names.append(bin_)
    return [
        f"{what} goes to {len(names)} bins, {_listed(names)}; keep one"
        for what, names in targets.items()
        if len(names) > 1
    ]


def _wanted_problems(policy: Policy) -> list[str]:
    ids = [line.label_id for line in policy.wanted]
    problems = [
        f"label '{label_id}' is wanted {ids.count(label_id)} times; add up its quantities"
        for label_id in dict.fromkeys(ids)
        if ids.count(label_id) > 1
    ]
    if policy.mode is Mode.WATCH:
        return problems
    if policy.mode is Mode.SCOOP and not policy.collected:
        problems.append("mode 'scoop' needs something wanted; add [[wanted]] or watch_for")
    problems += [
        f"label '{line.label_id}' is wanted and has no bin; give it one, or set wanted_bin"
        for line in policy.collected
        if line.bin is None and policy.wanted_bin is None
    ]
    return problems


def _name_problems(policy: Policy) -> list[str]:
    names = [bin_.name for bin_ in policy.bins]
    uses = [(f"label '{route.label_id}' goes to bin", route.bin) for route in policy.routes]
    uses += [(f"family '{route.family}' goes to bin", route.bin) for route in policy.families]
    uses += [
        (f"label '{line.label_id}' is wanted in bin", line.bin)
        for line in policy.wanted
        if line.bin
    ]
    for limit in policy.limits:
        uses += [("a capacity is given to bin", limit.bin)]
        uses += [(f"overflow of bin '{limit.bin}' is", limit.overflow)] if limit.overflow else []
    for key in ("unknown_bin", "review_bin", "overflow_bin", "wanted_bin", "rest_bin"):
        name = getattr(policy, key)
        uses += [] if name is None else [(f"{key} is", name)]
    return [
        f"{use} '{name}', which does not exist; {_suggestion(name, names)}"
        for use, name in uses
        if name not in names
    ]


def _label_problems(policy: Policy, known: Sequence[str]) -> list[str]:
    used = [route.label_id for route in policy.routes]
    used += [*policy.watch_for, *(line.label_id for line in policy.wanted)]
    problems = [
        f"label '{label_id}' does not exist in this model; {_suggestion(label_id, known)}"
        for label_id in dict.fromkeys(used)
        if label_id not in known
    ]
    return problems + [
        f"family '{route.family}' does not exist; {_suggestion(route.family, FAMILIES)}"
        for route in policy.families
        if route.family not in FAMILIES
    ]


def _belt_problems(policy: Policy) -> list[str]:
    belt = policy.belt
    if belt is None:
        return []
    ways = [(bin_.name, belt.way_mm(bin_.name)) for bin_ in policy.bins]
    missing = [
        f"bin '{name}' has no distance_mm, and [belt] needs it to know when an item is there"
        for name, way_mm in ways
        if way_mm is None
    ]
    return missing + [
        f"bin '{name}' is {abs(way_mm):g} mm before the camera; its distance_mm must be above"
        f" camera_mm, {belt.camera_mm:g}"
        for name, way_mm in ways
        if way_mm is not None and way_mm <= 0
    ]


def _suggestion(found: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(found, allowed, n=3)
    if close:
        return f"did you mean {_listed(close)}?"
    if len(allowed) <= 12:
        return f"there are {_listed(allowed)}" if allowed else "there is none"
    return f"there are {len(allowed)}, for example {_listed(allowed[:3])}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
