"""A connector in the manner of the one that Spillway replaces, behind Lambda's Invoke API: no plan, no predicate, one
split that is the table, read whole by pyarrow and spilled from memory.

naive_connector.py S3_URL ACCESS_KEY SECRET_KEY [lists]; prints {"port": …, "encrypts": 0 or 1} when it listens.
With `lists` it does what that connector and its SDK do: rows pass through Python's lists, are collected as a stream in
memory and spilled as one object (which Athena refuses above 16 MB). Without, it is what a good engineer would make of
it: columns stay Arrow's, blocks keep to Athena's size. Both encrypt, which that SDK does not.
"""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    AESGCM = None

url, access_key, secret_key = sys.argv[1:4]
through_lists = "lists" in sys.argv[4:]
store = fs.S3FileSystem(
    access_key=access_key,
    secret_key=secret_key,
    endpoint_override=urlsplit(url).netloc,
    scheme=urlsplit(url).scheme,
    region="us-east-1",
)
BLOCK_BYTES = 13_000_000


def read_records(event):
    name = event["tableName"]
    table = pq.read_table(f"{name['schemaName']}/tables/{name['tableName']}", filesystem=store)
    wanted = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(event["schema"])))
    table = table.select(wanted.names)
    if through_lists:
        table = collected(table.to_pydict(), table.schema)
    blocks = spill(table, event["split"])
    return {
        "@type": "RemoteReadRecordsResponse",
        "catalogName": event["catalogName"],
        "schema": event["schema"],
        "remoteBlocks": blocks,
        "encryptionKey": event["split"]["encryptionKey"],
        "rowCount": table.num_rows,
    }


def collected(records, schema):
    sink = pa.BufferOutputStream()
    with pa.RecordBatchStreamWriter(sink, schema) as writer:
        arrays = [pa.array(records[name]) for name in schema.names]
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def spill(table, split):
    location, secret = split["spillLocation"], split["encryptionKey"]
    rows_per_block = max(1, table.num_rows * BLOCK_BYTES // max(1, table.nbytes))
    if through_lists:
        rows_per_block = table.num_rows
    blocks = []
    for batch in table.combine_chunks().to_batches(max_chunksize=rows_per_block):
        # Legacy framing: without the marker of four bytes.
        data = batch.serialize().to_pybytes()[4:]
        if AESGCM is not None and secret is not None:
            cipher = AESGCM(base64.b64decode(secret["key"]))
            data = cipher.encrypt(base64.b64decode(secret["nonce"]), data, None)
        key = f"{location['key']}.{len(blocks)}"
        with store.open_output_stream(f"{location['bucket']}/{key}") as stream:
            stream.write(data)
        blocks.append({**location, "key": key})
    return blocks


class Invocation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = json.dumps(read_records(event)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Invocation)
print(json.dumps({"port": server.server_port, "encrypts": int(AESGCM is not None)}), flush=True)
server.serve_forever()
