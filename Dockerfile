# Build with the whole toolchain, run with next to nothing.
#
#   docker build --build-arg REVISION="$(git describe --always --dirty)" --tag lunch-relay .
ARG RUST=1.95

# What the dependencies follow from, and no code: it changes less often.
FROM rust:${RUST}-bookworm AS manifests
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY loadgen/Cargo.toml loadgen/
COPY lunch/Cargo.toml lunch/
COPY server/Cargo.toml server/
COPY xtask/Cargo.toml xtask/
RUN for member in loadgen lunch server xtask; do \
        mkdir -p $member/src && echo '' > $member/src/lib.rs && echo 'fn main() {}' > $member/src/main.rs; \
    done

FROM manifests AS build
RUN cargo build --release --locked --package server --package loadgen \
    && cargo build --release --locked --package lunch
COPY . .
ARG VERSION=0.1.0
# The history is not here.
ARG REVISION=unknown
# The sources are touched to be newer than what was built from the empty ones.
# Names of functions stay in the programs, for backtraces.
RUN find loadgen lunch server -name '*.rs' -exec touch {} + \
    && export BUILD_VERSION="$VERSION" BUILD_REVISION="$REVISION" LOADGEN_COMMIT="$REVISION" \
    && cargo build --release --locked --package server --package loadgen \
    && cargo build --release --locked --package lunch \
    && mkdir -p /out/bin /out/data \
    && cp target/release/relay target/release/loadgen target/release/lunch /out/bin/ \
    && strip --strip-debug /out/bin/*

# Builds in seconds, for `docker compose --profile dev up --watch dev`.
FROM manifests AS dev
RUN cargo build --locked --package server
COPY . .
RUN find lunch server -name '*.rs' -exec touch {} +
ENV RELAY_LISTEN=[::]:8080 \
    RELAY_ADMIN_LISTEN=[::]:8081
EXPOSE 8080 8081
CMD ["cargo", "run", "--locked", "--package", "server"]

FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
# Where the sources are published.
ARG SOURCE=
LABEL org.opencontainers.image.title="lunch-relay" \
      org.opencontainers.image.description="A polite caching HTTP relay for one slow, rate-limited API" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /out/bin/ /usr/local/bin/
# For --snapshot, on a volume: the root may be read-only.
COPY --from=build --chown=65532:65532 /out/data /var/lib/relay
# By number: Kubernetes sees that it is not root's.
USER 65532:65532
# Inside a container, the listeners are published or not by whoever runs it.
ENV RELAY_LISTEN=[::]:8080 \
    RELAY_ADMIN_LISTEN=[::]:8081
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=6s --retries=3 CMD ["/usr/local/bin/relay", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/relay"]
