"""Dates and times of day in any notation."""

from __future__ import annotations

import regex

from ragtune.text.numerals import Value, table

_CJK_DATE = regex.compile(r"(?:(\d{4})\s?年の?)?\s?(\d{1,2})\s?月(?:\s?(\d{1,2})\s?[日号])?|(\d{4})\s?年(?!\d)")
_NUMERIC_DATE = regex.compile(
    r"(?<![\d.])(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?![\d])|(?<![\d.])(\d{1,2})([./-])\s?(\d{1,2})\5\s?(\d{4}|\d{2})(?!\d)"
)
_LIST = r"\s?(?:,|&|/|and|und|y|et|和|、)?\s?(?:and |und )?"
_HAN_TIME = regex.compile(
    r"(上午|下午|晚上|早上|中午|凌晨|午後|午前)?\s?(\d{1,2}|[零一二两三四五六七八九十]{1,3})\s?[点點時时](?!间|間)(?:\s?(\d{1,2}|[零一二三四五六七八九十]{1,3})\s?分|(半))?"
)


def dates(text: str) -> list[Value]:
    months = table("months")
    found: list[Value] = []
    for m in _NUMERIC_DATE.finditer(text):
        if m[1]:
            ways = [(float(m[1]), float(m[2]), float(m[3]))]
        else:
            year = float(m[7]) if len(m[7]) == 4 else 2000 + float(m[7]) if float(m[7]) < 50 else 1900 + float(m[7])
            a, b = float(m[4]), float(m[6])
            ways = [(year, b, a)] if m[5] == "." else [(year, b, a), (year, a, b)]
        ways = [w for w in ways if 1 <= w[1] <= 12 and 1 <= w[2] <= 31]
        if ways:
            found.append(Value("date", tuple(ways), start=m.start(), end=m.end()))
    for m in _CJK_DATE.finditer(text):
        date = (float(m[4] or m[1] or 0), float(m[2] or 0), float(m[3] or 0))
        if m[1] or m[3] or m[4]:
            found.append(Value("date", (date,), start=m.start(), end=m.end()))
    names = "|".join(sorted(map(regex.escape, months), key=len, reverse=True))
    day = r"(\d{1,2})(?:st|nd|rd|th|\.|er)?"
    patterns = (
        (rf"(?<![\d]){day}\s?(?:of |de )?({names})\b\.?,?(?:\s?(?:of |de |del )?(\d{{4}}))?", (3, 2, 1)),
        (rf"\b({names})\b\.?\s?{day}\b(?!:)(?:,?\s?(\d{{4}}))?", (3, 1, 2)),
        (rf"\b({names})\b\.?,?\s(?:of |de )?(\d{{4}})", (2, 1, 0)),
    )
    found += _ends(text, names, months)
    taken = _covered(found, len(text))
    for pattern, (y, mo, d) in patterns:
        for m in regex.finditer(pattern, text):
            if not any(taken[m.start() : m.end()]):
                date = (float(m[y] or 0) if y else 0.0, months[m[mo]], float(m[d] or 0) if d else 0.0)
                if date[2] <= 31:
                    found.append(Value("date", (date,), start=m.start(), end=m.end()))
                    taken[m.start() : m.end()] = b"\1" * (m.end() - m.start())
    return found


def _covered(found: list[Value], length: int) -> bytearray:
    """1 for every character of a text that one of the values covers."""
    mask = bytearray(length)
    for value in found:
        mask[value.start : value.end] = b"\1" * (value.end - value.start)
    return mask


def _ends(text: str, names: str, months: dict[str, float]) -> list[Value]:
    """The last day of a month."""
    last = {2.0: (29.0, 28.0), 4.0: (30.0,), 6.0: (30.0,), 9.0: (30.0,), 11.0: (30.0,)}
    return [
        Value(
            "date", tuple((0.0, months[m[1]], d) for d in last.get(months[m[1]], (31.0,))), start=m.start(), end=m.end()
        )
        for m in regex.finditer(rf"\b(?:last day|end) of ({names})\b", text)
    ]


