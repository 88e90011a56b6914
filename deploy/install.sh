#!/bin/sh
# Installs cloudward from this folder, without a network and without a package manager; again over an older one, or over itself.
# 在没有网络、没有软件包管理器的机器上，从本目录安装 cloudward；可重复执行，也可用于升级。
#
#   ./install.sh                       into /usr/local, with the service where systemd runs (as root)   安装到 /usr/local
#   ./install.sh --prefix DIR          elsewhere; who is not root gets program and papers, no service   安装到其他目录
#   ./install.sh --uninstall           takes program and service away; configuration and journal stay   卸载，保留配置和日志库
#   ./install.sh --uninstall --purge   configuration, journal and user, too                             卸载并清除全部数据
set -eu
umask 022 # what is installed is for everybody to read, the service's user among them
KNOWN=@SCHEMA@
here=$(cd "$(dirname "$0")" && pwd)
prefix='' uninstall='' purge=''

say() { printf '%s\n' "$@"; }
die() { say "$@" >&2; exit 1; }
while [ $# -gt 0 ]; do
    case $1 in
        --prefix)
            [ $# -gt 1 ] || die "install.sh: a directory is missing behind --prefix" "install.sh：--prefix 后面缺少目录"
            prefix=$2; shift 2 ;;
        --uninstall) uninstall=yes; shift ;;
        --purge) purge=yes; shift ;;
        -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "install.sh: $1 is no option; see ./install.sh --help" "install.sh：没有 $1 这个选项，见 ./install.sh --help" ;;
    esac
done
is_root() { [ "$(id -u)" = 0 ]; }
has_systemd() { is_root && command -v systemctl >/dev/null; }
is_live() { [ -d /run/systemd/system ]; }
units=/etc/systemd/system

# What is taken away is what the service runs, unless a place is named.
if [ -z "$prefix" ] && [ -n "$uninstall" ] && [ -r "$units/cloudward.service" ]; then
    prefix=$(sed -n 's|^ExecStart=\(/.*\)/bin/cloudward run .*|\1|p' "$units/cloudward.service")
