#!/bin/sh
# Rebuilds guests/bin and guests/DIGESTS from the sources beside this script. Installs nothing: it says what is missing.
#
#   guests/build.sh              everything that comes out the same every time: c, rust, wat
#   guests/build.sh c rust       only these; `js` only when named, because its builder's output differs from run to run, and
#                                `py`, which goes to guests/built and is not checked in, because it is 18 MB
#   guests/build.sh --check      builds nothing; compares guests/bin with guests/DIGESTS
#
# OUT=DIR writes there instead and leaves DIGESTS alone. README.md names the compilers that made the files
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
    # Components: a module with the generated bindings, and the adapter that has it import preview 2.
    command -v cargo >/dev/null || missing "no cargo, which runs rust/componentize-c"
    for project in c/*/; do
        name=$(basename "$project")
        made=$here/target/$name
        mkdir -p "$made"
        componentize_c bindings wit/greet "$made"
        # shellcheck disable=SC2086
        $cc -std=gnu11 -O2 -s -mexec-model=reactor -Wall -Wextra -I "$made" -o "$made/$name.wasm" \
            "$project$name.c" "$made"/*.c "$made"/*_component_type.o
        componentize_c component "$made/$name.wasm" "$out/$name.wasm"
    done
}

componentize_c() {
    CARGO_TARGET_DIR=$here/target cargo run --quiet --manifest-path rust/Cargo.toml --locked -p componentize-c -- "$@"
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
    cargo_wasm wasm32-wasip2 "$link -C link-arg=--wasm-ld-path=/usr/bin/wasm-ld-22 -C link-arg=$lib/crt1-reactor.o" hello-p2 greet-rust
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
        case $name in
        greet-js) world="--wit wit/greet --world greeter" ;;
        # Its world is its own, and imports nothing.
        *) world="--wit $project/$name.wit --world $name --stub-wasi" ;;
        esac
        # The plain component model, without its async part; the small runtime.
        # shellcheck disable=SC2086
        "$tool" $world --js "$project/$name.js" --sync --opt-size --output "$out/$name.wasm"
    done
}

build_py() {
    command -v componentize-py >/dev/null || missing "no componentize-py: pip install -r guests/py/requirements.txt"
    into=${OUT:-built}
    mkdir -p "$into"
    for project in py/*/; do
        name=$(basename "$project")
        componentize-py --quiet --wit-path wit/greet --world greeter \
            componentize --python-path "$project" --output "$into/$name.wasm" app
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
    c | rust | wat | js | py) "build_$part" ;;
    *) missing "unknown part $part: c, rust, wat, js or py" ;;
    esac
done
chmod 644 "$out"/*.wasm
[ "$out" != bin ] || find bin -type f | LC_ALL=C sort | xargs sha256sum >DIGESTS
