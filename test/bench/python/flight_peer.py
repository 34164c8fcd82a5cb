"""The native peer: a pyarrow Flight server over pyarrow.dataset on S3, as a good engineer would write it.

flight_peer.py S3_URL ACCESS_KEY SECRET_KEY BUCKET; prints {"port": …} when it listens. The ticket is a table's name.
"""

import json
import sys
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.flight as fl
import pyarrow.fs as fs

url, access_key, secret_key, bucket = sys.argv[1:5]
store = fs.S3FileSystem(
    access_key=access_key,
    secret_key=secret_key,
    endpoint_override=urlsplit(url).netloc,
    scheme=urlsplit(url).scheme,
    region="us-east-1",
)
# Ranges of neighbouring columns in one request, row groups and files read ahead, as many threads as cores.
parquet = ds.ParquetFragmentScanOptions(pre_buffer=True)
scanning = dict(
    use_threads=True,
    batch_size=32_768,
    batch_readahead=16,
    fragment_readahead=4,
    fragment_scan_options=parquet,
    cache_metadata=True,
)


class Peer(fl.FlightServerBase):
    datasets = {}

    def do_get(self, context, ticket):
        name = ticket.ticket.decode()
        if name not in self.datasets:
            self.datasets[name] = ds.dataset(f"{bucket}/tables/{name}", filesystem=store, format="parquet")
        reader = self.datasets[name].scanner(**scanning).to_reader()
        return fl.RecordBatchStream(reader)


# The S3 client takes 8 requests at once unless it is told otherwise.
pa.set_io_thread_count(16)
server = Peer("grpc://127.0.0.1:0")
print(json.dumps({"port": server.port}), flush=True)
server.serve()
