"""Writes the tables of the selective queries, seeded, with page indexes and one bloom filter.

make_selective.py FOLDER ROWS_PER_GROUP DAYS
  -> FOLDER/events/part-N.parquet  four files of two row groups, in the order of id and time, rows long
     FOLDER/daily/day=DATE/part-N.parquet  ten small files a day
"""

import datetime
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder, rows_per_group, days = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
seed = 0


def uniform(rows):
    global seed
    seed += 1
    return pc.random(rows, initializer=seed)


def below(rows, most):
    return pc.cast(pc.floor(pc.multiply(uniform(rows), most)), pa.int64())


def pick(rows, choices):
    return pc.take(pa.array(choices), below(rows, len(choices)))


digits = pa.array([f"{number:04x}" for number in range(65536)])


def hexadecimal(rows, parts):
    return pc.binary_join_element_wise(*[pc.take(digits, below(rows, 65536)) for _ in range(parts)], "")


def burst(rows):
    """Nulls but for ten rows in a row: errors come together."""
    at = rows * 2 // 3
    return pa.array([row % 100 if at <= row < at + 10 else None for row in range(rows)], pa.int64())


def events(start, rows):
    ids = pa.array(range(start, start + rows), pa.int64())
    first = int(datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc).timestamp() * 1000)
    # A row every 250 ms, so that an hour is 14,400 rows.
    times = pc.cast(pc.add(pc.multiply(ids, 250), first), pa.timestamp("ms"))
    return pa.table(
        {
            "id": ids,
            "at": times,
            "kind": pick(rows, ["click", "close", "login", "logout", "open", "share", "view"]),
            "account": pc.binary_join_element_wise("acct", pc.cast(pc.multiply(ids, 7919), pa.string()), "-"),
            "amount": pc.multiply(uniform(rows), 1000.0),
            "status": burst(rows),
            "note": pc.binary_join_element_wise(hexadecimal(rows, 10), hexadecimal(rows, 2), " "),
            "payload": hexadecimal(rows, 24),
        }
    )


def small(start, rows):
    ids = pa.array(range(start, start + rows), pa.int64())
    return pa.table({"id": ids, "value": uniform(rows), "word": hexadecimal(rows, 3)})


os.makedirs(f"{folder}/events")
for at in range(4):
    pq.write_table(
        events(at * 2 * rows_per_group, 2 * rows_per_group),
        f"{folder}/events/part-{at}.parquet",
        row_group_size=rows_per_group,
        write_page_index=True,
        bloom_filter_options={"account": {"ndv": rows_per_group, "fpp": 0.01}},
        use_dictionary=["kind"],
        compression="snappy",
    )
for day in range(days):
    date = datetime.date(2026, 1, 1) + datetime.timedelta(days=day)
    os.makedirs(f"{folder}/daily/day={date}")
    for part in range(10):
        pq.write_table(small((day * 10 + part) * 50, 50), f"{folder}/daily/day={date}/part-{part}.parquet")
