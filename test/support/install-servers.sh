#!/usr/bin/env bash
# Builds the S3 servers that tests and demo run against into .cache/bin, at pinned versions, with the Go toolchain (1.25 or
# later). What is there already at that version is kept, so that a second run needs neither network nor Go.
# MinIO is AGPL: it is built where it is used and never shipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bin=.cache/bin

# install NAME MODULE VERSION PACKAGE [LDFLAGS]: Go writes module and version into every binary, readable without Go.
install() {
  local name=$1 module=$2 version=$3 package=$4 ldflags=${5:-}
  if grep -aqsF $'mod\t'"$module"$'\t'"$version"$'\t' "$bin/$name"; then
    echo "$name $version is in $bin"
    return
  fi
  if ! command -v go >/dev/null; then
    echo "$name $version is not in $bin, and there is no Go toolchain to build it" >&2
    return 1
  fi
  echo "building $name $version; minutes on a cold machine"
  # Into a folder of its own first: an interrupted build leaves nothing that looks like a server.
  local fresh
  fresh=$(mktemp -d "$bin/.build-XXXXXX")
  if ! GOBIN="$PWD/$fresh" CGO_ENABLED=0 go install -ldflags "-s -w $ldflags" "$package@$version"; then
    rm -r "$fresh"
    return 1
  fi
  mv "$fresh/$name" "$bin/$name"
  rm -r "$fresh"
}

mkdir -p "$bin"

# The pin is the pseudo-version: module proxies serve no RELEASE tags. The flags make it say its release.
minio=github.com/minio/minio
install minio "$minio" v0.0.0-20260212201848-7aac2a2c5b7c "$minio" \
  "-X $minio/cmd.Version=2026-02-12T20:18:48Z -X $minio/cmd.ReleaseTag=RELEASE.2026-02-12T20-18-48Z -X $minio/cmd.CommitID=7aac2a2c5b7c"

# A second implementation of S3, which finds other faults than MinIO does.
versitygw=github.com/versity/versitygw
install versitygw "$versitygw" v1.8.0 "$versitygw/cmd/versitygw"
