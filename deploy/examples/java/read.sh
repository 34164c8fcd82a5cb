#!/bin/sh
# Counts rows with Arrow's Java client, by Maven: sh read.sh grpc://127.0.0.1:8815 SCHEMA TABLE
exec mvn -q -B -f "$(dirname "$0")" compile exec:exec -Dread="$*"
