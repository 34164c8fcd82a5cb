"""SQL over a stream that is never whole in memory: python duckdb_flight.py grpc://127.0.0.1:8815 SCHEMA TABLE"""
import json
import sys

import duckdb
import pyarrow.flight as flight

gateway, schema, table = sys.argv[1:]
command = {"schema": schema, "table": table, "filter": "n >= 10"}
client = flight.connect(gateway)
info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(command)))
rows = client.do_get(info.endpoints[0].ticket).to_reader()
print(duckdb.sql("select count(*) from rows").fetchall()[0][0])
