# Build with the whole toolchain, run with next to nothing.
ARG RUST=1.95

FROM rust:${RUST}-bookworm AS build
WORKDIR /src
# The dependencies are a layer of their own: they change less often than the code.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY loadgen/Cargo.toml loadgen/
COPY lunch/Cargo.toml lunch/
COPY server/Cargo.toml server/
COPY xtask/Cargo.toml xtask/
RUN for member in loadgen lunch server xtask; do \
        mkdir -p $member/src && echo '' > $member/src/lib.rs && echo 'fn main() {}' > $member/src/main.rs; \
    done \
    && cargo build --release --locked --package server --package loadgen \
    && cargo build --release --locked --package lunch
COPY . .
# The history is not here: pass "$(git describe --always --dirty)".
ARG LOADGEN_COMMIT=unknown
# Newer than what was built from the empty sources.
RUN find loadgen lunch server -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package server --package loadgen \
    && cargo build --release --locked --package lunch \
    && mkdir -p /out && cp target/release/relay target/release/loadgen target/release/lunch /out/

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="lunch-relay" \
      org.opencontainers.image.description="A polite caching HTTP relay for one slow, rate-limited API" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/ /usr/local/bin/
# Inside a container, the listeners are published or not by whoever runs it.
ENV RELAY_LISTEN=[::]:8080 \
    RELAY_ADMIN_LISTEN=[::]:8081
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/relay"]