fi
case ${prefix:=/usr/local} in /*) ;; *) prefix=$PWD/$prefix ;; esac
if [ -n "$purge" ]; then
    [ -n "$uninstall" ] || die "install.sh: --purge goes with --uninstall" "install.sh：--purge 须与 --uninstall 同用"
    is_root || die "install.sh: --purge needs root, since it takes configuration, journal and user away; nothing was changed. Become root (sudo), or leave --purge out" \
        "install.sh：--purge 会清除配置、日志库和用户，须以 root 身份执行；系统未作任何改动。请用 sudo 执行，或去掉 --purge"
fi

if [ -n "$uninstall" ]; then
    [ -e "$prefix/bin/cloudward" ] || [ -n "$purge" ] || { is_root && [ -e "$units/cloudward.service" ]; } ||
        die "install.sh: there is no cloudward in $prefix/bin; say where it is: --prefix DIR" \
            "install.sh：$prefix/bin 中没有 cloudward；请用 --prefix 指明安装目录"
    if has_systemd; then
        if is_live; then systemctl stop cloudward.service 'cloudward@*.service' || true; fi
        rm -f "$units/cloudward.service" "$units/cloudward@.service" "$units"/*.wants/cloudward.service "$units"/*.wants/cloudward@*.service
        if is_live; then systemctl daemon-reload || true; fi
    fi
    rm -rf "$prefix/bin/cloudward" "$prefix/share/cloudward" "$prefix/share/doc/cloudward"
    rmdir "$prefix/share/doc" 2>/dev/null || true # unless others have something there
    case $prefix in
        /usr | /usr/local | /opt) ;; # places of the system
        *) rmdir "$prefix/bin" "$prefix/share" "$prefix" 2>/dev/null || true ;;
    esac
    if [ -n "$purge" ]; then
        rm -rf /etc/cloudward /etc/default/cloudward /var/lib/cloudward /var/lib/cloudward-* /run/cloudward /run/cloudward-*
        rm -rf "$units/cloudward.service.d" "$units"/cloudward@*.service.d
        if grep -q '^cloudward:' /etc/passwd; then userdel cloudward 2>/dev/null || deluser cloudward || true; fi
        if grep -q '^cloudward:' /etc/group; then groupdel cloudward 2>/dev/null || delgroup cloudward || true; fi
        say "cloudward is gone, with configuration and journal." "cloudward 已卸载，配置和日志库已清除。"
    else
        say "cloudward is gone; /etc/cloudward and /var/lib/cloudward stay (--uninstall --purge, as root, removes them)." \
            "cloudward 已卸载；保留 /etc/cloudward 和 /var/lib/cloudward（以 root 执行 --uninstall --purge 一并清除）。"
    fi
    exit 0
fi

# Whether it runs here decides; why not is found out afterwards.
if ! told=$("$here/cloudward" --version 2>&1); then
    number() { od -An -v -tu2 -j18 -N2 "$1" 2>/dev/null | tr -d ' '; }
    named() { case $1 in 62) echo x86_64 ;; 183) echo aarch64 ;; 40) echo armv7 ;; *) echo "ELF machine $1" ;; esac; }
    ours=$(number "$here/cloudward") theirs=$(number /bin/sh)
    if [ "$ours" != "$theirs" ]; then
        die "install.sh: this is the cloudward for $(named "$ours"), and this machine is $(named "$theirs"); take the file whose name ends in $(named "$theirs").tar.gz" \
            "install.sh：这是 $(named "$ours") 版 cloudward，而本机是 $(named "$theirs")；请下载文件名以 $(named "$theirs").tar.gz 结尾的安装包"
    fi
    die "install.sh: cloudward does not run on this machine: $told" "  It needs glibc @GLIBC@ or newer (ldd --version shows what is here), and a file system that allows programs (no noexec)." \
        "install.sh：cloudward 无法在本机运行：$told" "  需要 glibc @GLIBC@ 及以上（用 ldd --version 查看），且所在文件系统允许执行程序（未挂载为 noexec）。"
fi

if is_root && command -v dpkg-query >/dev/null && dpkg-query -W -f='${db:Status-Status}' cloudward 2>/dev/null | grep -q '^installed'; then
    die "install.sh: cloudward is installed as a package here; upgrade it with dpkg -i, or remove the package first" \
        "install.sh：本机已用软件包安装 cloudward；请用 dpkg -i 升级，或先卸载软件包"
fi
for journal in /var/lib/cloudward/journal.sqlite /var/lib/cloudward-*/journal.sqlite; do
    [ -f "$journal" ] && [ -r "$journal" ] && [ -z "${CLOUDWARD_ALLOW_DOWNGRADE-}" ] || continue
    found=$(od -An -v -tu1 -j60 -N4 "$journal" | { read -r a b c d && echo $(((a << 24) + (b << 16) + (c << 8) + d)); } || echo 0)
    [ "${found:-0}" -gt "$KNOWN" ] || continue
    die "install.sh: the journal $journal was written by a newer cloudward (version $found of the file; this one knows up to $KNOWN); nothing was changed. Install the newer one, or set CLOUDWARD_ALLOW_DOWNGRADE=1: that journal then waits for a newer cloudward." \
        "install.sh：日志库 $journal 由更新版本的 cloudward 写入（文件版本 $found，本版最高支持 $KNOWN），系统未作任何改动。请安装新版本；如确需退回，设置 CLOUDWARD_ALLOW_DOWNGRADE=1，该日志库将保留到重新装上新版为止。"
done

mkdir -p "$prefix/bin" "$prefix/share/cloudward" "$prefix/share/doc/cloudward"
# A running program cannot be overwritten, but another can take its name.
cp "$here/cloudward" "$prefix/bin/.cloudward.new"
chmod 0755 "$prefix/bin/.cloudward.new"
mv -f "$prefix/bin/.cloudward.new" "$prefix/bin/cloudward"
cp "$here/workshop.example.toml" "$prefix/share/cloudward/"
cp -R "$here/doc/." "$prefix/share/doc/cloudward/"
chmod -R u+w,a+rX "$prefix/share/cloudward" "$prefix/share/doc/cloudward" # however they were unpacked

if ! has_systemd; then
    say "cloudward is in $prefix/bin. There is no service: that takes root and systemd. By hand: $prefix/bin/cloudward run --config FILE" \
        "cloudward 已安装到 $prefix/bin。未安装服务（需要 root 和 systemd）；手动运行：$prefix/bin/cloudward run --config 配置文件"
    exit 0
