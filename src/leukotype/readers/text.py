"""File → text → lines → cells → numbers, with the place of every fault."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson

from leukotype.arrays import FloatArray
from leukotype.atomic import reading
from leukotype.errors import BadValues, InfeasibleDesign, UnreadableFile
from leukotype.readers.raw import MISSING, Head
from leukotype.wording import counted

# Largest table, in gigabytes of text, and the most that --max-size may allow.
MAX_SIZE, MOST_GIGABYTES = 2.0, 1_000_000
# Tables of numbers shrink to a half or a tenth, tables of zeros to a hundredth; a bomb shrinks a thousandfold.
_MOST_RATIO, _SMALL = 150, 100_000_000
_CHUNK = 1 << 20
DELIMITERS = (",", "\t", ";")
POINT_HINT = "Use a decimal point, not a decimal comma."
# Cells per row that suffice to detect the layout; splitting whole rows of a wide file is slow.
PEEK = 64
_COMMA_NUMBER = re.compile(r"[+-]?\d+(,\d+)+(\.\d+)?([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_POINT_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
# Control characters of C0 (but tab, line feed and carriage return) and C1, line separators, directional overrides,
# and U+FFFE and U+FFFF, which no text may contain.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_ASCII_CONTROL = bytes({*range(32), 127} - set(b"\t\n\r"))
_EXCEL_HINT = re.compile(r'"?sep=.?"?[,;\t]*\s*', re.IGNORECASE)
_NEEDED = "a text table in UTF-8 is needed. Export it as CSV."
# What laboratories write for a value below the limit of detection.
_BELOW_LIMIT = re.compile(
    r"[<≤] ?.*|n\.?d\.?|bdl|b\.d\.l\.|lod|<lod|loq|blq|bql|not detected|below.*|undetermined|undet\.?|no ct",
    re.IGNORECASE,
)
_SPREADSHEET_ERROR = re.compile(r"#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|WERT!|BEZUG!)")
# Numbers with separators of thousands, decimal signs, signs or units that no program agrees on.
_NUMBER_LIKE = re.compile(
    r"[=~≈>]?\s?[+\-\u2212\u2013]?\d{1,3}(?:[,'\u2019\u00a0\u2009\u202f ]\d{3})+(?:[.,]\d+)?|"
    r"[=~≈>]?\s?[+\-\u2212\u2013]?\d+[.,\u00b7\uff0e]\d+(?:[eE][+\-]?\d+)?\s?(?:%|\*+|[a-zµμ/]{1,5})?|"
    r"[=~≈>\u2212\u2013]\s?\d+|\d+\s?(?:%|\*+)"
)
# UTF-32 begins like UTF-16.
_ENCODINGS = (
    ((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"), "UTF-32"),
    ((b"\xff\xfe", b"\xfe\xff"), "UTF-16"),
)
_OTHER_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89HDF", "an HDF5 file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)


def read_bytes(path: str | Path, *, max_size: float | None = None) -> bytes:
    """Return the bytes of a file; raises UnreadableFile if it cannot be read or has more than `max_size` gigabytes."""
    with reading(path) as stream:
        _check_size(os.fstat(stream.fileno()).st_size, path, max_size)
        return stream.read()


def digest(path: str | Path, *, max_size: float | None = None) -> str:
    """Return the sha256 of a file without loading it into memory; raises UnreadableFile."""
    with reading(path) as stream:
        _check_size(os.fstat(stream.fileno()).st_size, path, max_size)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_text(path: str | Path) -> str:
    """Return the text of a plain or gzipped file; raises UnreadableFile."""
    return text_of(read_bytes(path), str(path))


def check_max_size(max_size: float | None) -> None:
    """Raise InfeasibleDesign for a size that is not a positive number of gigabytes."""
    if max_size is not None and not 0 < max_size <= MOST_GIGABYTES:
        raise InfeasibleDesign(
            f"--max-size is {max_size:g}. Use a number of gigabytes above 0 and at most {MOST_GIGABYTES:,}."
        )


def _check_size(n_bytes: int, path: str | Path, max_size: float | None) -> None:
    limit = MAX_SIZE if max_size is None else max_size
    if n_bytes > limit * 1e9:
        raise UnreadableFile(
            f"{path} has more than {limit:g} GB of text. Name a table of samples and probes, or raise the limit with "
            "--max-size."
        )


def _unpacked(data: bytes, path: str, max_size: float | None) -> bytes:
    """Return the content of a gzip file, one or several members; it is unpacked no further than to the limit."""
    packed, pieces, n_bytes, at = memoryview(data), [], 0, 0
    while at < len(data):
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            if at >= len(data):
                raise EOFError("it ends too early")
            rest: bytes | memoryview = packed[at : at + _CHUNK]
            at += len(rest)
            while rest and not stream.eof:
                pieces.append(stream.decompress(rest, _CHUNK))
                n_bytes += len(pieces[-1])
                rest = stream.unconsumed_tail
                _check_size(n_bytes, path, max_size)
                if max_size is None and n_bytes > max(_SMALL, _MOST_RATIO * len(data)):
                    raise UnreadableFile(
                        f"{path} unpacks to more than {_MOST_RATIO} times its size, which tables do not. Check the "
                        "file; if it is right, allow its size with --max-size."
                    )
        at -= len(stream.unused_data)
        # Some programs fill the last block with zeros.
        while at < len(data) and not data[at]:
            at += 1
    return b"".join(pieces)


def text_of(data: bytes, path: str, *, max_size: float | None = None) -> str:
    """Return the text of a file's bytes, plain or gzipped; raises UnreadableFile unless it is text in UTF-8.

    max_size : most gigabytes of unpacked text; by default 2, and 150 times the size of the packed file
    """
    if not data:
        raise UnreadableFile(f"{path} is empty. Download or export it again.")
    if data[:2] == b"\x1f\x8b":
        try:
            data = _unpacked(data, path, max_size)
        except (EOFError, zlib.error) as problem:
            raise UnreadableFile(
                f"{path} is a truncated or damaged gzip file ({problem}). Download it again."
            ) from problem
    for magic, kind in _OTHER_FORMATS:
        if data.startswith(magic):
            raise UnreadableFile(
                f"{path} is {kind}; a text table is needed. Export it as CSV or tab-separated text."
            )
    for marks, encoding in _ENCODINGS:
        if data.startswith(marks):
            raise UnreadableFile(
                f"{path} is encoded in {encoding}; UTF-8 is needed. Save it as CSV in UTF-8."
            )
    if data[:4096].count(b"\x00") > len(data[:4096]) // 4:
        raise UnreadableFile(f"{path} is a binary file or text in UTF-16 or UTF-32; {_NEEDED}")
    try:
        text = data.decode("utf-8-sig").lstrip("\ufeff")
    except UnicodeDecodeError as problem:
        if b"\x00" in data[:65536]:
            raise UnreadableFile(f"{path} is a binary file; {_NEEDED}") from problem
        line = data[: problem.start].count(b"\n") + 1
        raise UnreadableFile(
            f"{path}: line {line} contains byte 0x{data[problem.start]:02x}, which is not valid UTF-8. "
            "Save the whole file as UTF-8."
        ) from problem
    _refuse_controls(text, path)
    if not text or text.isspace():
        raise UnreadableFile(f"{path} has only blank lines. Download or export it again.")
    if text[:4096].lstrip()[:1] == "<":
        raise UnreadableFile(
            f"{path} is a web page or XML, not a table; the server may have sent an error page. Download it again."
        )
    return text


def _refuse_controls(text: str, path: str) -> None:
    """Raise UnreadableFile if the text has characters that no table needs, and that programs misread or execute."""
    # Ten times as fast as the regular expression.
    if text.isascii() and len(text.encode().translate(None, _ASCII_CONTROL)) == len(text):
        return
    found = _CONTROL.search(text)
    if found:
        before = text[: found.start()]
        line, start = before.count("\n") + 1, before.rfind("\n") + 1
        delimiter = max(DELIMITERS, key=text[: text.find("\n")].count)
        cell = before[start:].count(delimiter) + 1
        raise UnreadableFile(
            f"{path}: line {line}, cell {cell} contains the control character U+{ord(found[0]):04X}. Remove it, or "
            "export the table again."
        )


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without blank lines at its end; lines may end in LF, CRLF or CR."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def head_of(lines: Sequence[str], path: str) -> Head:
    """Return the start of a delimited file; raises UnreadableFile if no delimiter splits it into columns."""
    if _EXCEL_HINT.fullmatch(lines[0]):
        raise UnreadableFile(
            f"{path}: line 1 ({lines[0].strip()!r}) is a hint for Excel, not a header. Remove this line."
        )
    delimiter = max(DELIMITERS, key=lines[0].count)
    if lines[0].startswith(("#", "!", "^", "%")) and any(
        line.count(mark) > lines[0].count(mark) for line in lines[1:4] for mark in DELIMITERS
    ):
        raise UnreadableFile(
            f"{path}: line 1 ({lines[0][:40]!r}) is a comment, not a header. Remove the lines above the column names."
        )
    if delimiter not in lines[0]:
        # One sample, written by R: its name alone in the header.
        delimiter = next((mark for mark in DELIMITERS if _is_one_column(lines[1:6], mark)), delimiter)
    if delimiter not in lines[0] and not _is_one_column(lines[1:6], delimiter):
        if len(lines) > 2 and any(
            delimiter in lines[1] and delimiter in lines[2] for delimiter in DELIMITERS
        ):
            raise UnreadableFile(
                f"{path}: line 1 ({lines[0][:40]!r}) is not a header: it has one cell, the next lines have more. "
                "Remove all lines above the column names."
            )
        guess = next((f" The delimiter may be {c!r}." for c in ("|", " ", ":") if c in lines[0]), "")
        raise UnreadableFile(
            f"{path} has only one column: line 1 contains no comma, tab or semicolon.{guess} "
            "Export it as CSV or tab-separated text."
        )
    if len(lines) < 2:
        raise UnreadableFile(f"{path} has a header but no rows. Export it again with its samples.")
    header = split(lines[0], delimiter, f"{path}: line 1")
    written = len(header)
    while len(header) > 1 and not header[-1]:
        header.pop()
    notes: tuple[str, ...] = ()
    if len(header) == written and _has_row_names(lines[1:6], delimiter, written, path):
        header = ["", *header]
        notes = ("The header has no name for the first column, which holds row names (R).",)
    if len(header) == 1:
        raise UnreadableFile(f"{path} has only one column, {header[0]!r}. Name a table with more columns.")
    rows = tuple(
        tuple(_first_cells(line, delimiter, f"{path}: line {number}"))
        for number, line in enumerate(lines[1:6], start=2)
    )
    return Head(path, delimiter, tuple(header), rows, len(lines), notes)


def _has_row_names(lines: Sequence[str], delimiter: str, width: int, path: str) -> bool:
    """Tell whether each line has one cell more than the header: R writes no name for the row names."""
    rows = [split(line, delimiter, f"{path}: line {number}") for number, line in enumerate(lines, start=2)]
    return all(len(row) == width + 1 and row[0] and row[-1] and not is_number(row[0]) for row in rows)


def _is_one_column(lines: Sequence[str], delimiter: str) -> bool:
    """Tell whether each line has a name and a number."""
    rows = [[cell.strip().strip('"') for cell in line.split(delimiter)] for line in lines]
    return bool(rows) and all(len(row) == 2 and not is_number(row[0]) and is_number(row[1]) for row in rows)


def _first_cells(line: str, delimiter: str, place: str) -> list[str]:
    if '"' in line:
        return split(line, delimiter, place)[:PEEK]
    return [cell.strip() for cell in line.split(delimiter, PEEK)[:PEEK]]


def split(line: str, delimiter: str, place: str) -> list[str]:
    """Return the cells of a line without quotes; raises UnreadableFile with the `place` of an unmatched quote."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error as problem:
        if "limit" in str(problem):
            raise UnreadableFile(
                f"{place} has a quoted cell of more than {csv.field_size_limit():,} characters; a closing quote may be "
                "missing. Correct the cell."
            ) from None
        raise UnreadableFile(
            f'{place} has an unmatched quote ("). Remove it, or double it inside a quoted cell.'
        ) from None


