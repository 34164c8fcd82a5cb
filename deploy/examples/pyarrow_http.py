"""An Arrow stream over HTTP, batch by batch: python pyarrow_http.py http://127.0.0.1:8080 SCHEMA TABLE"""
import json
import sys
from urllib.request import Request, urlopen

import pyarrow.ipc

gateway, schema, table = sys.argv[1:]
body = json.dumps({"schema": schema, "table": table, "filter": "n >= 10"}).encode()
rows = 0
with urlopen(Request(f"{gateway}/v1/read", data=body)) as answer:
    for batch in pyarrow.ipc.open_stream(answer):
        rows += batch.num_rows
print(rows)
