import pyarrow as pa, pyarrow.parquet as pq, random, json, sys
random.seed(5)
n=6000
ids=list(range(n))
shuffled=ids[:]; random.shuffle(shuffled)
t=pa.table({
 'id': pa.array(ids, pa.int64()),
 'small': pa.array([i//3 for i in ids], pa.int32()),
 'text': pa.array([None if i%7==0 else 'row %06d'%i for i in ids], pa.string()),
 'color': pa.array([['red','green','blue','black'][i%4] if i>=1500 else None for i in ids], pa.string()),
 'amount': pa.array([float('nan') if i%500==0 else (-0.0 if i%501==0 else i/4) for i in ids], pa.float64()),
 'day': pa.array([i//600 + 19000 for i in ids], pa.int32()).cast(pa.date32()),
 'code': pa.array([s*2 for s in shuffled], pa.int64()),
 'flag': pa.array([i%2==0 for i in ids]),
 'tags': pa.array([[i, i+1] if i%3 else [] for i in ids], pa.list_(pa.int32())),
})
out=sys.argv[1]
pq.write_table(t, out+'/paged.parquet', row_group_size=3000, max_rows_per_page=250, data_page_size=2000, write_page_index=True, use_dictionary=['color'], bloom_filter_options={'code': True, 'text': {'ndv': 3000, 'fpp': 0.01}}, write_batch_size=50)
pq.write_table(t, out+'/paged_v2.parquet', row_group_size=3000, max_rows_per_page=333, write_page_index=True, use_dictionary=['color','small'], data_page_version='2.0', compression='none', write_batch_size=37)
pq.write_table(t, out+'/paged_zstd.parquet', row_group_size=3000, max_rows_per_page=200, write_page_index=True, use_dictionary=['color'], compression='zstd', write_batch_size=40)

import decimal
m=500
def nulls(values): return [None if i%11==3 else v for i,v in enumerate(values)]
kinds = {
 'int8': pa.array(nulls([(i%120)-60 for i in range(m)]), pa.int8()),
 'uint16': pa.array(nulls([(i*131)%65536 for i in range(m)]), pa.uint16()),
 'int32': pa.array(nulls([i*7919-2000000 for i in range(m)]), pa.int32()),
 'uint32': pa.array(nulls([(i*2654435761)%4294967296 for i in range(m)]), pa.uint32()),
 'int64': pa.array(nulls([(-1)**i*i*10**14 for i in range(m)]), pa.int64()),
 'uint64': pa.array(nulls([18446744073709551615-i*3 for i in range(m)]), pa.uint64()),
 'float': pa.array(nulls([0.0 if i==0 else -0.0 if i==300 else i/8 for i in range(m)]), pa.float32()),
 'double': pa.array(nulls([float('nan') if i==7 else -0.0 if i==10 else i/3 for i in range(m)]), pa.float64()),
 'text': pa.array(nulls(['' if i==0 else 'wert %d ä' % (i*37) for i in range(m)]), pa.string()),
 'bytes': pa.array(nulls([bytes([i%256, i//256]) for i in range(m)]), pa.binary()),
 'fixed': pa.array(nulls([b'%05d' % i for i in range(m)]), pa.binary(5)),
 'day': pa.array(nulls([i*3-700 for i in range(m)]), pa.int32()).cast(pa.date32()),
 'ms': pa.array(nulls([i*86399999 for i in range(m)]), pa.timestamp('ms')),
 'us': pa.array(nulls([i*1000003 for i in range(m)]), pa.timestamp('us', 'UTC')),
 'dec': pa.array(nulls([decimal.Decimal(i*1234567-300000000).scaleb(-2) for i in range(m)]), pa.decimal128(25,2)),
 'dec9': pa.array(nulls([decimal.Decimal(i-250).scaleb(-2) for i in range(m)]), pa.decimal128(9,2)),
}
pq.write_table(pa.table(kinds), out+'/bloom_types.parquet', row_group_size=50, use_dictionary=False, write_statistics=False, store_decimal_as_integer=True, bloom_filter_options={n: {'ndv': 50, 'fpp': 0.001} for n in kinds})