def fitted(cells: list[str], width: int, head: Head, line: int) -> list[str]:
    """Return `width` cells, without empty ones at the end; raises UnreadableFile for any other number."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) == width:
        return cells
    hint = ""
    if len(cells) == width + 1:
        hint = " If the first column has no name in the header, add one."
    elif head.delimiter == "," and 3 * width < 2 * len(cells) <= 4 * width:
        hint = f" {POINT_HINT}"
    raise UnreadableFile(
        f"{head.path}: line {line} has {counted(len(cells), 'cell')}, but the header has {width}. "
        f"Each line needs one cell per column.{hint}"
    )


def fast_numbers(text: str, delimiter: str, n: int) -> FloatArray | None:
    """Return `n` numbers, or None unless the text holds only plain numbers (`+1`, `.5`, `NaN` are not plain)."""
    # JSON also knows true, false, null and strings.
    if "u" in text or "l" in text or '"' in text:
        return None
    if delimiter != ",":
        if "," in text:
            return None
        text = text.replace(delimiter, ",")
    try:
        numbers = np.array(orjson.loads(f"[{text}]"), dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    # -0 becomes 0, so that equal values give equal fingerprints.
    return numbers + 0.0 if numbers.shape == (n,) else None


def numbers_of(cells: Sequence[str]) -> tuple[FloatArray, list[int]]:
    """Return the numbers in cells (NaN if missing or not numeric), and the positions of the non-numeric cells."""
    filled = ["nan" if cell.lower() in MISSING else cell for cell in cells]
    try:
        numbers = np.array(filled, dtype=np.float64) + 0.0
    except ValueError:
        numbers = np.full(len(cells), np.nan)
    else:
        # NumPy reads 1_000 as 1000, like Python; a table never means that.
        if not any("_" in cell for cell in filled):
            return numbers, []
    wrong = []
    for position, cell in enumerate(filled):
        if is_number(cell):
            numbers[position] = float(cell) + 0.0
        else:
            wrong.append(position)
    return numbers, wrong


def are_words(cells: Sequence[str]) -> bool:
    """Tell a text column from a numeric one: it has words and no number; missing cells don't count.

    Words such as "ND" and "<0.5" stand for values below the limit of detection, and "1'259" and "12.5 %" for numbers.
    They do not make a column text.
    """
    known = [cell for cell in cells if cell.lower() not in MISSING]
    if not known or any(is_number(cell) for cell in known):
        return False
    return 2 * sum(map(_is_value, known)) <= len(known)


def _is_value(cell: str) -> bool:
    """Tell whether a cell that is no number stands for one."""
    patterns = (_BELOW_LIMIT, _SPREADSHEET_ERROR, _NUMBER_LIKE)
    return any(pattern.fullmatch(cell) for pattern in patterns)


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number; "1_000" is not, although Python reads it."""
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def is_comma_number(cell: str) -> bool:
    """Tell whether a cell is a number with a comma, decimal or between thousands."""
    return _COMMA_NUMBER.fullmatch(cell) is not None


