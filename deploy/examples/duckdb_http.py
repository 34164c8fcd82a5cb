"""SQL over an Arrow stream from a link: python duckdb_http.py http://127.0.0.1:8080 SCHEMA TABLE"""
import sys
from urllib.parse import urlencode
from urllib.request import urlopen

import duckdb
import pyarrow.ipc

gateway, schema, table = sys.argv[1:]
query = urlencode({"schema": schema, "table": table, "filter": "n >= 10", "format": "arrow"})
rows = pyarrow.ipc.open_stream(urlopen(f"{gateway}/v1/read?{query}"))
print(duckdb.sql("select count(*) from rows").fetchall()[0][0])
