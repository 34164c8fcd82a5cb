"""Writes a table to be planned: ten files a day, three row groups each, in the order of id.

make_plan.py FOLDER FILES -> FOLDER/day=DATE/part-N.parquet
"""

import datetime
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

folder, files = sys.argv[1], int(sys.argv[2])
GROUP_ROWS, GROUPS, FILES_A_DAY = 500, 3, 10


def uniform(rows, seed):
    return pc.random(rows, initializer=seed)


def below(rows, most, seed):
    return pc.cast(pc.floor(pc.multiply(uniform(rows, seed), most)), pa.int64())


def events(start, rows):
    ids = pa.array(range(start, start + rows), pa.int64())
    numbers = {name: uniform(rows, start + at) for at, name in enumerate("abcd")}
    return pa.table(
        {
            "id": ids,
            "at": pc.cast(pc.multiply(ids, 250), pa.timestamp("ms")),
            "account": below(rows, 10**9, start + 5),
            "code": pc.cast(below(rows, 10**6, start + 6), pa.int32()),
            "kind": pc.cast(below(rows, 7, start + 7), pa.string()),
            "word": pc.cast(uniform(rows, start + 8), pa.string()),
            **numbers,
        }
    )


rows = GROUP_ROWS * GROUPS
for at in range(files):
    date = datetime.date(2026, 1, 1) + datetime.timedelta(days=at // FILES_A_DAY)
    os.makedirs(f"{folder}/day={date}", exist_ok=True)
    path = f"{folder}/day={date}/part-{at % FILES_A_DAY:05d}.parquet"
    pq.write_table(events(at * rows, rows), path, row_group_size=GROUP_ROWS)
