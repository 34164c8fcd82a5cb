#!/usr/bin/env bash
# The Python that benchmarks compare with, and that tests read with as clients do: a virtual environment in .cache/venv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=.cache/venv
wanted='pyarrow==26.0.1 cryptography==46.0.3 dask[dataframe]==2026.8.0 duckdb==2.0.0 fsspec==2026.9.0 pandas==3.1.1 polars==2.1.0'
[ "$(cat "$venv/.installed" 2>/dev/null || true)" = "$wanted" ] && exit 0
python3 -m venv "$venv"
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: $wanted
echo "$wanted" >"$venv/.installed"
