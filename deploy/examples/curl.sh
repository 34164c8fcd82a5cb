#!/bin/sh
# Rows with curl: CSV, a JSON object a line, and an Arrow stream.
#   ./curl.sh http://127.0.0.1:8080 SCHEMA TABLE
set -eu
gateway=$1 schema=$2 table=$3
curl --fail --silent --show-error "$gateway/v1/schemas/$schema/tables/$table" >&2
# --compressed asks for gzip; --fail and curl's own check of the ending make an error of every cut-off answer.
curl --fail --silent --show-error --compressed --get "$gateway/v1/read" \
  --data-urlencode "schema=$schema" --data-urlencode "table=$table" \
  --data-urlencode 'filter=n >= 10' --data-urlencode 'format=csv' | tail -n +2 | wc -l