def refuse_words(path: str, count: int, cell: str, place: str, *, name: str | None) -> None:
    """Raise BadValues: numeric columns hold non-numeric cells.

    count : number of such cells
    cell  : the first of them, at `place`
    name  : of the only column that has them; None for several
    """
    if _COMMA_NUMBER.fullmatch(cell):
        remedy = comma_hint([cell])
    elif _POINT_THOUSANDS.fullmatch(cell):
        remedy = f"Points separate thousands: write {cell.replace('.', '')} instead of {cell}."
    elif _NUMBER_LIKE.fullmatch(cell):
        digits = re.sub(r"[^0-9.,eE+\-]", "", cell.replace("\u2212", "-").replace("\u2013", "-"))
        remedy = f"Write numbers without separators of thousands, units and signs, such as {digits.replace(',', '.')}."
    elif _BELOW_LIMIT.fullmatch(cell):
        remedy = (
            "Such values are below the limit of detection: replace them by the limit, or leave them empty and use "
            "--impute median."
        )
    else:
        remedy = "Correct such cells, or leave them empty and use --impute median."
    other = f" If {name!r} is not expression, use --covariate." if name is not None else ""
    raise BadValues(
        f"{path}: {counted(count, 'non-numeric cell')}; the first is {cell!r} in {place}. {remedy}{other}"
    )


