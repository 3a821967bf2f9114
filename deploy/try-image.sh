#!/bin/sh
# Builds the Dockerfile's targets and starts each, on a machine that reaches no registry of images: Debian by debootstrap,
# with the Node of this machine for the build, stands in for both base images. Takes root, and the packages buildah,
# debootstrap and file. Says for each target what its health check answers; exits with 1 where one is not as it should be.
#
#   deploy/try-image.sh [folder for images, kept for the next run]
#
# TARGETS="jetstream ufos" tries these alone. ARCH=arm64 builds for that and runs it under qemu, where binfmt_misc knows how: with
# the packages qemu-user-static and binfmt-support it does.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work/storage" "$work/run"
here=$(dpkg --print-architecture)
arch=${ARCH:-$here}
build() { buildah --root "$work/storage" --runroot "$work/run" "$@"; }
is_there() { build inspect --type image "$1" > /dev/null 2>&1; }

for each in "$here" "$arch"; do
  if is_there "standin/debian-$each"; then continue; fi
  rootfs="$work/rootfs-$each"
  debootstrap --arch="$each" --variant=minbase bookworm "$rootfs" > "$work/debootstrap-$each.log"
  rm -rf "$rootfs"/var/cache/apt/archives/*.deb "$rootfs"/var/lib/apt/lists/*
  # How this machine reaches packages, here and below.
  cp -a /etc/apt/apt.conf.d /etc/apt/sources.list.d "$rootfs/etc/apt/"
  cp -a /etc/ssl "$rootfs/etc/"
  cp -a /usr/share/ca-certificates /usr/local/share/ca-certificates "$rootfs/usr/share/" 2> /dev/null || true
  container=$(build from scratch)
  build copy -q "$container" "$rootfs" / > /dev/null
  # Its label names this machine, whatever is in it: an old buildah looks for every base by the platform of the first.
  build commit -q --rm "$container" "standin/debian-$each" > /dev/null
  rm -rf "$rootfs"
done
if ! is_there standin/node; then
  container=$(build from --pull-never "standin/debian-$here")
  mount=$(build mount "$container")
  test -n "$mount"
  cp -L "$(command -v node)" "$mount/usr/bin/node"
  mkdir -p "$mount/usr/lib/node_modules"
  cp -a "$(npm root --global)/npm" "$mount/usr/lib/node_modules/"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$mount/usr/bin/npx"
  for file in /etc/npmrc "$HOME/.npmrc"; do [ ! -e "$file" ] || cat "$file"; done > "$mount/root/.npmrc"
  build umount "$container" > /dev/null
  build commit -q --rm "$container" standin/node > /dev/null
fi

# A process and all below it, these first.
stop() {
  for child in $(ps -o pid= --ppid "$1"); do stop "$child"; done
  kill "$1" 2> /dev/null || true
}

failed=0
for target in ${TARGETS:-jetstream constellation spacedust slingshot ufos suite}; do
  # Old releases of buildah do not set the last two themselves.
  build bud -q --isolation chroot --format docker --layers --target "$target" \
    --build-arg NODE_IMAGE=standin/node --build-arg "BASE_IMAGE=standin/debian-$arch" \
    --build-arg "BUILDPLATFORM=linux/$here" --build-arg "TARGETARCH=$arch" \
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
  mount=$(build mount "$container")
  # For which machine Node and the native modules are, which is to be one.
  machines=$(find "$mount/orrery" -type f \( -name '*.node' -o -path '*/bin/node' \) -exec file -b {} + | cut -d, -f2 | sort -u)
  build umount "$container" > /dev/null
  size=$(build images --format '{{.Size}}' "orrery-$target")
  [ "$(echo "$machines" | wc -l)" = 1 ] || answer="binaries for$(echo "$machines" | tr '\n' ',')"
  case $answer in
    *'does not answer'*) echo "$target FAILED: $answer"; tail -5 "$work/$target.run.log"; failed=1 ;;
    *starting*|*' ok'*) echo "$target: $answer; user and compilers: $who; for$machines; $size" ;;
    *) echo "$target FAILED: $answer"; tail -5 "$work/$target.run.log"; failed=1 ;;
  esac
  stop "$running"
  wait "$running" 2> /dev/null || true
  build rm "$container" > /dev/null
done
exit "$failed"
