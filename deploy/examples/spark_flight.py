"""One Spark task an endpoint; pyarrow and pandas (below 3) must be on the executors:
spark-submit spark_flight.py grpc://127.0.0.1:8815 SCHEMA TABLE, or with python and a local Spark"""
import json
import os
import sys

import pyarrow.flight as flight
from pyspark.sql import SparkSession

gateway, schema, table = sys.argv[1:]
command = {"schema": schema, "table": table, "columns": ["n"], "filter": "n >= 10", "endpoints": 4}
info = flight.connect(gateway).get_flight_info(
    flight.FlightDescriptor.for_command(json.dumps(command))
)
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
spark = SparkSession.builder.getOrCreate()
tickets = spark.createDataFrame([(end.ticket.ticket,) for end in info.endpoints], "ticket binary")


def read(frames):
    for frame in frames:
        for ticket in frame["ticket"]:
            for chunk in flight.connect(gateway).do_get(flight.Ticket(bytes(ticket))):
                yield chunk.data.to_pandas()


print(tickets.repartition(len(info.endpoints)).mapInPandas(read, "n bigint").count())
