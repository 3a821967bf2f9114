#!/bin/sh
# Builds the Dockerfile's targets and starts each, on a machine that reaches no registry of images: Debian by debootstrap,
# with the Node of this machine for the build, stands in for both base images. Takes root, and the packages buildah and
# debootstrap. Says for each target what its health check answers; exits with 1 where one is not as it should be.
#
#   deploy/try-image.sh [folder for images, kept for the next run]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work/storage" "$work/run"
# Old releases of buildah do not set these themselves.
arch=$(dpkg --print-architecture)
build() { buildah --root "$work/storage" --runroot "$work/run" "$@"; }

if [ ! -e "$work/rootfs/bin/sh" ]; then
  debootstrap --variant=minbase bookworm "$work/rootfs" > "$work/debootstrap.log"
  rm -rf "$work/rootfs"/var/cache/apt/archives/*.deb "$work/rootfs"/var/lib/apt/lists/*
fi
# How this machine reaches packages, here and below.
cp -a /etc/apt/apt.conf.d /etc/apt/sources.list.d "$work/rootfs/etc/apt/"
cp -a /etc/ssl "$work/rootfs/etc/"
cp -a /usr/share/ca-certificates /usr/local/share/ca-certificates "$work/rootfs/usr/share/" 2> /dev/null || true
if ! build inspect --type image standin/node > /dev/null 2>&1; then
  container=$(build from scratch)
  build copy -q "$container" "$work/rootfs" / > /dev/null
  build commit -q "$container" standin/debian > /dev/null
  mount=$(build mount "$container")
  test -n "$mount"
  cp -L "$(command -v node)" "$mount/usr/bin/node"
  mkdir -p "$mount/usr/lib/node_modules"
  cp -a "$(npm root --global)/npm" "$mount/usr/lib/node_modules/"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$mount/usr/bin/npx"
  for file in /etc/npmrc "$HOME/.npmrc"; do [ ! -e "$file" ] || cat "$file"; done > "$mount/root/.npmrc"
  build umount "$container" > /dev/null
  build commit -q "$container" standin/node > /dev/null
  build rm "$container" > /dev/null
fi

# A process and all below it, these first.
stop() {
  for child in $(ps -o pid= --ppid "$1"); do stop "$child"; done
  kill "$1" 2> /dev/null || true
}

failed=0
for target in ${TARGETS:-jetstream constellation spacedust slingshot ufos suite}; do
  build bud -q --isolation chroot --format docker --layers --target "$target" \
    --build-arg NODE_IMAGE=standin/node --build-arg BASE_IMAGE=standin/debian \
    --build-arg "BUILDPLATFORM=linux/$arch" --build-arg "TARGETARCH=$arch" \
    -t "orrery-$target" "$root" > "$work/$target.log" 2>&1 || { cat "$work/$target.log"; exit 1; }
  container=$(build from --pull-never "orrery-$target")
  # As its entry point says; no network is needed for it to answer.
  config=$(build inspect --type image "orrery-$target")
  said() { printf '%s' "$config" | node -e "const c = JSON.parse(require('fs').readFileSync(0)).Docker.config; console.log($1.join(' '))"; }
  command=$(said '[...c.Entrypoint, ...c.Cmd]')
  check=$(said 'c.Healthcheck.Test.slice(1)')
  # shellcheck disable=SC2086
  build run --isolation chroot --env JETSTREAM_SOURCE=ws://127.0.0.1:9 "$container" -- $command > "$work/$target.run.log" 2>&1 &
  running=$!
  answer=none
  for _ in $(seq 1 60); do
    sleep 1
    # shellcheck disable=SC2086
    answer=$(build run --isolation chroot "$container" -- $check 2>&1 | grep -m1 -E '^(127|no )') || true
    # Without a network none is ok: `starting` is the truth.
    case $answer in *'does not answer'*) ;; *starting*|*' ok'*) break ;; esac
  done
  who=$(build run --isolation chroot "$container" -- sh -c 'id -u; command -v cc gcc g++ clang make python3 npm || true' | tr '\n' ' ')
  size=$(build images --format '{{.Size}}' "orrery-$target")
  case $answer in
    *'does not answer'*) echo "$target FAILED: $answer"; tail -5 "$work/$target.run.log"; failed=1 ;;
    *starting*|*' ok'*) echo "$target: $answer; user and compilers: $who; $size" ;;
    *) echo "$target FAILED: $answer"; tail -5 "$work/$target.run.log"; failed=1 ;;
  esac
  stop "$running"
  wait "$running" 2> /dev/null || true
  build rm "$container" > /dev/null
done
exit "$failed"
