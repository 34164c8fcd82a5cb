"""Writes the tables of the benchmarks as pyarrow writes them: nullable, dictionary-coded, seeded.

make_tables.py FOLDER ROWS_PER_GROUP NAME:CODEC:GROUPS...   -> FOLDER/NAME-CODEC/part-N.parquet, two files each
"""

import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

seed = 0


def uniform(rows):
    global seed
    seed += 1
    return pc.random(rows, initializer=seed)


def below(rows, most):
    return pc.cast(pc.floor(pc.multiply(uniform(rows), most)), pa.int64())


def skewed(rows, most):
    """Small numbers often, large ones seldom, as ids of places and prices are."""
    return pc.cast(pc.floor(pc.multiply(pc.power(uniform(rows), 3), most)), pa.int64())


def nullable(values, share=0.03):
    gone = pc.less(uniform(len(values)), share)
    return pc.if_else(gone, pa.scalar(None, values.type), values)


def money(rows, mean):
    return pc.round(pc.multiply(pc.negate(pc.ln(pc.subtract(1.0, uniform(rows)))), mean), 2)


def pick(rows, choices, chooser=below):
    return pc.take(pa.array(choices), chooser(rows, len(choices)))


def words(count):
    letters = pa.array(list("abcdefghijklmnopqrstuvwxyz"))
    columns = [pc.take(letters, below(count, 26)) for _ in range(8)]
    long = pc.binary_join_element_wise(*columns, "")
    lengths = below(count, 6).to_pylist()
    return [word[: 3 + length] for word, length in zip(long.to_pylist(), lengths)]


vocabulary = words(3000)


def text(rows, count):
    return pc.binary_join_element_wise(*[pick(rows, vocabulary) for _ in range(count)], " ")


def hexadecimal(rows):
    parts = [f"{number:04x}" for number in range(65536)]
    return pc.binary_join_element_wise(*[pick(rows, parts) for _ in range(8)], "")


def trips(rows, start):
    """Taxi trips: 20 columns, numbers and short strings."""
    steps = pc.cumulative_sum(below(rows, 2_000_000))
    pickup = pc.add(steps, 1_700_000_000_000_000 + start * 1_000_000)
    dropoff = pc.add(pickup, pc.multiply(skewed(rows, 5400), 1_000_000))
    zones = [f"{word.title()} {side}" for word in vocabulary[:130] for side in ("North", "South")]
    return {
        "vendor_id": pick(rows, [1, 2]),
        "pickup_at": pc.cast(pickup, pa.timestamp("us")),
        "dropoff_at": pc.cast(dropoff, pa.timestamp("us")),
        "passenger_count": nullable(pc.cast(pc.add(skewed(rows, 6), 1), pa.float64()), 0.05),
        "trip_distance": money(rows, 3.5),
        "rate_code": nullable(pc.cast(pc.add(skewed(rows, 6), 1), pa.float64()), 0.05),
        "stored_flag": nullable(pick(rows, ["N", "N", "N", "Y"]), 0.05),
        "pickup_zone_id": pc.add(skewed(rows, 265), 1),
        "dropoff_zone_id": pc.add(skewed(rows, 265), 1),
        "payment_type": pc.add(skewed(rows, 5), 1),
        "fare_amount": money(rows, 15),
        "extra": pick(rows, [0.0, 0.5, 1.0, 2.5, 5.0]),
        "mta_tax": pick(rows, [0.5, 0.5, 0.5, 0.0]),
        "tip_amount": nullable(money(rows, 3)),
        "tolls_amount": pick(rows, [0.0, 0.0, 0.0, 6.94, 12.75]),
        "improvement_surcharge": pick(rows, [1.0, 1.0, 0.3]),
        "total_amount": money(rows, 25),
        "congestion_surcharge": nullable(pick(rows, [2.5, 2.5, 0.0]), 0.05),
        "airport_fee": nullable(pick(rows, [0.0, 0.0, 1.75]), 0.05),
        "zone": nullable(pick(rows, zones, skewed)),
    }


def logs(rows, start):
    return {
        "level": nullable(pick(rows, ["INFO", "INFO", "INFO", "WARN", "ERROR"])),
        "message": nullable(text(rows, 14)),
        "url": nullable(pc.binary_join_element_wise("https://example.com/", text(rows, 4), "")),
        "host": nullable(pick(rows, [f"host-{number:03d}" for number in range(200)])),
        "trace": nullable(hexadecimal(rows)),
    }


def dicts(rows, start):
    entries = [f"category-{number:05d}" for number in range(5000)]
    columns = {}
    for index in range(8):
        most = [4, 50, 500, 5000][index % 4]
        columns[f"text{index}"] = nullable(pick(rows, entries[:most]))
        columns[f"number{index}"] = nullable(pc.multiply(below(rows, most), 1_000_003))
    return columns


def nested(rows, start):
    counts = below(rows, 6)
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(counts)])
    offsets = pc.cast(offsets, pa.int32())
    total = offsets[-1].as_py()
    item = pa.StructArray.from_arrays(
        [nullable(skewed(total, 10_000)), nullable(money(total, 20)), pick(total, vocabulary[:500])],
        ["sku", "price", "name"],
    )
    place = pa.StructArray.from_arrays(
        [nullable(pick(rows, vocabulary[:300])), pc.multiply(uniform(rows), 90.0)], ["city", "latitude"]
    )
    return {
        "id": pc.cast(pc.add(pa.array(range(rows)), start), pa.int64()),
        "place": place,
        "scores": pa.ListArray.from_arrays(offsets, nullable(money(total, 5))),
        "items": pa.ListArray.from_arrays(offsets, item),
        "tags": pa.MapArray.from_arrays(offsets, pick(total, vocabulary[:50]), skewed(total, 100)),
    }


makers = {"trips": trips, "split": trips, "logs": logs, "dicts": dicts, "nested": nested}


def write(folder, rows_per_group, name, codec, groups):
    global seed
    seed = 7
    target = os.path.join(folder, f"{name}-{codec}")
    os.makedirs(target)
    first = (groups + 1) // 2
    start = 0
    for part, count in enumerate([first, groups - first]):
        if count == 0:
            continue
        writer = None
        for _ in range(count):
            table = pa.table(makers[name](rows_per_group, start))
            start += rows_per_group
            writer = writer or pq.ParquetWriter(
                os.path.join(target, f"part-{part}.parquet"), table.schema, compression=codec
            )
            writer.write_table(table, row_group_size=rows_per_group)
        writer.close()


for word in sys.argv[3:]:
    name, codec, groups = word.split(":")
    write(sys.argv[1], int(sys.argv[2]), name, codec, int(groups))
