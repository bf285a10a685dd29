#!/bin/sh
# Rebuilds guests/bin and guests/DIGESTS from the sources beside this script. Installs nothing: it says what is missing.
#
#   guests/build.sh              everything that comes out the same every time: c, rust, wat
#   guests/build.sh c rust       only these; `js` only when named, because its builder's output differs from run to run
#   guests/build.sh --check      builds nothing; compares guests/bin with guests/DIGESTS
#
# OUT=DIR writes there instead of guests/bin and leaves DIGESTS alone. README.md names the compilers that made the files
# checked in: with the same ones the bytes are the same.
set -eu
cd "$(dirname "$0")"
here=$PWD
out=${OUT:-bin}

missing() {
    echo "build.sh: $1" >&2
    exit 1
}

build_c() {
    if command -v clang-19 >/dev/null && [ -d /usr/include/wasm32-wasi ]; then
        cc="clang-19 --target=wasm32-wasi"
    elif [ -n "${WASI_SDK_PATH:-}" ]; then
        cc="$WASI_SDK_PATH/bin/clang"
    elif command -v zig >/dev/null; then
        cc="zig cc -target wasm32-wasi"
    elif python3 -c 'import ziglang' 2>/dev/null; then
        cc="python3 -m ziglang cc -target wasm32-wasi"
    else
        missing "no C compiler for wasm: apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc, or pip install ziglang, or set WASI_SDK_PATH"
    fi
    for source in c/*.c; do
        name=$(basename "$source" .c)
        case $name in
        # With debug information, in which no path of this machine stands; alone, so that it is all of it.
        crash) flags="-g -O1 -nostdlib -Wl,--no-entry -fdebug-compilation-dir=guests" ;;
        *) flags="-O2 -s" ;;
        esac
        # What answers a host has no main.
        if grep -q '^#include "ambit.h"' "$source"; then flags="$flags -mexec-model=reactor"; fi
        # shellcheck disable=SC2086
        $cc -std=gnu11 $flags -Wall -Wextra -o "$out/$name.wasm" "$source"
    done
}

# cargo_wasm TARGET DEBIAN_FLAGS PACKAGE…
cargo_wasm() {
    target=$1 debian=$2
    shift 2
    packages=$(printf ' -p %s' "$@")
    # No path of this machine in a panic message.
    flags="--remap-path-prefix=$(dirname "$here")=ambit --remap-path-prefix=$here=guests"
    for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        flags="$flags --remap-path-prefix=$sources=crates"
    done
    if [ -z "${DEBIAN_RUST:-}" ] && rustup target list --installed 2>/dev/null | grep -qx "$target"; then
        # shellcheck disable=SC2086
        RUSTFLAGS=$flags cargo build --manifest-path rust/Cargo.toml --locked --release --target "$target" $packages
    elif [ -x /usr/bin/wasm-ld-22 ] && [ -d /usr/lib/wasm32-wasi ] && ls -d /usr/src/rustc-*/library >/dev/null 2>&1; then
        # Debian's compiler has no ready-made standard library for wasm: it is built along.
        # shellcheck disable=SC2086
        PATH=/usr/lib/rustlib/x86_64-unknown-linux-gnu/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags $debian" \
            cargo build --manifest-path rust/Cargo.toml --locked --release --target "$target" $packages -Zbuild-std=std,panic_abort
    else
        missing "no Rust for $target: rustup target add $target, or on Debian apt-get install rustc-web rust-web-src rust-web-llvm lld-22 wasi-libc"
    fi
    for package in "$@"; do
        file=$(echo "$package" | tr - _)
        built=$CARGO_TARGET_DIR/$target/release
        [ -f "$built/$package.wasm" ] && file=$package
        cp "$built/$file.wasm" "$out/$package.wasm"
    done
}

build_rust() {
    export CARGO_TARGET_DIR="$here/target"
    lib=/usr/lib/wasm32-wasi
    link="-C link-self-contained=no -C link-arg=-L$lib"
    cargo_wasm wasm32-wasip1 "$link -C linker=wasm-ld-22 -C link-arg=$lib/crt1-command.o" json dirlist
    cargo_wasm wasm32-wasip2 "$link -C link-arg=--wasm-ld-path=/usr/bin/wasm-ld-22 -C link-arg=$lib/crt1-reactor.o" hello-p2
    cargo_wasm wasm32-unknown-unknown "-C link-self-contained=no -C linker=wasm-ld-22" invoice
}

build_wat() {
    for source in wat/*.wat; do
        name=$(basename "$source" .wat)
        if command -v wasm-tools >/dev/null; then
            wasm-tools parse "$source" -o "$out/$name.wasm"
        elif python3 -c 'import wasmtime' 2>/dev/null; then
            python3 -c 'import sys, wasmtime; open(sys.argv[2], "wb").write(wasmtime.wat2wasm(open(sys.argv[1]).read()))' \
                "$source" "$out/$name.wasm"
        else
            missing "no assembler: cargo install wasm-tools, or pip install wasmtime"
        fi
    done
}

build_js() {
    for project in js/*; do
        name=$(basename "$project")
        tool=$project/node_modules/.bin/componentize-qjs
        [ -x "$tool" ] || tool=$(command -v componentize-qjs) || missing "no componentize-qjs: npm install --prefix guests/$project"
        # The plain component model, without its async part; no imports; the small runtime.
        "$tool" --wit "$project/$name.wit" --js "$project/$name.js" --world "$name" \
            --sync --stub-wasi --opt-size --output "$out/$name.wasm"
    done
}

if [ "${1:-}" = --check ]; then
    sha256sum --quiet -c DIGESTS
    listed=$(wc -l <DIGESTS) found=$(find bin -type f | wc -l)
    [ "$listed" -eq "$found" ] || missing "DIGESTS lists $listed files, guests/bin has $found"
    exit
fi

mkdir -p "$out"
[ $# -gt 0 ] || set -- c rust wat
for part; do
    case $part in
    c | rust | wat | js) "build_$part" ;;
    *) missing "unknown part $part: c, rust, wat or js" ;;
    esac
done
chmod 644 "$out"/*.wasm
[ "$out" != bin ] || find bin -type f | LC_ALL=C sort | xargs sha256sum >DIGESTS
