"""Reads tables from a Flight server to their ends, as an unmodified client does.

flight_reader.py PORT [SCHEMA]; each line {"table": …, "endpoints"?: …, "limit"?: …} is answered by
{"seconds": …, "firstSeconds": …, "rows": …, "bytes": …}. With SCHEMA the server is asked for the table's endpoints,
which are read at the same time; without it the table's name is the ticket. Planning is in the time.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow.flight as fl

client = fl.connect(f"grpc://127.0.0.1:{sys.argv[1]}")
schema = sys.argv[2] if len(sys.argv) > 2 else None


def tickets_of(question):
    if schema is None:
        return [fl.Ticket(question["table"].encode())]
    command = json.dumps({"schema": schema, **question}).encode()
    info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
    return [endpoint.ticket for endpoint in info.endpoints]


def read(ticket):
    rows = size = 0
    first = None
    for chunk in client.do_get(ticket):
        first = first or time.perf_counter()
        rows += chunk.data.num_rows
        size += chunk.data.nbytes
    return first or time.perf_counter(), rows, size


pool = ThreadPoolExecutor(max_workers=16)
print("{}", flush=True)
for line in sys.stdin:
    question = json.loads(line)
    started = time.perf_counter()
    parts = list(pool.map(read, tickets_of(question)))
    seconds = time.perf_counter() - started
    answer = {
        "seconds": seconds,
        "firstSeconds": min(part[0] for part in parts) - started,
        "rows": sum(part[1] for part in parts),
        "bytes": sum(part[2] for part in parts),
    }
    print(json.dumps(answer), flush=True)
