#!/usr/bin/env bash
# Runs the tests of ambit-jail where control groups are v2 alone: its unit tests, and what native code finds in a jail; as root in
# the root group, and as a user in a delegated one. Before that, that the machine has what they are to be tried with.
#
#   tests/vm/jail.sh [FILTER]...     only tests whose names contain one of these
#
# The exit status is that of the tests; 77 if there can be no machine here, with the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests() {
    cargo test -p ambit-jail "$@" --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
}
units=$(tests --lib)
probes=$(tests --test probes)
has='grep -q landlock /sys/kernel/security/lsm && unshare -U true && grep -q memory /sys/fs/cgroup/cgroup.controllers'
for as in "" --user; do
    for program in "$units" "$probes"; do
        # shellcheck disable=SC2086 # no option is no argument
        AMBIT_VM_MIB=${AMBIT_VM_MIB:-1536} AMBIT_VM_SECONDS=${AMBIT_VM_SECONDS:-900} \
            tests/vm/run.sh $as --add "$program:/tests" -- sh -c "$has || exit 1; exec /tests \"\$@\"" sh "$@"
    done
done
