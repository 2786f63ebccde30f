"""The contacts of all administrations of many companies as Parquet, by Spark: the extras `spark` and `arrow`.

    PAYT_TOKEN_ACME=... PAYT_TOKEN_BAKER=... python examples/spark_contacts.py contacts.parquet ACME BAKER

Each company has a token, in the environment of the workers, and is a task: so each token has one pace. What one
administration refuses ends no others: its row in `errors` says why, and where to resume.
"""

from __future__ import annotations

import sys
from functools import reduce

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.functions import lit

import payt.spark

ERROR = ("company", "administration_id", "_error", "_cursor")


def main(spark: SparkSession, to: str, companies: list[str]) -> list[Row]:
    """Write the contacts of all companies; the errors come back."""
    spark.dataSource.register(payt.spark.Source)
    source = spark.read.format("payt").option("on_error", "collect")
    frames = [
        source.option("credentials", f"PAYT_TOKEN_{company}").load().withColumn("company", lit(company))
        for company in companies
    ]
    everything = reduce(DataFrame.unionAll, frames).localCheckpoint()  # never listed again between the two
    everything.where("_error is null").drop("_error", "_cursor").write.parquet(to)
    errors: list[Row] = everything.where("_error is not null").select(*ERROR).collect()
    return errors


if __name__ == "__main__":
    print(main(SparkSession.builder.getOrCreate(), sys.argv[1], sys.argv[2:]))
