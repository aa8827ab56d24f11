"""The whole opcode table: every map's rows, in the order the C side numbers them."""

from functools import cache
from typing import Final

from dbt.decoder.table_0f import MAP_0F, MAP_0F_SSE
from dbt.decoder.table_0f38_0f3a import MAP_0F3A, MAP_0F38
from dbt.decoder.table_3dnow import MAP_3DNOW
from dbt.decoder.table_evex import EVEX_0F, EVEX_0F38
from dbt.decoder.table_evex_0f3a import EVEX_0F3A
from dbt.decoder.table_evex_fp16 import EVEX_5, EVEX_6
from dbt.decoder.table_format import Row, parse
from dbt.decoder.table_one_byte import ONE_BYTE
from dbt.decoder.table_vex import VEX_0F, VEX_0F3A, VEX_0F38, VEX_7
from dbt.decoder.table_xop import XOP_8, XOP_9, XOP_A

# Name and text of each map, indexed by dbt_map (csrc/core/decode.h).
MAPS: Final[tuple[tuple[str, str], ...]] = (
    ("ONE_BYTE", ONE_BYTE),
    ("0F", MAP_0F + MAP_0F_SSE),
    ("0F38", MAP_0F38),
    ("0F3A", MAP_0F3A),
    ("VEX_0F", VEX_0F),
    ("VEX_0F38", VEX_0F38),
    ("VEX_0F3A", VEX_0F3A),
    ("XOP_8", XOP_8),
    ("XOP_9", XOP_9),
    ("XOP_A", XOP_A),
    ("EVEX_0F", EVEX_0F),
    ("EVEX_0F38", EVEX_0F38),
    ("EVEX_0F3A", EVEX_0F3A),
    ("EVEX_5", EVEX_5),
    ("EVEX_6", EVEX_6),
    ("3DNOW", MAP_3DNOW),
    ("VEX_7", VEX_7),
)


@cache
def rows() -> tuple[tuple[int, Row], ...]:
    """The rows of all maps with their map number; row n of the C table is element n - 1.

    Returns:
        Pairs of dbt_map and row, in table order.
    """
    return tuple((number, row) for number, (_, text) in enumerate(MAPS) for row in parse(text))
