#!/bin/sh
# Writes deploy/images.env: every base image as the digest that its tag stands for today, for all architectures. Then:
#
#   docker compose --env-file deploy/images.env up -d --build
#
# Takes docker with buildx, or skopeo, and a network. Read what changed before you keep it: `git diff deploy/images.env`.
set -eu
cd "$(dirname "$0")"

digest_of() {
  if command -v skopeo > /dev/null; then skopeo inspect --raw "docker://$1" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'
  else docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}'; fi
}

{
  echo '# Made by deploy/pin-images.sh. The tag before each digest is for people; the digest is what is used.'
  for pair in \
    NODE_IMAGE=docker.io/library/node:24-bookworm-slim \
    BASE_IMAGE=docker.io/library/debian:bookworm-slim \
    PROMETHEUS_IMAGE=docker.io/prom/prometheus:v3.5.0 \
    GRAFANA_IMAGE=docker.io/grafana/grafana:12.1.1 \
    CADDY_IMAGE=docker.io/library/caddy:2.10.2; do
    image=${pair#*=}
    digest=$(digest_of "$image")
    case $digest in
      sha256:????????????????????????????????????????????????????????????????) echo "$pair@$digest" ;;
      *) echo "no digest for $image" >&2; exit 1 ;;
    esac
  done
} > images.env.new
mv images.env.new images.env
cat images.env
