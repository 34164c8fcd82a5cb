"""All endpoints of a table side by side: python pyarrow_flight.py grpc://127.0.0.1:8815 SCHEMA TABLE"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow
import pyarrow.flight as flight

gateway, schema, table = sys.argv[1:]
command = {"schema": schema, "table": table, "filter": "n >= 10", "endpoints": 4}
client = flight.connect(gateway)
info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(command)))
with ThreadPoolExecutor() as threads:
    parts = threads.map(lambda end: client.do_get(end.ticket).read_all(), info.endpoints)
    print(pyarrow.concat_tables(parts).num_rows)
