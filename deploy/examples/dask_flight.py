"""One Dask partition an endpoint, read where it is worked on:
python dask_flight.py grpc://127.0.0.1:8815 SCHEMA TABLE"""
import json
import sys

import dask.dataframe
import pyarrow.flight as flight

gateway, schema, table = sys.argv[1:]
command = {"schema": schema, "table": table, "filter": "n >= 10", "endpoints": 4}
info = flight.connect(gateway).get_flight_info(
    flight.FlightDescriptor.for_command(json.dumps(command))
)


def read(ticket):
    return flight.connect(gateway).do_get(flight.Ticket(ticket)).read_pandas()


print(len(dask.dataframe.from_map(read, [end.ticket.ticket for end in info.endpoints])))
