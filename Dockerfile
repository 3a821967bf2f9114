# The whole suite, or one service of it, as an image: `docker build --target jetstream .`; without a target, all of it.
# For amd64 and arm64 alike: `docker buildx build --platform linux/amd64,linux/arm64 .` The installing runs on the machine that
# builds, whatever the image is for; of the rest, one package is added.
#
# Tags are for people, what is used is the digest behind them; deploy/pin-images.sh renews it.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ARG BASE_IMAGE=docker.io/library/debian:bookworm-20261005-slim@sha256:7c7b2c966bc9ee8cedfeef67e0e279108992c77681fa595db4a9d65c06ccc587

# Installs, on the machine that builds. Its Node is for that alone: what runs is the one that the lockfile pins.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS install
ARG TARGETARCH
WORKDIR /build
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY packages packages
COPY services services
RUN set -eu; \
    cpu="$(echo "${TARGETARCH:-$(uname -m)}" | sed 's/amd64/x64/; s/x86_64/x64/; s/aarch64/arm64/')"; \
    npx --yes pnpm@12.21.0 install --frozen-lockfile --prod --filter-prod 'orrery...' \
      --cpu="$cpu" --os=linux --libc=glibc; \
    # Binaries for other machines, and sources of those: none of it is loaded here.
    find node_modules/.pnpm -path '*/prebuilds/*' ! -path "*/prebuilds/linux-$cpu*" -prune -exec rm -rf {} +; \
    find node_modules/.pnpm -path '*/better-sqlite3/deps' -prune -exec rm -rf {} +; \
    rm -rf packages/testnet; \
    mkdir -p /out/orrery /out/bin /out/data; \
    cp -a package.json packages services node_modules /out/orrery/; \
    ln -s "/orrery/node_modules/.pnpm/$(cd node_modules/.pnpm && echo node-linux-"$cpu"@*)/node_modules/node-linux-$cpu/bin/node" \
      /out/bin/node; \
    printf '#!/bin/sh\nexec node /orrery/packages/cli/src/main.ts "$@"\n' > /out/bin/orrery; \
    chmod 755 /out/bin/orrery

# What runs: the C library, and the above. No package manager of Node's, no compiler.
FROM ${BASE_IMAGE} AS runtime
# Node is linked with it, and a small Debian has not got it.
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=install /out/bin /usr/local/bin
COPY --from=install /out/orrery /orrery
COPY --from=install --chown=10001:10001 /out/data /data
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/data/.node-cache \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144
# Its folder of data is a volume; all else can be read-only.
WORKDIR /
VOLUME /data
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=20", "/orrery/packages/cli/src/main.ts"]

FROM runtime AS jetstream
ENV JETSTREAM_DATA_DIR=/data/jetstream JETSTREAM_METRICS_LISTEN=0.0.0.0:16008
EXPOSE 6008 16008
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health", "jetstream"]
CMD ["jetstream"]

FROM runtime AS constellation
ENV CONSTELLATION_DATA_DIR=/data/constellation CONSTELLATION_METRICS_LISTEN=0.0.0.0:16789
EXPOSE 6789 16789
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health", "constellation"]
CMD ["constellation"]

FROM runtime AS spacedust
ENV SPACEDUST_DATA_DIR=/data/spacedust SPACEDUST_METRICS_LISTEN=0.0.0.0:16790
EXPOSE 6790 16790
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health", "spacedust"]
CMD ["spacedust"]

FROM runtime AS slingshot
ENV SLINGSHOT_DATA_DIR=/data/slingshot SLINGSHOT_METRICS_LISTEN=0.0.0.0:16791
EXPOSE 6791 16791
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health", "slingshot"]
CMD ["slingshot"]

FROM runtime AS ufos
ENV UFOS_DATA_DIR=/data/ufos UFOS_METRICS_LISTEN=0.0.0.0:19990
EXPOSE 9990 19990
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health", "ufos"]
CMD ["ufos"]

# The last one is what is built without a target.
FROM runtime AS suite
EXPOSE 6008 6789 6790 6791 9990
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["orrery", "health"]
CMD ["up"]
