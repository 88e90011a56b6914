//! What `check` says of an OPC UA link: who asks whom and how well that is protected, and what the server is asked to send.

use super::{Report, count};
use crate::cli::outlook::{PeriodLoad, server_load};
use crate::cli::say;
use crate::config::Link;
use crate::config::opcua::{OpcUaServer, SecurityMode, User};
use crate::model::time::{show_bytes, show_span};

impl Report<'_> {
    /// In place of what is said of a link whose devices are asked.
    pub(super) fn server(&self, link: &Link, server: &OpcUaServer) {
        let load = server_load(self.config, link);
        let (name, url) = (&link.name, &server.url);
        let values: f64 = load.iter().map(|period| period.values_per_s).sum();
        let bytes = show_bytes(load.iter().map(|period| period.bytes_per_s).sum());
        say("");
        self.say(
            format!("link {name} ({url}): at most {values:.1} values/s, about {bytes}/s, if every value changes at each sampling; what does not change is not sent"),
            format!("链路 {name}（{url}）：每秒最多 {values:.1} 个值，约 {bytes}/s，按每次采样值都变化估算；不变化的值不发送"),
        );
        self.protection(server);
        load.iter().for_each(|period| self.period(period));
        for device in self.config.devices_of(&link.name) {
            self.profile(device);
            self.tags(device);
        }
    }

    fn protection(&self, server: &OpcUaServer) {
        let mode = server.mode.as_str();
        let policy = match (server.mode, server.policy) {
            (SecurityMode::None, _) => String::new(),
            (_, Some(policy)) => format!(", {}", policy.as_str()),
            (_, None) => self.pick(", best policy of the server", "，采用服务器支持的最佳策略").to_owned(),
        };
        let user = match &server.user {
            User::Anonymous => self.pick("anonymous", "匿名").to_owned(),
            User::Password { name, .. } => format!("{} {name}", self.pick("user", "用户")),
            User::Certificate { file, .. } => {
                format!("{} {}", self.pick("certificate of the user", "用户证书"), file.display())
            }
        };
        let kind = server.profile.as_str();
        self.say(
            format!("  security {mode}{policy}; {user}; kind of server: {kind}"),
            format!("  安全模式 {mode}{policy}；身份：{user}；服务器类型：{kind}"),
        );
        match server.mode {
            SecurityMode::None => self.say(
                "  WARNING: this connection is neither signed nor encrypted: everyone on the way can read the values and forge them; switch security on in the server and take security = \"none\" away".into(),
                "  警告：此连接既不签名也不加密，途中任何人都能看到并伪造数据；请在服务器中启用安全策略，并删去 security = \"none\"".into(),
            ),
            SecurityMode::Sign => self.say(
                "  signed, not encrypted: everyone on the way can read the values".into(),
                "  只签名不加密：途中任何人都能看到数据".into(),
            ),
            SecurityMode::SignAndEncrypt => {}
        }
    }

    fn period(&self, load: &PeriodLoad) {
        let PeriodLoad { period, items, sampling, cyclic, values_per_s, bytes_per_s } = load;
        let (every, bytes) = (show_span(*period), show_bytes(*bytes_per_s));
        if let Some((shortest, longest)) = sampling {
            let sampled = match shortest == longest {
                true => show_span(*shortest),
                false => format!("{} - {}", show_span(*shortest), show_span(*longest)),
            };
            self.say(
                format!(
                    "  published every {every}: {} in 1 subscription, sampled every {sampled}",
                    count(*items, "item")
                ),
                format!("  每 {every} 发布一次：1 个订阅，{items} 个监视项，采样周期 {sampled}"),
            );
        }
        if *cyclic > 0 {
            self.say(
                format!("  read every {every}: {}, not subscribed", count(*cyclic, "tag")),
                format!("  每 {every} 读取一次：{cyclic} 个点（不订阅）"),
            );
        }
        self.say(
            format!("    at most {values_per_s:.1} values/s, {bytes}/s"),
            format!("    每秒最多 {values_per_s:.1} 个值，{bytes}/s"),
        );
    }
}
