"""A Java project of fifty files, for the compiler: each class calls the one before."""

from __future__ import annotations

import sys
from pathlib import Path

FILES = 50
_CLASS = """package project;

import java.util.*;
import java.util.function.Function;

public class C{number} {{
    record Pair(int count, String text) {{}}

    interface Shape {{
        double area();
    }}

    static <T extends Comparable<T>> T largest(List<T> list) {{
        return list.stream().max(Comparator.naturalOrder()).get();
    }}

    public static int run(int n) {{
        Map<String, List<Pair>> byKey = new TreeMap<>();
        for (int i = 0; i < n; i++)
            byKey.computeIfAbsent("k" + i % {modulus}, k -> new ArrayList<>())
                .add(new Pair(i, "v" + i));
        int sum = 0;
        for (var entry : byKey.entrySet())
            sum = sum * 31 + entry.getValue().stream().mapToInt(Pair::count).sum();
        Shape shape = () -> {number} * 1.5;
        Function<Integer, Integer> more = x -> x + {number};
        return sum + (int) shape.area() + more.apply(largest(List.of(1, 2, 3))){call};
    }}
}}
"""


def write(folder: Path) -> None:
    """Writes the sources into a folder."""
    for number in range(FILES):
        call = f" + C{number - 1}.run(n / 2)" if number else ""
        text = _CLASS.format(number=number, modulus=number + 3, call=call)
        (folder / f"C{number}.java").write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
