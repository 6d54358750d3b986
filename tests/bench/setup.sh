#!/bin/sh
# Gets the peers of `cargo bench-peers` into target/peers (or the folder given): Valkey 9 and Redis 8 from Debian
# sid, in a chroot of their own with their own libraries, and the do-nothing responder.
# Root on Debian only. The chroot keeps no package sources; nothing is started as a service.
# To remove: umount DIR/sid/proc; rm -r DIR/sid
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$here/../../target/peers}
mkdir -p "$dir/limit"
dir=$(cd "$dir" && pwd)
export DEBIAN_FRONTEND=noninteractive

gcc -O2 -o "$dir/limit/limit" "$here/limit.c"

command -v debootstrap >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends debootstrap >/dev/null; }
root=$dir/sid
if [ ! -x "$root/usr/bin/valkey-server" ]; then
    mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources)
    debootstrap --variant=minbase sid "$root" "$mirror" >/dev/null
    # The same way to the mirror as this system has, for as long as the installation takes.
    cp /etc/apt/apt.conf.d/99* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    chroot "$root" apt-get -qq update
    chroot "$root" apt-get -qq install -y --no-install-recommends valkey-server redis-server >/dev/null
    rm -rf "$root"/var/lib/apt/lists/* "$root/etc/apt/sources.list" "$root"/var/cache/apt/*
fi
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
chroot "$root" valkey-server --version
chroot "$root" redis-server --version
