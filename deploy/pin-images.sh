#!/bin/sh
# Renews the digests in Dockerfile and compose.yaml: each becomes what its tag stands for now, for all architectures. To move
# to another version change the tag, and run it. Takes skopeo, or docker with buildx, and a network; where a registry does not
# answer, nothing is changed. Read what changed before you keep it: `git diff Dockerfile compose.yaml`.
set -eu
cd "$(dirname "$0")/.."

digest_of() {
  if command -v skopeo > /dev/null; then skopeo inspect --raw "docker://$1" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'
  else docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}'; fi
}

edits=
for image in $(grep -ho 'docker\.io/[a-z/]*:[A-Za-z0-9._-]*' Dockerfile compose.yaml | sort -u); do
  digest=$(digest_of "$image")
  # Of no bytes at all, where nothing was answered.
  [ "$digest" != sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ] || digest=
  printf '%s' "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}' || { echo "no digest for $image" >&2; exit 1; }
  edits="$edits;s|$image\(@sha256:[0-9a-f]*\)\{0,1\}|$image@$digest|"
  echo "$image@$digest"
done
sed -i "$edits" Dockerfile compose.yaml
