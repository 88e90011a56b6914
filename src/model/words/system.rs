//! What the operating system says, in Chinese: its own words stand in many of ours, and are English whatever the locale.

/// The usual ones; anything else stays as it is, since it can still be looked up.
const SAYINGS: [(&str, &str); 14] = [
    ("another cloudward holds the port", "已被另一个 cloudward 占用"),
    ("failed to apply some or all settings", "驱动不支持这组串口参数"),
    ("No such file or directory", "没有这个文件或目录"),
    ("Permission denied", "权限不足"),
    ("Device or resource busy", "设备正被占用"),
    ("No such device", "设备不存在"),
    ("Is a directory", "这是目录"),
    ("No space left on device", "磁盘已满"),
    ("Connection refused", "连接被拒绝"),
    ("No route to host", "没有到该主机的路由"),
    ("Network is unreachable", "网络不可达"),
    ("Temporary failure in name resolution", "域名解析暂时失败"),
    ("Name or service not known", "没有这个主机名"),
    ("failed to lookup address information", "域名解析失败"),
];

/// The text with these sayings translated; the number of the error stays.
pub(in crate::model) fn in_chinese(text: &str) -> String {
    SAYINGS.iter().fold(text.to_owned(), |text, (english, chinese)| text.replace(english, chinese))
}

#[cfg(test)]
mod tests {
    use crate::model::words::tools::PORT_UNUSABLE;
    use crate::model::{Lang, Trouble};

    #[test]
    fn the_system_speaks_the_language_of_the_line() {
        let error = std::io::Error::from_raw_os_error(2);
        let trouble = Trouble::new(PORT_UNUSABLE).with("endpoint", "/dev/ttyS9").with("error", error);
        assert!(trouble.line(Lang::Zh).contains("没有这个文件或目录 (os error 2)"), "{}", trouble.line(Lang::Zh));
        assert!(trouble.line(Lang::En).contains("No such file or directory (os error 2)"));
    }
}
