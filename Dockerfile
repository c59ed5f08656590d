# syntax=docker/dockerfile:1

# Sandpit with its twenty-three tools. `just docker-rehearse` goes through these steps without an
# engine, so keep them to what scripts/rehearse-image reads.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY scripts/wasm-target scripts/wasm-target
RUN scripts/wasm-target
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    scripts/image-contents /image

# glibc and a user without rights; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /
# Compiled components are kept here; mount a tmpfs or a volume where the root is read-only.
COPY --from=build --chown=65532:65532 /image/var/cache/sandpit/ /var/cache/sandpit/
# The journal of orders; mount a volume, or it goes with the container.
COPY --from=build --chown=65532:65532 /image/var/lib/sandpit/ /var/lib/sandpit/
ENV SANDPIT_SERVER__LISTEN=0.0.0.0
ENV PORT=8000
ENV SANDPIT_CONFIG=/etc/sandpit/sandpit.toml
ENV SANDPIT_TOOLS__FOLDER=/opt/sandpit/tools
# Where the token will be, not the token.
# hadolint ignore=DL3064
ENV SANDPIT_OPERATOR__TOKEN_FILE=/var/cache/sandpit/operator.token
# The digests of callers' tokens; beside the journal, so that they outlive the container.
# hadolint ignore=DL3064
ENV SANDPIT_AUTH__TOKENS_FILE=/var/lib/sandpit/tokens.json
ENV SANDPIT_JOURNAL__FILE=/var/lib/sandpit/journal.db
ENV SANDPIT_SANDBOX__CACHE_FOLDER=/var/cache/sandpit
ENV TWS_HOST=host.docker.internal
ENV TWS_PORT=7497
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s --retries=3 CMD ["/usr/local/bin/sandpit", "health"]
ENTRYPOINT ["/usr/local/bin/sandpit"]
CMD ["serve"]
