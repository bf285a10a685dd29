#!/usr/bin/env bash
# Runs every test, says what was skipped and why, and ends with what came out:
#
#   ./test.sh          the tests, on a machine with nothing but cargo and git
#   ./test.sh --long   and takes each limit's enforcement out in turn, expecting a test to fail (cargo xtask mutate-limits),
#                      tries the program as it is shipped, runs programs nobody here wrote (tests/real), and tries the jail in
#                      a virtual machine whose control groups are of version 2 alone (tests/vm)
#
# Uses cargo-nextest where it is installed, `cargo test` where not. The exit status is that of the tests.
set -euo pipefail
cd "$(dirname "$0")"

long=
case "$*" in
'') ;;
--long) long=1 ;;
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    exit
    ;;
*)
    echo "usage: ./test.sh [--long]" >&2
    exit 2
    ;;
esac

# Rust links with the C compiler.
if ! command -v cc >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        echo "test.sh: there is no C compiler to link with: installing gcc and libc6-dev"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev
    else
        echo "test.sh: there is no C compiler to link with; on Debian: apt-get install gcc libc6-dev" >&2
        exit 1
    fi
fi

# The test that steps the clock needs it; without it that one test is skipped.
if [ ! -e /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "test.sh: installing faketime"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends faketime; } ||
        echo "test.sh: faketime cannot be installed here"
fi

# A registry that nobody here wrote, for the tests that push and pull; without it those are skipped.
if ! command -v docker-registry >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "test.sh: installing docker-registry"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-registry; } ||
        echo "test.sh: docker-registry cannot be installed here"
fi

# Keys and signatures are compared with those of OpenSSL's, and it makes certificates; without it those tests are skipped.
if ! command -v openssl >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "test.sh: installing openssl"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssl; } ||
        echo "test.sh: openssl cannot be installed here"
fi

# The guest in Python is built and not checked in; without it the tests that run it are skipped. What builds it is kept in
# ~/.cache/ambit, or in $AMBIT_CACHE.
python_guest() {
    local built=guests/built/greet-py.wasm tools=guests/py/requirements.txt venv
    if [ -e "$built" ] && [ -z "$(find guests/py guests/wit guests/build.sh -type f ! -name '*.pyc' -newer "$built")" ]; then
        return
    fi
    echo "test.sh: building the guest in Python"
    rm -f "$built"
    venv=${AMBIT_CACHE:-$HOME/.cache/ambit}/$(sed 's/==/-/' "$tools")
    if [ ! -e "$venv/complete" ]; then
        if ! python3 -c 'import venv, ensurepip' 2>/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv || return
        fi
        rm -rf "$venv"
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$tools" || return
        touch "$venv/complete"
    fi
    PATH=$venv/bin:$PATH guests/build.sh py
}
python_guest || echo "test.sh: the guest in Python cannot be built here"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A test that needs what this kernel or machine lacks appends one line to this file, `SKIPPED: test: reason`, and returns.
export AMBIT_SKIPPED=$work/skipped
: >"$AMBIT_SKIPPED"

status=0
# Runs a command, and keeps what it prints.
run() {
    echo "+ $*"
    "$@" 2>&1 | tee -a "$work/output" || status=${PIPESTATUS[0]}
}

if cargo nextest --version >/dev/null 2>&1; then
    run cargo test --doc --no-fail-fast
    run cargo nextest run --no-fail-fast
else
    run cargo test --no-fail-fast
fi
# By itself: what a model checker depends on is nobody else's, and would have everything built anew.
run cargo test -p ambit-model
if [ -n "$long" ]; then
    run cargo xtask mutate-limits
    # The program as it is shipped, which is linked otherwise than the one that is built for tests.
    run cargo build --profile dist --config .cargo/dist.toml --target "$(uname -m)-unknown-linux-gnu" -p ambit-cli
    shipped=$(cargo metadata --format-version 1 --no-deps | grep -o '"target_directory":"[^"]*"' | cut -d '"' -f 4)
    AMBIT_UNDER_TEST=$shipped/$(uname -m)-unknown-linux-gnu/dist/ambit run cargo test --test cli --test hostile --test rows
    run tests/real/run.sh
    vm=0
    tests/vm/jail.sh 2>&1 | tee -a "$work/output" || vm=${PIPESTATUS[0]}
    case $vm in
    0) ;;
    77) echo "SKIPPED: tests/vm: a virtual machine cannot be had here" >>"$AMBIT_SKIPPED" ;;
    *) status=$vm ;;
    esac
fi

# The runners' own last words: `test result: ok. 3 passed; 0 failed; 1 ignored; …` of cargo's, one for each program, and
# `Summary [ 1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped` of nextest's.
sed 's/\x1b\[[0-9;]*m//g' "$work/output" | grep -E '^(test result:| *Summary \[)' >"$work/summary" || true
count() {
    { grep -oE "[0-9]+ ($1)" "$work/summary" || true; } | awk '{ sum += $1 } END { print sum + 0 }'
}
sort -u "$AMBIT_SKIPPED" >"$work/skips"
skips=$(wc -l <"$work/skips")

echo
if [ "$skips" -gt 0 ]; then
    echo "Skipped:"
    sed 's/^/  /' "$work/skips"
fi
cat "$work/summary"
failed=$(count 'failed|exec failed|timed out')
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "Something failed that is no test: see above."
fi
# A test that skipped itself was counted as passed by its runner.
echo "$(($(count passed) - skips)) passed, $failed failed, $(($(count 'ignored|skipped') + skips)) skipped"
exit "$status"
