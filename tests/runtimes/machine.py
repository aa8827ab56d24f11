"""What PyPy compiles: arithmetic, objects, dictionaries, generators."""

from __future__ import annotations

from collections.abc import Iterator


class Point:
    def __init__(self, x: int) -> None:
        self.x = x

    def add(self, other: Point) -> Point:
        return Point(self.x ^ other.x)


def squares(n: int) -> Iterator[int]:
    for i in range(n):
        yield i * i


total = 0
for i in range(20_000_000):
    total = (total * 31 + i) % 1_000_003
point = Point(1)
for i in range(3_000_000):
    point = point.add(Point(i))
counts: dict[int, int] = {}
for i in range(1_000_000):
    counts[i % 10_007] = counts.get(i % 10_007, 0) + i
print(total, point.x, sum(counts.values()), sum(squares(1_000_000)) % 1_000_003)
