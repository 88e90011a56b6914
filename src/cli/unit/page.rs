//! The drop-in as text, with its reasons in both languages, since the file outlives the terminal that it was printed from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use super::needs::{Needs, device_rules};
use crate::model::Trouble;
use crate::model::words::unit as words;

/// What goes into it.
pub(super) struct Page<'a> {
    pub needs: &'a Needs,
    pub file: &'a Path,
    pub instance: Option<&'a str>,
    /// What the resolver said of names; nothing of those that were left out.
    pub found: &'a BTreeMap<String, Vec<IpAddr>>,
    pub resolvers: &'a [IpAddr],
    pub allow: &'a [String],
    /// The options that it is printed with.
    pub given: &'a str,
}

impl Page<'_> {
    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        self.unit(&mut text);
        text += "\n[Service]\n";
        self.addresses(&mut text);
        self.serial_ports(&mut text);
        self.credentials(&mut text);
        self.journal(&mut text);
        text
    }

    /// What whoever installs it must know.
    pub(super) fn remarks(&self) -> Vec<Trouble> {
        let mut remarks = Vec::new();
        if !self.has_list() {
            remarks.push(Trouble::new(words::PEERS_UNKNOWN).with("links", self.needs.listening.join(", ")));
        } else {
            let named = |is_found: bool| {
                let names = self.needs.names().filter(|name| self.found.contains_key(*name) == is_found);
                names.collect::<Vec<_>>().join(", ")
            };
            let (found, left_out) = (named(true), named(false));
            if !found.is_empty() {
                remarks.push(Trouble::new(words::NAMES_MAY_MOVE).with("names", found));
            }
            if !left_out.is_empty() {
                remarks.push(Trouble::new(words::NAMES_LEFT_OUT).with("names", left_out));
            }
            if let Some(address) = self.needs.metrics.filter(|_| self.allow.is_empty()) {
                remarks.push(Trouble::new(words::METRICS_SHUT_IN).with("address", address));
            }
        }
        let hidden = self.needs.hidden.iter();
        remarks.extend(hidden.map(|path| Trouble::new(words::FILE_HIDDEN).with("path", path.display())));
        remarks
    }

    fn unit_name(&self) -> String {
        self.instance.map_or("cloudward".to_owned(), |name| format!("cloudward@{name}"))
    }

    fn head(&self, text: &mut String) {
        let (unit, file) = (self.unit_name(), one_line(&self.file.display().to_string()));
        let option = one_line(self.given);
        writeln!(
            text,
            "# What systemd lets {unit}.service do, as it follows from {file}. Print it anew when that changes:\n\
             # systemd 对 {unit}.service 的限制，由 {file} 得出；配置改动后请重新生成：\n\
             #   mkdir -p /etc/systemd/system/{unit}.service.d\n\
             #   cloudward unit{option} > /etc/systemd/system/{unit}.service.d/workshop.conf\n\
             #   systemctl daemon-reload && systemctl restart {unit}"
        )
        .ok(); // a string takes it
    }

    fn unit(&self, text: &mut String) {
        if let Some(dir) = &self.needs.journal {
            *text += "\n[Unit]\n# The journal's disk first.  先等日志库所在磁盘挂载\n";
            writeln!(text, "RequiresMountsFor={}", path(dir)).ok(); // as above
        }
    }

    /// Units that dial in come from anywhere: a list would shut them out, unless somebody says where from.
    fn has_list(&self) -> bool {
        self.needs.listening.is_empty() || !self.allow.is_empty()
    }

    fn addresses(&self, text: &mut String) {
        if !self.has_list() {
            let links = self.needs.listening.join(", ");
            writeln!(
                text,
                "# No list of addresses: units dial in on {links}, from addresses that are not known here. --allow NETWORK names them.\n\
                 # 没有地址白名单：{links} 等待设备主动连入，其地址未知；用 --allow 网段 指明后即可生成。"
            )
            .ok(); // as above
            return;
        }
        *text += "# Nobody else is talked to, whatever happens. The clock is set by another service, so NTP needs no line here.\n\
                  # 除以下地址外一律不通。校时由其他服务完成，此处无需放行 NTP。\n\
                  IPAddressDeny=any\n\
                  # This machine itself: a resolver or a broker here, the metrics.  本机：本地域名解析、本地消息服务器、指标\n\
                  IPAddressAllow=localhost\n";
        let mut told = BTreeSet::new();
        for peer in &self.needs.peers {
            let (en, zh) = if peer.is_sink { ("sink", "去向") } else { ("link", "链路") };
            let (name, host) = (&peer.name, one_line(&peer.host));
            let addresses = match (peer.address(), self.found.get(&peer.host)) {
                (Some(address), _) => {
                    writeln!(text, "# {en} {name}  {zh} {name}").ok(); // as above
                    vec![address]
                }
                (None, Some(found)) => {
                    writeln!(
                        text,
                        "# {en} {name}: {host} as it was when this was printed  {zh} {name}：{host} 在生成本文件时的地址"
                    )
                    .ok(); // as above
                    found.clone()
                }
                (None, None) => {
                    writeln!(
                        text,
                        "# {en} {name}: {host} was not looked up; give its network with --allow  {zh} {name}：未查询 {host}，请用 --allow 指明网段"
                    )
                    .ok(); // as above
                    Vec::new()
                }
            };
            for address in addresses {
                let line = if told.insert(address) { "" } else { "# above, too  同上：" };
                writeln!(text, "{line}IPAddressAllow={address}").ok(); // as above
            }
        }
        if self.needs.names().next().is_some() && !self.resolvers.is_empty() {
            *text += "# Name servers, from /etc/resolv.conf  域名服务器，取自 /etc/resolv.conf\n";
            for server in self.resolvers.iter().filter(|server| told.insert(**server)) {
                writeln!(text, "IPAddressAllow={server}").ok(); // as above
            }
        }
        if !self.allow.is_empty() {
            *text += "# As --allow said  由 --allow 指定\n";
            for network in self.allow {
                writeln!(text, "IPAddressAllow={network}").ok(); // as above
            }
        }
    }

    fn serial_ports(&self, text: &mut String) {
        if self.needs.ports.is_empty() {
            return;
        }
        *text += "\n# Serial ports, which belong to the group dialout. A USB adapter must be there when the service starts for the first time\n\
                  # after a boot, so that its kind is known.\n\
                  # 串口属于 dialout 组。USB 转换器须在开机后服务首次启动前插好，否则系统不认识该类设备。\n\
                  PrivateDevices=no\nDevicePolicy=closed\nSupplementaryGroups=dialout\n";
        let rules: BTreeSet<String> = self.needs.ports.iter().flat_map(|port| device_rules(port)).collect();
        for rule in rules {
            writeln!(text, "DeviceAllow={}", one_line(&rule)).ok(); // as above
        }
    }

    fn credentials(&self, text: &mut String) {
        if self.needs.credentials.is_empty() {
            return;
        }
        let place = self.instance.map_or(PLACE.to_owned(), |name| format!("{PLACE}/{name}"));
        writeln!(
            text,
            "\n# Secrets: files of root that the service alone is handed. Where one is missing the empty one stands in, so that collection goes\n\
             # on, and cloudward says which.\n\
             # 凭据：只有 root 可读，由 systemd 交给服务。文件缺失时以空值代替：采集照常进行，程序会指出缺哪一个。\n\
             #   mkdir -p -m 0700 {place}; (umask 077; cat > {place}/NAME)"
        )
        .ok(); // as above
        for name in &self.needs.credentials {
            let name = one_line(name);
            writeln!(text, "LoadCredential={name}:{place}/{name}\nSetCredential={name}:\\n").ok(); // as above
        }
    }

    fn journal(&self, text: &mut String) {
        if let Some(dir) = &self.needs.journal {
            let dir = path(dir);
            writeln!(
                text,
                "\n# The journal's directory, which must be there and belong to the service:  日志库目录，须事先建好并归服务所有：\n\
                 #   install -d -m 0700 -o cloudward -g cloudward {dir}\n\
                 ReadWritePaths=-{dir}"
            )
            .ok(); // as above
        }
    }
}

/// deploy/cloudward.service.
const PLACE: &str = "/etc/cloudward/credentials";

/// What stands in a configuration must not become a line of its own, nor a specifier of systemd.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, "?").replace('%', "%%")
}

/// A path as systemd reads it, spaces and all.
fn path(path: &Path) -> String {
    let text = one_line(&path.display().to_string());
    match text.contains([' ', '"', '\'', '\\']) {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => text,
    }
}