def weekdays(text: str) -> list[Value]:
    """Sets of weekdays (Monday is 0): single ones, ranges, lists, "every day except Monday", "weekdays", "weekend"."""
    known = table("weekdays")
    names = "|".join(sorted(map(regex.escape, known), key=len, reverse=True))
    day = rf"(?<![\p{{Latin}}])(?:{names})(?!\p{{Latin}})\.?"
    found: list[Value] = []

    def add(days: set[float], start: int, end: int) -> None:
        found.append(Value("days", (tuple(sorted(days)),), start=start, end=end))

    whole = {float(d) for d in range(7)}
    for m in regex.finditer(
        rf"(?:every day|daily|all days)(?:[^.\n]{{0,20}}?) (?:except|but|excluding)(?: on| for)? ({day})", text
    ):
        add(whole - {known[m[1].rstrip(".")]}, m.start(), m.end())
    for m in regex.finditer(rf"({day})\s?(?:-|to|until|through|bis|到|至|から|a)\s?({day})", text):
        first, last = known[m[1].rstrip(".")], known[m[2].rstrip(".")]
        add({(first + i) % 7 for i in range(int((last - first) % 7) + 1)}, m.start(), m.end())
    ranges = _covered(found, len(text))
    for m in regex.finditer(rf"{day}(?:{_LIST}{day})+", text):
        if not any(ranges[m.start() : m.end()]):
            add({known[d.rstrip(".")] for d in regex.findall(day, m[0])}, m.start(), m.end())
    lists = rf"{day}(?:{_LIST}{day})+"
    several = [v for v in found if len(v.sizes[0]) > 1 and not regex.fullmatch(lists, text[v.start : v.end])]
    taken = _covered(several, len(text))
    for m in regex.finditer(day, text):
        if not all(taken[m.start() : m.end()]):
            add({known[m[0].rstrip(".")]}, m.start(), m.end())
    for word, days in (("weekdays", {0.0, 1.0, 2.0, 3.0, 4.0}), ("weekends?", {5.0, 6.0})):
        for m in regex.finditer(rf"\b{word}\b", text):
            add(days, m.start(), m.end())
    return found


def _han_digits(text: str) -> float:
    """A number under a hundred in digits or in characters (二十三)."""
    if text.isdigit():
        return float(text)
    tens, ten, ones = text.rpartition("十")
    value = {c: float(n) for n, c in enumerate("零一二三四五六七八九")} | {"两": 2.0}
    return (value.get(tens, 1.0) * 10 if ten else 0.0) + value.get(ones[-1:], 0.0)


def times(text: str) -> list[Value]:
    found = []
    for m in regex.finditer(
        r"(?<![\d.])(\d{1,2})(?:[:.](\d{2}))?\s?(am|pm|a\.m\.?|p\.m\.?|uhr|o'clock)(?!\p{L})|(?<!\d)(\d{1,2}):(\d{2})(?::\d{2})?(?![\d])",
        text,
    ):
        hour, minute, half = float(m[1] or m[4]), float(m[2] or m[5] or 0), (m[3] or "")[:1]
        if m[4] and regex.match(r"\s?(?:am|pm|a\.m|p\.m)", text[m.end() : m.end() + 4]):
            continue
        if half in ("a", "p") and hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24 and minute < 60:
            both = half in ("o",) and hour <= 12
            ways: tuple[tuple[float, ...], ...] = ((hour * 60 + minute,),)
            if both:
                ways = (*ways, ((hour % 12 + 12) * 60 + minute,))
            found.append(Value("time", ways, start=m.start(), end=m.end()))
    for m in _HAN_TIME.finditer(text):
        hour = _han_digits(m[2])
        hour += 12 if m[1] in ("下午", "晚上", "午後") and hour < 12 else 0
        minutes = hour * 60 + (_han_digits(m[3]) if m[3] else 30 if m[4] else 0)
        found.append(Value("time", ((minutes,),), start=m.start(), end=m.end()))
    for word, minutes in (("noon", 720.0), ("midday", 720.0), ("midnight", 0.0)):
        found += [
            Value("time", ((minutes,),), start=m.start(), end=m.end()) for m in regex.finditer(rf"\b{word}\b", text)
        ]
    for m in regex.finditer(r"\b(half past|quarter past|quarter to) (\w+)", text):
        hour = table("numbers").get(m[2], float(m[2]) if m[2].isdigit() else -1)
        if 1 <= hour <= 12:
            shift = {"half past": 30, "quarter past": 15, "quarter to": -15}[m[1]]
            ways = tuple(((h * 60 + shift) % 1440,) for h in (hour % 12, hour % 12 + 12))
            found.append(Value("time", ways, start=m.start(), end=m.end()))
    return found
