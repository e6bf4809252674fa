"""pymongoarrow: tables and frames out of a collection, and into one."""

import sys
from datetime import datetime

import pyarrow
from pymongo import MongoClient
from pymongoarrow.api import Schema, aggregate_arrow_all, find_arrow_all, write

with MongoClient(sys.argv[1]) as client:
    rows = client.use_pymongoarrow.rows
    rows.drop()
    when = datetime(2024, 2, 3, 4, 5)
    rows.insert_many({"_id": n, "x": n / 2, "name": f"n{n}", "when": when} for n in range(1000))
    schema = Schema({"_id": int, "x": float, "name": str, "when": datetime})
    table = find_arrow_all(rows, {"_id": {"$gte": 10}}, schema=schema)
    assert table.num_rows == 990
    assert table.slice(0, 1).to_pylist() == [{"_id": 10, "x": 5.0, "name": "n10", "when": when}]
    sums = aggregate_arrow_all(rows, [{"$group": {"_id": None, "x": {"$sum": "$x"}}}])
    assert sums["x"].to_pylist() == [sum(n / 2 for n in range(1000))]
    copy = client.use_pymongoarrow.copy
    copy.drop()
    assert write(copy, pyarrow.table({"_id": [1, 2], "a": ["b", None]})).inserted_count == 2
    assert next(copy.find().sort("_id")) == {"_id": 1, "a": "b"}
    client.drop_database("use_pymongoarrow")
print("ok")
