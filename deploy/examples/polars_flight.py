"""A table as a Polars frame: python polars_flight.py grpc://127.0.0.1:8815 SCHEMA TABLE"""
import json
import sys

import polars
import pyarrow.flight as flight

gateway, schema, table = sys.argv[1:]
command = {"schema": schema, "table": table, "columns": ["n"], "filter": "n >= 10"}
client = flight.connect(gateway)
info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(command)))
frame = polars.from_arrow(client.do_get(info.endpoints[0].ticket).read_all())
print(frame.describe(), file=sys.stderr)
print(frame.height)
