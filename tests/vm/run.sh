#!/usr/bin/env bash
# Runs a command in a virtual machine whose control groups are v2 alone, whatever this host has.
#
#   tests/vm/run.sh [--user] [--add FILE[:PATH]]... -- COMMAND [ARGUMENT]...
#
#   --user              as uid 1000, in a group that was delegated to it as systemd does; else as root in the root group
#   --add FILE[:PATH]   brings a file along, to the same path or to PATH, with the shared libraries it is linked with
#
#   AMBIT_CACHE         where kernel and busybox are kept, once fetched; default: ~/.cache/ambit
#   AMBIT_SKIPPED       a file; what tests in the machine add to theirs is appended to it
#   AMBIT_VM_SECONDS    how long it may take; default: 120
#   AMBIT_VM_MIB        how much memory the machine has, which is also where files lie; default: 512
#
# The exit status is the command's; 77 if there can be no machine here, with the reason; 124 if it took too long; 125 if it
# ended without the command's having ended. Nothing is installed, and nothing needs root here or a kernel with KVM.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$here/run.sh" >&2
    exit 2
}
skip() {
    echo "run.sh: skipped: $1" >&2
    exit 77
}

as=root
files=()
while [ $# -gt 0 ]; do
    case $1 in
    --user) as=user ;;
    --add)
        [ $# -gt 1 ] || usage
        files+=("$2")
        shift
        ;;
    --)
        shift
        break
        ;;
    *) usage ;;
    esac
    shift
done
[ $# -gt 0 ] || usage

command -v qemu-system-x86_64 >/dev/null || skip "there is no qemu-system-x86_64; on Debian: apt-get install qemu-system-x86"

cache=${AMBIT_CACHE:-$HOME/.cache/ambit}/vm
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Unpacks a Debian package into the cache, from whichever archive this machine is set up for.
fetch() {
    command -v dpkg-deb >/dev/null || skip "$1 is a Debian package, and there is no dpkg-deb"
    echo "run.sh: fetching $1" >&2
    # Downloads as root are handed to another user, who is to be able to write here.
    mkdir -m 777 "$work/fetch"
    chmod 755 "$work"
    (cd "$work/fetch" && apt-get download -qq "$1" >&2) || skip "$1 cannot be fetched; perhaps: apt-get update"
    dpkg-deb -x "$work/fetch/"*.deb "$work/unpacked"
    rm -r "$work/fetch"
}

if ! [ -e "$cache/vmlinuz" ]; then
    image=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p') || true
    [ -n "$image" ] || skip "no archive here has a package linux-image-cloud-amd64; perhaps: apt-get update"
    fetch "$image"
    # A name that appears only when the file is whole.
    cp "$work/unpacked/boot/"vmlinuz-* "$cache/vmlinuz.$$" && mv "$cache/vmlinuz.$$" "$cache/vmlinuz"
fi
if ! [ -e "$cache/busybox" ]; then
    fetch busybox-static
    cp "$work/unpacked/bin/busybox" "$cache/busybox.$$" && mv "$cache/busybox.$$" "$cache/busybox"
fi

root=$work/root
mkdir -p "$root"/{bin,etc,new}
cp "$here/init" "$here/main" "$root/"
cp "$cache/busybox" "$root/bin/"
printf 'root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n' >"$root/etc/group"
echo "$as" >"$root/etc/as"

add() {
    mkdir -p "$root$(dirname "$2")"
    cp -L "$1" "$root$2"
}
for file in "${files[@]}"; do
    from=${file%%:*}
    to=$(realpath -m "${file#*:}")
    [ -f "$from" ] || {
        echo "run.sh: there is no file $from" >&2
        exit 2
    }
    add "$from" "$to"
    # Not linked with anything, or no program at all: there is nothing to bring along.
    { ldd "$from" 2>/dev/null || true; } | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
        add "$library" "$library"
    done
done
for argument; do
    printf "'%s' " "${argument//\'/\'\\\'\'}"
done >"$root/command"
(cd "$root" && find . | "$cache/busybox" cpio -o -H newc 2>/dev/null) >"$work/initramfs"

# The first serial port is the command's output, the second the kernel's, the third what is to be known afterwards.
machine=(
    qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot -machine "pc,accel=tcg" -cpu max -smp 2
    -m "${AMBIT_VM_MIB:-512}" -kernel "$cache/vmlinuz" -initrd "$work/initramfs"
    -append "console=ttyS1 quiet panic=-1 lsm=landlock,yama"
    -chardev stdio,id=output,signal=off -serial chardev:output -serial "file:$work/kernel" -serial "file:$work/after"
)
status=0
timeout --foreground "${AMBIT_VM_SECONDS:-120}" "${machine[@]}" </dev/null || status=$?
if [ "$status" = 124 ]; then
    echo "run.sh: not done after ${AMBIT_VM_SECONDS:-120} s" >&2
    exit 124
fi
if [ -n "${AMBIT_SKIPPED:-}" ]; then
    sed -n '/^SKIPPED: /p' "$work/after" >>"$AMBIT_SKIPPED"
fi
sed -n '/^SKIPPED: /p' "$work/after" >&2
status=$(sed -n 's/^status //p' "$work/after" 2>/dev/null)
if [ -z "$status" ]; then
    tail -n 20 "$work/kernel" >&2
    echo "run.sh: the machine ended before the command did" >&2
    exit 125
fi
exit "$status"
