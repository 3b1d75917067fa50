"""The smallest shared library that the loader's cache takes: a name, and nothing in it."""

from __future__ import annotations

import platform
import struct

MACHINES = {"x86_64": 62, "aarch64": 183}  # EM_X86_64, EM_AARCH64
DT_NULL, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_SONAME = 0, 5, 6, 10, 11, 14
HEADER, ENTRY, SYMBOL = 64, 56, 24


def library(soname: str) -> bytes:
    """One loadable segment that holds the headers, the dynamic section, one empty symbol and the name."""
    strings = b"\0" + soname.encode() + b"\0"
    dynamic_at = HEADER + 2 * ENTRY
    symbols_at = dynamic_at + 6 * 16
    strings_at = symbols_at + SYMBOL
    size = strings_at + len(strings)
    tags = [
        (DT_SONAME, 1),
        (DT_STRTAB, strings_at),
        (DT_SYMTAB, symbols_at),
        (DT_STRSZ, len(strings)),
        (DT_SYMENT, SYMBOL),
        (DT_NULL, 0),
    ]
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)  # 64 bits, little endian
    shared, segments = 3, 2
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", shared, MACHINES[platform.machine()], 1, 0, HEADER, 0, 0, HEADER, ENTRY, segments, 64, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 0x1000)
    dynamic = struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, dynamic_at, dynamic_at, len(tags) * 16, len(tags) * 16, 8)
    return header + load + dynamic + b"".join(struct.pack("<QQ", *tag) for tag in tags) + bytes(SYMBOL) + strings
