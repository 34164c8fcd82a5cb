#!/usr/bin/env bash
# The Python that benchmarks compare with, and that tests read with as clients do: a virtual environment in .cache/venv.
# With "spark" the one for the example of Spark, 1 GB, in .cache/venv-spark: CI leaves it out, the example is skipped then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=.cache/venv
wanted='pyarrow==26.0.1 cryptography==46.0.3 dask[dataframe]==2026.8.0 duckdb==2.0.0 fsspec==2026.9.0 pandas==3.1.1 polars==2.1.0'
if [ "${1:-}" = spark ]; then
  venv=.cache/venv-spark
  wanted='pyarrow==26.0.1 pandas==2.3.3 pyspark==4.3.0'
fi
[ "$(cat "$venv/.installed" 2>/dev/null || true)" = "$wanted" ] && exit 0
python3 -m venv "$venv"
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-binary pyspark $wanted
echo "$wanted" >"$venv/.installed"
