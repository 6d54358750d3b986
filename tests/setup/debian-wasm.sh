#!/usr/bin/env bash
# Gives a Debian machine whose rustup cannot download targets a toolchain for wasm32-unknown-unknown.
#
# Debian ships a recent compiler with the library's source (`rustc-web`, `rust-web-src`) but no compiled library
# for this target. Here it is compiled once and put where the compiler looks, and the toolchain is linked into
# rustup as `web`: RUSTUP_TOOLCHAIN=web cargo build --target wasm32-unknown-unknown.
# Needs root; takes about a minute; does nothing the second time.
set -euo pipefail
target=wasm32-unknown-unknown
export DEBIAN_FRONTEND=noninteractive

apt-get -qq update
lld=$(apt-cache search --names-only '^lld-[0-9]+$' | grep -oE '^lld-[0-9]+' | sort -t- -k2 -n | tail -1)
apt-get -qq install -y --no-install-recommends rustc-web cargo-web rust-web-src "${lld:?no lld package}" >/dev/null
linker=$(command -v "wasm-ld-${lld#lld-}")

sysroot=$(/usr/bin/rustc --print sysroot)
lib=$sysroot/lib/rustlib/$target/lib
if ! compgen -G "$lib/libstd-*.rlib" >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    # Debian's own cargo must find Debian's own rustc, not rustup's.
    export PATH=/usr/bin:$PATH
    /usr/bin/cargo init --quiet --lib --name seed --vcs none .
    # Bitcode is embedded because a later build with LTO asks the library for it.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C linker=$linker -C embed-bitcode=yes" /usr/bin/cargo build --quiet --release \
        --target $target -Z build-std=std,panic_abort,panic_unwind,test
    mkdir -p "$lib"
    find "target/$target/release/deps" -name '*.rlib' ! -name 'libseed*' -exec cp {} "$lib" \;
fi

# The target's linker goes by this name, which Debian's toolchain lacks.
command -v rust-lld >/dev/null || ln -s "$linker" /usr/local/bin/rust-lld
if command -v rustup >/dev/null; then rustup toolchain link web "$sysroot"; fi
