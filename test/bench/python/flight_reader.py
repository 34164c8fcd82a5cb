"""Reads tables from a Flight server to their ends.

flight_reader.py PORT; each line {"table": …} is answered by {"seconds": …, "rows": …, "bytes": …}.
"""

import json
import sys
import time

import pyarrow.flight as fl

client = fl.connect(f"grpc://127.0.0.1:{sys.argv[1]}")
print("{}", flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    rows = size = 0
    for chunk in client.do_get(fl.Ticket(json.loads(line)["table"].encode())):
        rows += chunk.data.num_rows
        size += chunk.data.nbytes
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "rows": rows, "bytes": size}), flush=True)