def comma_hint(cells: Sequence[str]) -> str:
    """Return advice on numbers with commas: decimal commas, or thousands where both readings are possible."""
    first = cells[0]
    whole, _, rest = first.rpartition(",")
    if not all(_THOUSANDS.fullmatch(cell) for cell in cells):
        return POINT_HINT
    joined = first.replace(",", "")
    if "," in whole or "." in rest:
        return f"Write {joined} instead of {first}."
    readings = f"{first!r} may mean {joined} or {whole}.{rest} (decimal comma)"
    return f"{readings}: write it with a decimal point or without separators."


def refuse_thousands(rows: Sequence[Sequence[str]], path: str) -> None:
    """Raise BadValues if points may separate thousands: `1.234` beside `48` may mean 1234.

    rows : cells of the numeric columns in some lines
    """
    for column in zip(*rows, strict=False):
        points = [cell for cell in column if "." in cell]
        if not points or len(points) == len(column):
            continue
        whole = [cell for cell in column if cell.lstrip("+-").isdigit()]
        if len(whole) < 2 or not all(_POINT_THOUSANDS.fullmatch(cell) and is_number(cell) for cell in points):
            continue
        if all(len(cell.lstrip("+-")) <= 3 for cell in whole):
            first = points[0]
            raise BadValues(
                f"{path}: {first!r} beside {whole[0]!r} may mean {first.replace('.', '')} or {float(first):g}. "
                "If points separate thousands, export the table without them; if they are decimal points, export "
                f"every number with the same number of decimals ({float(whole[0]):.3f})."
            )
