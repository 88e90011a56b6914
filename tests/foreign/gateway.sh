#!/usr/bin/env bash
# Boots a bare Debian root with its own systemd as process 1, in namespaces of its own (mounts, processes, network, host name, cgroups).
#   gateway.sh ROOT SCRATCH     ROOT is only read: what is written goes into SCRATCH, through an overlay.
# Needs root, and a kernel with overlayfs and cgroup2. Ends, with all in it, when this process is killed.
set -euo pipefail

if [ "${1-}" != inside ]; then
    cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$cgroups" ] || { echo "gateway.sh: no cgroup2 is mounted" >&2; exit 1; }
    own=$cgroups$(sed -n 's/^0:://p' /proc/self/cgroup | sed 's|^/$||')/cloudward-gateway-$$
    mkdir "$own"
    echo "$own" >"$2/cgroup"
    echo $$ >"$own/cgroup.procs"
    exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child=KILL "$0" inside "$1" "$2"
fi

lower=$2 scratch=$3 root=$3/root
mount --make-rprivate /
mkdir -p "$root" "$scratch/upper" "$scratch/work"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
    read -r name major minor <<<"$device"
    mknod -m 0666 "$root/dev/$name" c "$major" "$minor"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
# What would reach out of the namespaces (the kernel's variables, its modules), or is of no use here.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,ro,bind "$root/proc/sys"
mkdir -p "$root/run/systemd/system"
for unit in systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service systemd-binfmt.service \
    systemd-tmpfiles-clean.timer apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service dpkg-db-backup.timer \
    console-getty.service getty@.service dev-hugepages.mount dev-mqueue.mount systemd-tmpfiles-setup-dev.service sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount sys-kernel-config.mount systemd-journal-flush.service mosquitto.service; do
    ln -s /dev/null "$root/run/systemd/system/$unit"
done
ip link set lo up
hostname gateway
cd "$root"
mkdir -p .outside
pivot_root . .outside
umount -l /.outside
rmdir /.outside
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=0
