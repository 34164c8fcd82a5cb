"""What pyarrow makes of a gateway: one JSON line per check, {"check", "said"}; said is empty when all is well.

usage: check_flight.py HOST:PORT SCHEMA FOLDER
Every FOLDER/NAME.parquet is the table SCHEMA.NAME.
"""

import concurrent.futures
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.flight as flight
import pyarrow.parquet as parquet

PLAIN = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def plain_type(kind):
    """What every client can read: no dictionaries, views, or decimals of less than 128 bits."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    return PLAIN.get(kind, kind)


def plain(table):
    fields = [field.with_type(plain_type(field.type)) for field in table.schema]
    columns = [column.cast(field.type) for column, field in zip(table.columns, fields)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def read(client, descriptor):
    info = client.get_flight_info(descriptor)
    return pa.concat_tables([client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints])


def command(**request):
    return flight.FlightDescriptor.for_command(json.dumps(request))


def same(expected, actual):
    """Names, types, nullability, metadata of the columns, and values, NaN as itself."""
    if not expected.schema.remove_metadata().equals(actual.schema.remove_metadata()):
        return f"schema {actual.schema}, expected {expected.schema}"
    for wanted, found in zip(expected.schema, actual.schema):
        if (wanted.metadata or {}) != (found.metadata or {}):
            return f"metadata of {found.name}: {found.metadata}, expected {wanted.metadata}"
    actual.validate(full=True)
    if expected.num_rows != actual.num_rows:
        return f"{actual.num_rows} rows, expected {expected.num_rows}"
    pairs = zip(expected.column_names, expected.columns, actual.columns)
    others = [name for name, left, right in pairs if not (left.equals(right) or printed(left) == printed(right))]
    return f"other values in {others}" if others else ""


def printed(column):
    """NaN is unequal to itself, but not in print."""
    return column.combine_chunks().to_string(window=1_000_000, container_window=1_000_000)


def read_file(path):
    """None where pyarrow cannot read a good file (one of DuckDB's, with "InitBlock EOF")."""
    try:
        return plain(parquet.ParquetFile(path).read())
    except OSError:
        return None


def golden(client, schema, path):
    expected = read_file(path)
    if expected is None:
        return "" if read(client, flight.FlightDescriptor.for_path(schema, path.stem)).num_rows else "no rows"
    descriptor = flight.FlightDescriptor.for_path(schema, path.stem)
    info = client.get_flight_info(descriptor)
    if info.total_records != expected.num_rows:
        return f"{info.total_records} records, expected {expected.num_rows}"
    actual = read(client, descriptor)
    if not info.schema.equals(actual.schema, check_metadata=True):
        return "the schema of the info is another than that of the read"
    return same(expected, actual)


def raises(kind, call):
    try:
        call()
    except Exception as error:
        return "" if type(error) is kind else f"{type(error).__name__} instead of {kind.__name__}: {error}"
    return "it went well"


def errors(client, schema):
    def info(**more):
        return lambda: client.get_flight_info(command(schema=schema, **more))

    def get(ticket):
        return lambda: client.do_get(flight.Ticket(ticket)).read_all()

    yield "no table", raises(pa.ArrowKeyError, info(table="none"))
    yield "no schema", raises(pa.ArrowKeyError, lambda: client.get_flight_info(command(schema="none", table="x")))
    yield "no column", raises(pa.ArrowInvalid, info(table="integers", columns=["none"]))
    yield "no filter", raises(pa.ArrowInvalid, info(table="integers", filter="this is not (a filter"))
    yield "unknown member", raises(pa.ArrowInvalid, info(table="integers", fliter="x"))
    yield "forged ticket", raises(pa.ArrowInvalid, get(b"forged"))
    yield "short deadline", raises(
        flight.FlightTimedOutError,
        lambda: list(client.list_flights(options=flight.FlightCallOptions(timeout=1e-6))),
    )
    yield "unknown action", raises(
        pa.ArrowNotImplementedError, lambda: list(client.do_action(flight.Action("none", b"")))
    )


def handshakes(address):
    client = flight.connect(f"grpc://{address}")
    client.wait_for_available(timeout=10)
    name, value = client.authenticate_basic_token("caller", "secret")
    said = "" if (name, value) == (b"authorization", b"Bearer secret") else f"{name} {value}"
    yield "basic handshake", said
    options = flight.FlightCallOptions(headers=[(name, value)])
    yield "a call with the token", "" if client.list_actions(options) else "no actions"
    handler = LegacyHandler()
    client.authenticate(handler)
    yield "handshake by payload", "" if handler.answer == b"secret" else repr(handler.answer)


class LegacyHandler(flight.ClientAuthHandler):
    def __init__(self):
        super().__init__()
        self.answer = b""

    def authenticate(self, outgoing, incoming):
        outgoing.write(flight.BasicAuth("caller", "secret").serialize())
        self.answer = incoming.read()

    def get_token(self):
        return self.answer


def reads(client, schema):
    whole = read(client, command(schema=schema, table="row_groups_of_3"))
    info = client.get_flight_info(command(schema=schema, table="row_groups_of_3", endpoints=4))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda end: client.do_get(end.ticket).read_all(), info.endpoints))
    together = pa.concat_tables(parts)
    yield "four endpoints side by side", same(whole.combine_chunks(), together.combine_chunks())
    yield "they are ordered", "" if info.ordered and len(info.endpoints) == 4 else str(len(info.endpoints))
    name = whole.schema.names[0]
    kept = read(client, command(schema=schema, table="row_groups_of_3", filter=f'"{name}" IS NOT NULL'))
    expected = whole.filter(compute.is_valid(whole[name]))
    yield "a filter", same(expected.combine_chunks(), kept.combine_chunks())
    reader = client.do_get(info.endpoints[0].ticket)
    reader.read_chunk()
    reader.cancel()
    yield "a read after a cancelled one", same(whole, read(client, command(schema=schema, table="row_groups_of_3")))
    listed = {tuple(info.descriptor.path) for info in client.list_flights()}
    yield "the tables are listed", "" if (schema.encode(), b"integers") in listed else f"{len(listed)} tables"
    empty = read(client, command(schema=schema, table="integers", limit=0))
    yield "no rows have a schema", same(read(client, command(schema=schema, table="integers")).slice(0, 0), empty)


def main(address, schema, folder):
    client = flight.connect(f"grpc://{address}")
    checks = [
        *((path.stem, golden(client, schema, path)) for path in sorted(pathlib.Path(folder).glob("*.parquet"))),
        *errors(client, schema),
        *handshakes(address),
        *reads(client, schema),
    ]
    for name, said in checks:
        print(json.dumps({"check": name, "said": said}))


main(*sys.argv[1:])
