"""A table as a data frame, from a link: python pandas_link.py http://127.0.0.1:8080 SCHEMA TABLE"""
import sys
from urllib.parse import urlencode

import pandas

gateway, schema, table = sys.argv[1:]
query = urlencode({"schema": schema, "table": table, "filter": "n >= 10", "format": "csv"})
frame = pandas.read_csv(f"{gateway}/v1/read?{query}")
print(frame.head(), file=sys.stderr)
print(len(frame))
