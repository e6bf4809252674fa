"""A file of which one record in a hundred is bad, in several ways, and what is to become of it."""

import gzip
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

#: The collection is to have this validator, and the documents TAKEN before anything else.
VALIDATOR = {"bad": {"$ne": True}}
TAKEN = [{"_id": f"taken {number}"} for number in range(3)]


@dataclass
class Poisoned:
    """The file, the documents that are good (without made ids), and the codes of bad lines."""

    path: Path
    good: dict[int, dict] = field(default_factory=dict)  # by n
    bad: dict[int, int | str] = field(default_factory=dict)  # by line

    def prepare(self, collection):
        """Make the collection anew."""
        collection.drop()
        collection.database.create_collection(collection.name, validator=VALIDATOR)
        collection.insert_many(TAKEN)

    def assert_exactly_stored(self, collection):
        """Everything that is good is there once, nothing else is."""
        stored = list(collection.find({"n": {"$exists": True}}))
        counted = Counter(document["n"] for document in stored)
        assert not [n for n, count in counted.items() if count > 1]
        assert set(counted) == set(self.good)
        for document in stored:
            expected = self.good[document["n"]]
            made = {} if "_id" in expected else {"_id": document["_id"]}
            assert document == {**made, **expected}
        assert collection.count_documents({}) == len(self.good) + len(TAKEN)

    def assert_exactly_dead(self, path):
        """Each bad record is in the dead letter once, with its place and its code."""
        entries = [json.loads(line) for line in Path(path).read_text().splitlines()]
        assert {entry["file"] for entry in entries} == {str(self.path)}
        assert len(entries) == len(self.bad)
        assert {entry["line"]: entry["code"] for entry in entries} == self.bad


def write_poisoned(path, count, seed, share=0.01):
    """Write `count` lines; return what they are."""
    chance = random.Random(seed)
    made = Poisoned(path)
    with path.open("w") as file:
        for line in range(1, count + 1):
            file.write(_line(made, chance, line, chance.random() < share) + "\n")
    return made


def _line(made, chance, line, is_bad):
    document = {"n": line, "text": "x" * chance.randrange(40)}
    if chance.random() < 0.5:
        document = {"_id": f"number {line}", **document}
    if not is_bad:
        made.good[line] = document
        return json.dumps(document)
    kind = chance.randrange(4)
    made.bad[line] = ("parse", "parse", 121, 11000)[kind]
    if kind == 0:
        return json.dumps(document)[:-1]
    if kind == 1:
        return json.dumps({**document, "n": {"$numberInt": "5.5"}})
    if kind == 2:
        return json.dumps({**document, "bad": True})
    return json.dumps({**document, "_id": chance.choice(TAKEN)["_id"]})


def write_plain(folder, count, form):
    """Write `count` good records in a format ("json.gz", "csv", ...); return what they are."""
    made = Poisoned(folder / f"plain.{form}")
    made.good = {n: {"n": n, "text": f"t{n}"} for n in range(1, count + 1)}
    documents = made.good.values()
    if form.startswith("csv"):
        text = "n,text\n" + "".join(f"{one['n']},{one['text']}\n" for one in documents)
    elif form.startswith("json"):
        text = json.dumps(list(documents), indent=1)
    else:
        text = "".join(json.dumps(one) + "\n" for one in documents)
    data = text.encode()
    made.path.write_bytes(gzip.compress(data) if form.endswith(".gz") else data)
    return made