fi

if ! grep -q '^cloudward:' /etc/group; then groupadd --system cloudward 2>/dev/null || addgroup -S cloudward; fi
if ! grep -q '^cloudward:' /etc/passwd; then
    useradd --system --gid cloudward --home-dir /var/lib/cloudward --no-create-home --shell /usr/sbin/nologin cloudward 2>/dev/null ||
        adduser -S -D -H -h /var/lib/cloudward -s /bin/false -G cloudward cloudward
fi
mkdir -p /etc/cloudward/credentials /etc/default "$units"
chmod 0700 /etc/cloudward/credentials
[ -e /var/lib/cloudward ] || { mkdir -p /var/lib/cloudward && chmod 0700 /var/lib/cloudward && chown cloudward:cloudward /var/lib/cloudward; }
[ -e /etc/default/cloudward ] || cp "$here/default" /etc/default/cloudward
is_new=yes
if [ -e "$units/cloudward.service" ]; then is_new=''; fi
for unit in cloudward.service cloudward@.service; do
    sed -e "s|^ExecStart=/usr/bin/|ExecStart=$prefix/bin/|" -e "s|/usr/share/doc/|$prefix/share/doc/|" "$here/$unit" >"$units/$unit"
done
if is_live; then systemctl daemon-reload; fi
if [ -n "$is_new" ]; then systemctl enable --quiet cloudward.service || true; fi

# Whether the service would take this file. Asked as its user, who may read less than root.
is_good() {
    set -- "$prefix/bin/cloudward" check --config "$1"
    if command -v runuser >/dev/null; then set -- runuser -u cloudward -- "$@"; fi
    "$@" >/dev/null 2>&1
}
# What ran runs on as the new version, and what was stopped stays so. Where the new version refuses the configuration, the old process is
# let be: the new one would end, for good, since mistakes are not tried again.
restart() {
    for unit in $(systemctl list-units --plain --no-legend --state=active,activating,reloading cloudward.service 'cloudward@*.service' | cut -d' ' -f1); do
        name=${unit#cloudward@}
        if [ "$unit" = cloudward.service ]; then name=workshop; fi
        config=/etc/cloudward/${name%.service}.toml
        if is_good "$config"; then
            set -- "$@" "$unit"
        else
            say "cloudward: for this version $config has mistakes, so $unit was not restarted: the version before runs on," \
                "  but nothing would after a reboot. Mend the mistakes, then start the new version:" \
                "  runuser -u cloudward -- $prefix/bin/cloudward check --config $config" "  systemctl restart $unit" \
                "cloudward：按新版本检查，$config 有错误，因此没有重启 $unit：旧版本继续运行，但网关重启后服务将无法启动。" \
                "  请先查看并改正错误，再启动新版本：" \
                "  runuser -u cloudward -- $prefix/bin/cloudward check --config $config" "  systemctl restart $unit"
        fi
    done
    [ $# = 0 ] || systemctl try-restart "$@" || true
}
if [ -z "$is_new" ] && is_live; then restart; fi
config=/etc/cloudward/workshop.toml
if [ ! -e "$config" ]; then
    say "cloudward is installed and waits for its configuration. The next step:" \
        "  install -m 0644 $prefix/share/cloudward/workshop.example.toml $config     then change the two addresses in it" \
        "  cloudward check && systemctl start cloudward" \
        "cloudward 已安装，等待配置。下一步：" \
        "  install -m 0644 $prefix/share/cloudward/workshop.example.toml $config     然后修改其中的两个地址" \
        "  cloudward check && systemctl start cloudward"
elif is_live; then
    if [ -n "$is_new" ] && is_good "$config"; then
        systemctl start cloudward.service || true
    elif [ -n "$is_new" ]; then
        say "cloudward: $config has mistakes; see them with: runuser -u cloudward -- $prefix/bin/cloudward check" \
            "cloudward：$config 有错误，请用 runuser -u cloudward -- $prefix/bin/cloudward check 查看"
    fi
    say "cloudward is installed. See it run: systemctl status cloudward" "cloudward 已安装。查看运行情况：systemctl status cloudward"
fi
