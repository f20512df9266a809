"""CRC-32C (Castagnoli), which VHDX uses for its headers and tables."""

_POLYNOMIAL = 0x82F63B78


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_TABLE = _table()


def _zero_run_tables() -> tuple[tuple[int, ...], ...]:
    """Tables that push a register through 256 zero bytes at once: headers are nearly all zeros."""
    tables = []
    for shift in (0, 8, 16, 24):
        column = []
        for byte in range(256):
            value = byte << shift
            for _ in range(256):
                value = _TABLE[value & 0xFF] ^ value >> 8
            column.append(value)
        tables.append(tuple(column))
    return tuple(tables)


_ZERO_RUN = _zero_run_tables()
_ZEROS = bytes(256)


def crc32c(data: bytes | bytearray) -> int:
    """Return the CRC-32C of ``data``."""
    register = 0xFFFFFFFF
    low, second, third, high = _ZERO_RUN
    for start in range(0, len(data), 256):
        piece = data[start : start + 256]
        if piece == _ZEROS:
            register = low[register & 0xFF] ^ second[register >> 8 & 0xFF] ^ third[register >> 16 & 0xFF] ^ high[register >> 24]
            continue
        for byte in piece:
            register = _TABLE[(register ^ byte) & 0xFF] ^ register >> 8
    return register ^ 0xFFFFFFFF
