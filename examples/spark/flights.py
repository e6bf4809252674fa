"""PySpark: a collection as a table, by a data source of Python (`mongo_source.py`). Needs Java.

    python -m mongodriver local --replica-set rs0 -- python examples/spark/flights.py

computes the mean delay of each carrier in ``air.flights``, and stores it in ``air.carriers``.
"""

from __future__ import annotations

import os
import sys

import mongo_source
from pyspark import cloudpickle
from pyspark.sql import SparkSession, functions


def main() -> None:
    """Compute and store."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    cloudpickle.register_pickle_by_value(mongo_source)  # the workers need not have it
    spark = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.dataSource.register(mongo_source.MongoSource)
    source = spark.read.format("mongodriver").option("uri", os.environ["MONGODB_URI"])
    flights = source.option("collection", "air.flights").load()
    means = flights.groupBy(flights.carrier.alias("_id")).agg(
        functions.mean("delay").alias("mean"), functions.count("*").alias("count")
    )
    target = means.write.format("mongodriver").option("uri", os.environ["MONGODB_URI"])
    target.option("collection", "air.carriers").option("mode", "upsert").mode("append").save()
    print(f"{flights.rdd.getNumPartitions()} partitions, {means.count()} carriers")
    spark.stop()


if __name__ == "__main__":
    main()
