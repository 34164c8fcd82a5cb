"""What pyarrow makes of kept dictionaries: one JSON line per check, {"check", "said"}; said is empty when all is well.

usage: check_dictionaries.py HOST:PORT HTTP_URL SCHEMA TABLE KEPT
KEPT: names of the columns that stay dictionary-encoded, with commas between them.
"""

import json
import sys
import urllib.request

import pyarrow as pa
import pyarrow.flight as flight

address, url, schema, table, kept = sys.argv[1:]
names = [name for name in kept.split(",") if name]
request = {"schema": schema, "table": table}


def by_flight(**more):
    client = flight.connect(f"grpc://{address}")
    info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps({**request, **more})))
    tables = []
    for endpoint in info.endpoints:
        reader = client.do_get(endpoint.ticket)
        if reader.schema != info.schema:
            return f"the stream has {reader.schema}, the info {info.schema}"
        tables.append(reader.read_all())
    return pa.concat_tables(tables)


def by_http(**more):
    body = json.dumps({**request, **more}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/read", data=body)) as answer:
        return pa.ipc.open_stream(answer).read_all()


def by_link(**more):
    query = urllib.parse.urlencode({**request, "dictionaries": "true", "format": "arrow"})
    with urllib.request.urlopen(f"{url}/v1/read?{query}") as answer:
        return pa.ipc.open_stream(answer).read_all()


def said(plain, coded):
    if isinstance(coded, str):
        return coded
    coded.validate(full=True)
    for before, after in zip(plain.schema, coded.schema):
        value = before.type
        wanted = pa.dictionary(pa.int32(), value) if before.name in names else value
        if after.type != wanted or after.nullable != before.nullable or after.metadata != before.metadata:
            return f"{after} of {before}"
    columns = [column.cast(field.type) for column, field in zip(coded.columns, plain.schema)]
    decoded = pa.Table.from_arrays([column.combine_chunks() for column in columns], schema=plain.schema)
    wanted = plain.combine_chunks()
    if decoded.num_rows == 0 and wanted.num_rows == 0:
        return ""
    return "" if decoded.equals(wanted) else "other values"


plain = by_flight()
for check, coded in [
    ("Flight", by_flight(dictionaries=True)),
    ("Flight, three endpoints", by_flight(dictionaries=True, endpoints=3)),
    ("HTTP", by_http(dictionaries=True)),
    ("a link", by_link()),
]:
    print(json.dumps({"check": check, "said": said(plain, coded)}))

for column in names:
    chunks = by_flight(dictionaries=True)[column].chunks
    sizes = [len(chunk.dictionary) for chunk in chunks]
    print(json.dumps({"check": f"dictionaries of {column}", "said": "", "sizes": sizes}))
frame = by_flight(dictionaries=True).to_pandas()
plain_frame = plain.to_pandas()
for column in names:
    same = (frame[column].astype(object).fillna("-") == plain_frame[column].astype(object).fillna("-")).all()
    print(json.dumps({"check": f"pandas, {column}", "said": "" if same else "other values"}))
