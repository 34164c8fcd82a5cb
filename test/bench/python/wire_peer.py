"""A pyarrow Flight server that sends one batch, held in memory, again and again.

wire_peer.py BATCHES ROWS COLUMNS; prints {"port": …} when it listens.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as fl

batches, rows, columns = map(int, sys.argv[1:4])
values = pa.array([row / 7 for row in range(rows)], pa.float64())
batch = pa.record_batch([values] * columns, names=[f"c{index}" for index in range(columns)])


class Peer(fl.FlightServerBase):
    def do_get(self, context, ticket):
        # The table's reader hands out its batches from C++, without a call to Python for each.
        return fl.RecordBatchStream(pa.Table.from_batches([batch] * batches))


server = Peer("grpc://127.0.0.1:0")
print(json.dumps({"port": server.port}), flush=True)
server.serve()
