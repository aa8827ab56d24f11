"""What calls cost with everything that they led to, shared among callers by their calls.

A function's cost with its callees is known as a sum only. It is shared among its callers in
proportion to how often each called it; functions that call each other in a circle are taken as one,
and the calls among them cost nothing.

Source: Graham, Kessler, McKusick: gprof, a call graph execution profiler (1982), section 4.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

Edge = tuple[int, int, int]


def shared_costs(costs: Sequence[int], edges: Sequence[Edge]) -> list[float]:
    """The inclusive cost of each edge.

    Args:
        costs: of each function, callees left out.
        edges: caller, callee, calls.
    """
    callees: dict[int, list[int]] = defaultdict(list)
    for caller, callee, _ in edges:
        callees[caller].append(callee)
    group = _circles(len(costs), callees)
    totals = [0.0] * len(costs)
    for function, cost in enumerate(costs):
        totals[group[function]] += cost
    calls_into = [0] * len(costs)
    leaving: dict[int, list[int]] = defaultdict(list)
    for number, (caller, callee, calls) in enumerate(edges):
        if group[caller] != group[callee]:
            calls_into[group[callee]] += calls
            leaving[group[caller]].append(number)
    found = [0.0] * len(edges)
    # Groups are numbered callees first.
    for one in range(len(costs)):
        for number in leaving[one]:
            _, callee, calls = edges[number]
            found[number] = totals[group[callee]] * calls / calls_into[group[callee]]
            totals[one] += found[number]
    return found


def _circles(count: int, callees: dict[int, list[int]]) -> list[int]:
    """The number of each function's group of mutual callers, callees' groups first.

    Source: Tarjan: Depth-first search and linear graph algorithms (1972), without recursion.
    """
    order: dict[int, int] = {}
    lowest = [0] * count
    group = [-1] * count
    groups = 0
    waiting: list[int] = []
    for root in range(count):
        if root in order:
            continue
        path = [(root, iter(callees[root]))]
        order[root] = lowest[root] = len(order)
        waiting.append(root)
        while path:
            at, rest = path[-1]
            for callee in rest:
                if callee not in order:
                    order[callee] = lowest[callee] = len(order)
                    waiting.append(callee)
                    path.append((callee, iter(callees[callee])))
                    break
                if group[callee] < 0:
                    lowest[at] = min(lowest[at], order[callee])
            else:
                path.pop()
                if path:
                    caller = path[-1][0]
                    lowest[caller] = min(lowest[caller], lowest[at])
                if lowest[at] == order[at]:
                    while group[at] < 0:
                        group[waiting.pop()] = groups
                    groups += 1
    return group
