#!/usr/bin/env bash
# Runs programs nobody here wrote, each twice: as it comes, with no limit named, and with less memory than it needs.
#
#   tests/real/run.sh                     all of them
#   tests/real/run.sh sqlite quickjs      only these; `esbuild` is the third
#
#   AMBIT         the program under test; default: debug/ambit in $CARGO_TARGET_DIR, or in ./target
#   AMBIT_CACHE   where programs are fetched and built, once; default: ~/.cache/ambit
#
# Needs npm for esbuild, and cargo and python3 with venv for the two in C. What cannot be had is skipped and said so.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

esbuild=0.27.2
esbuild_sha256=ed4ef442d8db48e201bf5f55b8cd6a8fb65d21bcfa2705cc5a7381ceed33f008
zig=0.17.1
sqlite=0.39.1  # of the crate libsqlite3-sys
quickjs=0.14.0 # of the crate rquickjs-sys

all=(esbuild sqlite quickjs)
for name; do
    case $name in
    esbuild | sqlite | quickjs) ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
done
[ $# -gt 0 ] || set -- "${all[@]}"

ambit=${AMBIT:-${CARGO_TARGET_DIR:-$top/target}/debug/ambit}
if ! [ -x "$ambit" ]; then
    echo "run.sh: no program at $ambit: cargo build, or set AMBIT" >&2
    exit 2
fi
ambit=$(realpath "$ambit")
# What is tried is what a newcomer gets.
unset AMBIT_PROFILE AMBIT_CONFIG AMBIT_ISOLATION AMBIT_ENGINE AMBIT_MEMORY AMBIT_FUEL AMBIT_TIMEOUT AMBIT_CPU_TIME

cache=${AMBIT_CACHE:-$HOME/.cache/ambit}/real
mkdir -p "$cache"
cache=$(realpath "$cache")
skips=$(realpath "${AMBIT_SKIPPED:-/dev/null}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
passed=0 failed=0 skipped=0

ok() {
    passed=$((passed + 1))
    echo "ok $1"
}

fail() {
    failed=$((failed + 1))
    echo "FAILED $1: $2"
}

# skip NAME REASON: for what this machine lacks.
skip() {
    skipped=$((skipped + 1))
    echo "SKIPPED: $1: $2" | tee -a "$skips"
}

# why: what a command said last into ./log, from its word "error" on where it has one.
why() {
    { grep -i -m 1 error log || tail -n 1 log; } | cut -c 1-200
}

# --- programs ---------------------------------------------------------------------------------------------------------

# Each get_NAME makes a file in the cache, unless it is there, and sets `program` to it; or it skips or fails the program,
# and leaves `program` empty.

get_esbuild() {
    local made=$cache/esbuild-$esbuild.wasm package
    if ! [ -s "$made" ]; then
        command -v npm >/dev/null || { skip esbuild "there is no npm"; return; }
        package=$(npm pack --loglevel=error "@esbuild/wasi-preview1@$esbuild" 2>log) ||
            { skip esbuild "npm cannot get it: $(why)"; return; }
        tar -xzf "$package" package/esbuild.wasm
        echo "$esbuild_sha256  package/esbuild.wasm" | sha256sum --check --status ||
            { fail esbuild "what npm got is not the file this script was written for"; return; }
        keep package/esbuild.wasm "$made"
    fi
    program=$made
}

get_sqlite() {
    build sqlite libsqlite3-sys "$sqlite" sqlite3 \
        -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_FTS5 \
        -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS \
        -lwasi-emulated-getpid -lwasi-emulated-signal -lwasi-emulated-process-clocks \
        sqlite3.c "$here/sqlite.c"
}

get_quickjs() {
    build quickjs rquickjs-sys "$quickjs" quickjs \
        -DNDEBUG -D_GNU_SOURCE -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS \
        -lwasi-emulated-signal -lwasi-emulated-process-clocks \
        {qjs,quickjs,quickjs-libc,libregexp,libunicode,dtoa,gen/repl,gen/standalone}.c
}

# build NAME CRATE VERSION DIRECTORY ARGUMENT…: compiles C sources in a directory of a crate; sets `sources` to that too.
build() {
    local name=$1 made=$1-$3
    command -v cargo >/dev/null || { skip "$name" "there is no cargo"; return; }
    sources=$(sources "$2" "$3" 2>log)/$4 || { skip "$name" "cargo cannot get $2 $3: $(why)"; return; }
    shift 4
    made=$cache/$made-$(echo "$zig $*" | cat - "$here/sqlite.c" | sha256sum | cut -c 1-8).wasm
    if ! [ -s "$made" ]; then
        command -v python3 >/dev/null || { skip "$name" "there is no python3"; return; }
        compiler >log 2>&1 || { skip "$name" "$(why)"; return; }
        # The C stack, which the compiler would make 16 MiB.
        (cd "$sources" && ZIG_GLOBAL_CACHE_DIR=$cache/zig-cache "$cache/zig-$zig/bin/python" -m ziglang cc -target wasm32-wasi -O2 -s -I . \
            -Wl,-z,stack-size=1048576 -o "$work/built.wasm" "$@") >log 2>&1 ||
            { fail "$name" "it does not compile: $(tail -n 5 log)"; return; }
        keep built.wasm "$made"
    fi
    program=$made
}

# sources CRATE VERSION: prints where the crate's sources are, by way of a package that depends on it and is never built.
sources() {
    local package=$work/$1-sources
    mkdir -p "$package"
    : >"$package/lib.rs"
    cat >"$package/Cargo.toml" <<END
[package]
name = "sources"
edition = "2024"
[lib]
path = "lib.rs"
[dependencies]
$1 = "=$2"
[workspace]
END
    (cd "$package" && cargo fetch --quiet && cargo metadata --format-version 1 --offline) >"$package/metadata"
    grep -oE '"manifest_path":"[^"]*/'"$1-$2"'/Cargo\.toml"' "$package/metadata" | cut -d '"' -f 4 | sed 's,/[^/]*$,,'
}

# compiler: makes sure of zig, in an environment of its own.
compiler() {
    local venv=$cache/zig-$zig
    if ! [ -e "$venv/complete" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check "ziglang==$zig" &&
            touch "$venv/complete"
    fi
}

# keep FILE AS: in one step, so that no half of it is ever found there.
keep() {
    cp "$1" "$2.$$"
    mv "$2.$$" "$2"
}

# --- cases ------------------------------------------------------------------------------------------------------------

# run ARGUMENT…: stdin from ./in; leaves ./out, ./err, ./report and $status. A run that hangs is an error too.
run() {
    rm -f report
    status=0
    timeout 300 "$ambit" run --report report "$@" <in >out 2>err || status=$?
}

# works CASE EXPECTED ARGUMENT…: ends with 0, having written exactly that.
works() {
    local name=$1 expected=$2
    shift 2
    run "$@"
    if [ "$status" -ne 0 ]; then
        fail "$name" "status $status: $(cat out err | head -c 2000)"
    elif ! printf '%s' "${expected:+$expected$'\n'}" | cmp -s - out; then
        fail "$name" "expected '$expected', got '$(head -c 2000 out)'"
    else
        ok "$name"
    fi
}

# starves CASE ARGUMENT…: with 8 MiB it is over by that limit, and says so in status and report.
starves() {
    local name=$1 outcome
    shift
    run --memory 8MiB "$@"
    outcome=$(tr -d ' \n' <report | grep -oE '"outcome":\{[^}]*\}') || outcome="no report"
    case $status,$outcome in
    '123,"outcome":{"kind":"limit-exceeded","limit":"memory","allowed":8388608,'*) ok "$name" ;;
    *) fail "$name" "status $status, $outcome: $(head -c 2000 err)" ;;
    esac
}

test_esbuild() {
    mkdir app
    cat >app/main.ts <<'END'
import { greet } from './greet'
enum Colour { Red = 1, Green }
const loud: boolean = true
console.log(greet('world', loud), Colour.Green)
END
    cat >app/greet.ts <<'END'
export const greet = (who: string, loud?: boolean): string => `hello, ${who}${loud ? '!' : ''}`
export const unused = 1
END
    : >in
    works "esbuild: its version" "$esbuild" "$program" -- --version
    echo 'export const twice = (x: number): number => 2 * x' >in
    works "esbuild: from stdin to stdout" 'export const twice=e=>2*e;' "$program" -- --loader=ts --minify
    # The directory is read-only, and is the root: the program is in Go, which finds its way from there.
    # shellcheck disable=SC2016
    local bundle='(()=>{var e=(n,o)=>`hello, ${n}${o?"!":""}`;var t=!0;console.log(e("world",t),2);})();'
    works "esbuild: bundles from a read-only directory" "$bundle" --dir app:/ "$program" -- --bundle --minify main.ts
    works "esbuild: bundles into a directory" "" --dir app:/:rw "$program" -- \
        --bundle --minify --log-level=error --outfile=built/main.js main.ts
    works "esbuild: with less memory" "$bundle" --memory 64MiB --dir app:/ "$program" -- --bundle --minify main.ts
    starves "esbuild: in 8 MiB" --dir app:/ "$program" -- --bundle --minify main.ts
}

test_sqlite() {
    cat >in <<'END'
CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT, weight REAL);
INSERT INTO word(text, weight) VALUES ('ambit', 1.5), ('bound', 2.25), ('limit', NULL);
SELECT text, weight FROM word WHERE text LIKE '%b%' ORDER BY weight DESC;
SELECT count(*), sum(weight), group_concat(text, '+') FROM word;
SELECT json_extract('{"a":[1,2,{"b":3}]}', '$.a[2].b'), printf('%08.3f', 3.14159), hex(x'00ff');
WITH RECURSIVE fib(n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM fib WHERE n < 90) SELECT max(a) FROM fib;
CREATE VIRTUAL TABLE page USING fts5(body);
INSERT INTO page VALUES ('the bounds within which something operates'), ('something else');
SELECT body FROM page WHERE page MATCH 'bounds';
END
    works "sqlite: in memory" 'bound|2.25
ambit|1.5
3|3.75|ambit+bound+limit
3|0003.142|00FF
1779979416004714189
the bounds within which something operates' "$program"

    mkdir db
    cat >in <<'END'
CREATE TABLE t(a INTEGER PRIMARY KEY, b);
CREATE INDEX by_b ON t(b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT i, i * 7919 % 10007 FROM n;
BEGIN; DELETE FROM t; ROLLBACK;
BEGIN; DELETE FROM t WHERE a > 10000; COMMIT;
VACUUM;
END
    works "sqlite: makes a file" "" --dir db:/db:rw "$program" /db/test.sqlite
    # `immutable`: without it SQLite makes a lock, which a read-only directory does not allow.
    echo "PRAGMA integrity_check; SELECT count(*), sum(b), max(b) FROM t;" >in
    works "sqlite: reads it from a read-only directory" 'ok
10000|50041187|10006' --dir db:/db "$program" 'file:/db/test.sqlite?immutable=1'

    # 50 MB of rows.
    cat >in <<'END'
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n;
SELECT count(*), sum(length(b)) FROM t;
END
    works "sqlite: a table of 50 MB" '50000|50000000' "$program"
    starves "sqlite: the same in 8 MiB" "$program"
}

test_quickjs() {
    : >in
    works "quickjs: an expression" '1,4,9 1267650600228229401496703205376' "$program" -- \
        -e 'console.log([1, 2, 3].map(x => x * x).join(), 2n ** 100n)'
    # QuickJS's own tests say nothing when all is well.
    local its
    for its in language bigint closure loop bjson string_exports queue_microtask; do
        works "quickjs: test_$its.js" "" --dir "$sources/tests:/tests" "$program" -- --std "/tests/test_$its.js"
    done
    printf 'b\na\nc' >in
    works "quickjs: stdin" 'a,b,c' "$program" -- --std -e 'console.log(std.in.readAsString().split("\n").sort().join())'
    mkdir js
    echo 'export const answer = 6 * 7' >js/answer.js
    cat >js/main.js <<'END'
import { answer } from './answer.js'
import * as std from 'qjs:std'
const file = std.open('/js/out.txt', 'w')
file.puts(`${answer}\n`)
file.close()
console.log(await Promise.resolve(std.loadFile('/js/out.txt').trim()))
END
    : >in
    works "quickjs: modules and files" 42 --dir js:/js:rw "$program" /js/main.js
    local big='const a = []; for (let i = 0; i < 1e6; i++) a.push({ i }); console.log(a.length, a[999999].i)'
    works "quickjs: a million objects" '1000000 999999' "$program" -- -e "$big"
    starves "quickjs: the same in 8 MiB" "$program" -- -e "$big"
}

for name; do
    program=
    "get_$name"
    [ -z "$program" ] || "test_$name"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
