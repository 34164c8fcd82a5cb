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
