"""Runs queries as an analyst would with pyarrow, DuckDB or Polars, each on a filesystem that knows nothing yet.

selective_peer.py S3_URL ACCESS_KEY SECRET_KEY BUCKET; says {"peers": "a,b"}, then answers a line of JSON each:
{"peer", "table", "columns", "where": {column: test}, "limit"} -> {"rows", "sum"}, the sum of `id`.
DuckDB reads through pyarrow's S3 client: its own needs an extension that is downloaded.
"""

import datetime
import json
import sys
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs

try:
    import duckdb
    from fsspec.implementations.arrow import ArrowFSWrapper
except ImportError:
    duckdb = None
try:
    import polars
except ImportError:
    polars = None

url, access_key, secret_key, bucket = sys.argv[1:5]


def filesystem():
    return fs.S3FileSystem(
        access_key=access_key,
        secret_key=secret_key,
        endpoint_override=urlsplit(url).netloc,
        scheme=urlsplit(url).scheme,
        region="us-east-1",
        allow_bucket_creation=False,
    )


def literal(column, value):
    if column == "at":
        return datetime.datetime.fromisoformat(value)
    if column == "day":
        return datetime.date.fromisoformat(value)
    return value


def tests(where):
    """(column, operator, operand) of each condition."""
    for column, test in where.items():
        for operator, operand in (test if isinstance(test, dict) else {"eq": test}).items():
            if operator == "in":
                yield column, operator, [literal(column, one) for one in operand]
            else:
                yield column, operator, None if operand is True else literal(column, operand)


def expression(field, where):
    """The condition in the operators that pyarrow and Polars share; null: there is none."""
    whole = None
    for column, operator, operand in tests(where):
        left = field(column)
        term = {
            "eq": lambda: left == operand,
            "ge": lambda: left >= operand,
            "lt": lambda: left < operand,
            "in": lambda: left.isin(operand) if hasattr(left, "isin") else left.is_in(operand),
            "isNotNull": lambda: left.is_valid() if hasattr(left, "is_valid") else left.is_not_null(),
        }[operator]()
        whole = term if whole is None else whole & term
    return whole


def by_pyarrow(query):
    data = ds.dataset(
        f"{bucket}/tables/{query['table']}",
        filesystem=filesystem(),
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("day", pa.date32())]), flavor="hive"),
    )
    wanted = {"columns": query["columns"], "filter": expression(pc.field, query["where"])}
    limit = query.get("limit")
    return data.to_table(**wanted) if limit is None else data.head(limit, **wanted)


def by_duckdb(query):
    class Store(ArrowFSWrapper):
        protocol = ("store",)

        @classmethod
        def _strip_protocol(cls, path):
            return path.removeprefix("store://").rstrip("/")

    session = duckdb.connect()
    session.register_filesystem(Store(filesystem()))
    session.execute("SET TimeZone = 'UTC'")
    terms, operands = [], []
    words = {"eq": "= ?", "ge": ">= ?", "lt": "< ?", "isNotNull": "IS NOT NULL"}
    for column, operator, operand in tests(query["where"]):
        if operator == "in":
            terms.append(f'"{column}" IN ({", ".join("?" * len(operand))})')
            operands += operand
        else:
            terms.append(f'"{column}" {words[operator]}')
            operands += [] if operand is None else [operand]
    glob = f"store://{bucket}/tables/{query['table']}/**/*.parquet"
    limit = f" LIMIT {query['limit']}" if "limit" in query else ""
    columns = ", ".join('"' + column + '"' for column in query["columns"])
    text = (
        f"SELECT {columns} FROM read_parquet('{glob}', hive_partitioning = true)"
        f" WHERE {' AND '.join(terms)}{limit}"
    )
    return session.execute(text, operands).to_arrow_table()


def by_polars(query):
    scan = polars.scan_parquet(
        f"s3://{bucket}/tables/{query['table']}/**/*.parquet",
        hive_partitioning=True,
        storage_options={
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "aws_endpoint_url": url,
            "aws_region": "us-east-1",
            "aws_allow_http": "true",
        },
    )
    scan = scan.filter(expression(polars.col, query["where"])).select(query["columns"])
    if "limit" in query:
        scan = scan.head(query["limit"])
    return scan.collect().to_arrow()


peers = {"pyarrow": by_pyarrow}
if duckdb is not None:
    peers["duckdb"] = by_duckdb
if polars is not None:
    peers["polars"] = by_polars
print(json.dumps({"peers": ",".join(peers)}), flush=True)
for line in sys.stdin:
    query = json.loads(line)
    try:
        table = peers[query["peer"]](query)
        total = pc.sum(pc.cast(table.column("id"), pa.int64())).as_py() or 0
        answer = {"rows": table.num_rows, "sum": total}
    except Exception as error:
        answer = {"error": f"{query['peer']}: {error}"}
    print(json.dumps(answer), flush=True)
