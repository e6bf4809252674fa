"""Random CSV and plans for it."""

import random

GIVEN = ("str", "int", "float", "decimal", "bool", "date", "objectid", "skip")
GUESSED = ("int?", "float?", "bool?", "date?")
NULLS = (("",), ("", "NA"), (), ("NA", "N/A", " ", "é", "\\N", "0"))

_DIGITS = "0123456789"
_NUMBERS = [
    "0",
    "-0",
    "+0",
    "007",
    "-5",
    "+5",
    ".5",
    "5.",
    ".",
    "-",
    "+",
    "1e3",
    "1e",
    "e5",
    "1E+05",
    "1e-400",
    "1e400",
    "0e999",
    "1e99999",
    "1.5e",
    "1e+",
    "1_0",
    "0x1",
    "NaN",
    "-nan",
    "Inf",
    "+inf",
    "Infinity",
    "Nan",
    "INFINITY",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "123456789012345",
    "1234567890123456",
    "-1234567890123456",
    "123456789012345678",
    "1234567890123456789",
    "0.10.1",
    "2.2250738585072014e-308",
    "5e-324",
    "2e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "9007199254740993",
    "9007199254740993.0",
]
_NUMBERS += [
    "1" * 40,
    "0" * 30,
    "0." + "0" * 30 + "1",
    "1." + "9" * 40,
    "1" * 400,
    "1." + "0" * 400,
]
_DATES = [
    "2020-01-31",
    "2020-02-30",
    "1900-02-29",
    "2000-02-29",
    "0000-01-01",
    "+10000-01-01",
    "-0001-12-31",
    "20200131",
    "+292278994-08-17T07:12:55.807Z",
    "+292278994-08-17T07:12:55.808Z",
    "-292275055-05-16T16:47:04.192Z",
    "-999999999-01-01",
    "+999999999-12-31",
    "+1234567890-01-01",
    "+123-01-01",
    "2020-1-1",
    "2020-13-01",
    "2020-00-10",
    "2020-10-00",
    "2020-01-31T10",
    "2020-01-31T10:00",
    "2020-01-31T24:00",
    "2020-W05-5",
    "2020-01-31T10:00:00.5Z",
    "2020-01-31T10:00:00,123000+05:30",
    "2020-01-31T10:00:00.1234",
    "2020-01-31T10:00Z",
    "2020-01-31Z",
    "2020-01-31T10:00+2400",
    "2020-01-31T10:00-00:60",
    "2020-01-31T10:00:00.",
    "2020-01-31T10:00:00.000000",
    "9999-12-31T23:59:59.999-00:01",
    "0001-01-01T00:00+00:01",
]
_DATES += ["2020-01-31 10:00:60", "2020-01-31 10:00:59", "2020-01-31 "]
_WORDS = [
    "true",
    "FALSE",
    "True",
    "t",
    "F",
    "yes",
    "No",
    "y",
    "1",
    "0",
    "truee",
    "tru",
    "K",
    "NA",
    "N/A",
    "0123456789abcdef01234567",
    "0123456789ABCDEF0123456g",
    "0123456789abcdef",
    "\\N",
    "a",
    "ä",
    "日本",
    "é",
    "1١",
    "ſ",
]
_WORDS += ["\0", "a\0b", " ", "\t", "\u00a0", "a" * 200, "x" * 24, ""]
_DECIMALS = [
    "1.10",
    "-1E+6144",
    "1E-6176",
    "1E-6177",
    "1E+99999",
    "sNaN",
    "-NaN",
    "-Infinity",
    "0E+6112",
    "-0",
    "+.5",
    "5.e1",
    "1.2.3",
]
_DECIMALS += ["9" * 34, "9" * 35, "0." + "9" * 34, "1" + "0" * 50]
#: Every value that is worth a look, in columns of any kind.
ALL = [*_NUMBERS, *_DATES, *_WORDS, *_DECIMALS]


def plan_arguments(rng: random.Random) -> dict:
    """What makes a plan, without the classes of any package. Half of them are tame."""
    count = rng.choice((1, 2, 3, 3, 5))
    tame = rng.random() < 0.5
    columns = [
        (f"f{n}" + "ä" * rng.randrange(2), rng.choice(GIVEN + GUESSED * 2), rng.choice(NULLS))
        for n in range(count)
    ]
    number = rng.randrange(-1, count)
    if number >= 0 and columns[number][1] == "skip":
        number = -1
    return {
        "columns": columns,
        "tame": tame,
        "point": 44 if rng.random() < 0.2 else 46,
        "delimiter": ord(rng.choice(",;|" if tame else ",;\t| 5.-e:")),
        "newline": 10 if tame else rng.choice((10, 10, 13)),
        "longest": 1 << 17 if tame else rng.choice((5, 20, 1000, 1 << 17)),
        "omit_nulls": rng.random() < 0.3,
        "id_column": number,
        "id_needed": rng.random() < 0.5,
    }


def make_plan(csv, arguments: dict):
    """The plan of a package's module `csv`."""
    dialect = csv.Dialect(
        arguments["delimiter"], arguments["newline"], arguments["longest"], arguments["point"]
    )
    columns = tuple(csv.Column(*column) for column in arguments["columns"])
    rest = {name: arguments[name] for name in ("omit_nulls", "id_column", "id_needed")}
    return csv.Plan(columns, dialect, **rest)


def value(rng: random.Random) -> str:
    found = _value(rng)
    return found.replace(".", ",") if rng.random() < 0.05 else found


def _value(rng: random.Random) -> str:
    kind = rng.randrange(8)
    if kind == 0:
        return str(rng.randrange(-(10 ** rng.randrange(1, 22)), 10 ** rng.randrange(1, 22)))
    if kind == 1:
        return repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-310, 308))
    if kind == 2:
        return "".join(rng.choices(_DIGITS + ".eE+-", k=rng.randrange(1, 25)))
    return rng.choice((_NUMBERS, _DATES, _WORDS, _DECIMALS)[kind % 4])


def field(rng: random.Random, arguments: dict) -> str:
    text = value(rng)
    if rng.random() < 0.2:
        text = rng.choice((" ", "\t", "  ")) + text + rng.choice(("", " ", "\t"))
    chance = rng.random()
    if arguments["tame"]:
        return f'"{text}"' if chance < 0.1 else text
    if chance < 0.2:
        inner = text + rng.choice(("", '""', "\n", "\r\n", "\r", chr(arguments["delimiter"])))
        return rng.choice(("", "", " ")) + f'"{inner}"' + rng.choice(("", "", "", " ", "x", '"'))
    if chance < 0.25:
        return rng.choice(('"', 'x"', '"x', '"a"b', "", "\r", "\n"))
    return text


def text(rng: random.Random, arguments: dict) -> bytes:
    """Some rows, most of them with the right number of fields."""
    out = []
    ends = ("\n", "\n", "\r\n", "\r", "\n\n", "\r\r\n", "\n \n")
    if arguments["tame"]:
        ends = ("\n", "\r\n")
    for _ in range(rng.randrange(12)):
        count = len(arguments["columns"]) + (rng.random() < 0.1) - (rng.random() < 0.1)
        row = chr(arguments["delimiter"]).join(field(rng, arguments) for _ in range(count))
        out.append(row + rng.choice(ends))
    data = bytearray("".join(out), "utf-8")
    if data and rng.random() < 0.2:
        data[rng.randrange(len(data))] = rng.choice((0x80, 0xC3, 0xED, 0xF5, 0, 34, 10, 13))
    if data and rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]
    return bytes(data)
