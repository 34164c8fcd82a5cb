"""Plans as an analyst would with pyarrow.dataset: the schema, and the row groups that a filter leaves.

plan_peer.py S3_URL ACCESS_KEY SECRET_KEY BUCKET; answers a line of JSON each:
{"how": "fragments" | "count" | "threads", "table", "least"} -> {"seconds", "found"}: row groups, or rows
{"how": "open", "file"} -> {"seconds"}: reads a file's footer, which is kept
{"how": "group", "group", "columns"} -> {"seconds", "found"}: rows of a row group of that file
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq

url, access_key, secret_key, bucket = sys.argv[1:5]
store = fs.S3FileSystem(
    access_key=access_key,
    secret_key=secret_key,
    endpoint_override=urlsplit(url).netloc,
    scheme=urlsplit(url).scheme,
    region="us-east-1",
)
THREADS = 16
opened = {}


def plan(query):
    data = ds.dataset(
        f"{bucket}/tables/{query['table']}",
        filesystem=store,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("day", pa.date32())]), flavor="hive"),
    )
    wanted = pc.field("id") >= query["least"]
    if query["how"] == "count":
        return data.count_rows(filter=wanted)

    def groups(fragment):
        return len(fragment.split_by_row_group(filter=wanted, schema=data.schema))

    fragments = data.get_fragments(filter=wanted)
    if query["how"] == "fragments":
        return sum(groups(fragment) for fragment in fragments)
    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(groups, fragments))


def answer(query):
    if query["how"] == "open":
        path = f"{bucket}/{query['file']}"
        opened["file"] = pq.ParquetFile(store.open_input_file(path))
        return opened["file"].num_row_groups
    if query["how"] == "group":
        return opened["file"].read_row_group(query["group"], columns=query["columns"]).num_rows
    return plan(query)


print(json.dumps({"ready": 1}), flush=True)
for line in sys.stdin:
    started = time.perf_counter()
    found = answer(json.loads(line))
    print(json.dumps({"seconds": time.perf_counter() - started, "found": found}), flush=True)
