//! Words, spans and widths for people, in both languages.

use std::time::Duration;

use crate::model::Lang;
use crate::model::time::show_span;

/// The two largest units: nobody counts the seconds of a day.
pub(super) fn span(seconds: u64, lang: Lang) -> String {
    let rounded = match seconds {
        s if s >= 86_400 => s / 3_600 * 3_600,
        s if s >= 3_600 => s / 60 * 60,
        s => s,
    };
    let shown = show_span(Duration::from_secs(rounded));
    match lang {
        Lang::En => shown,
        Lang::Zh => {
            let units = [("d", " 天 "), ("h", " 小时 "), ("m", " 分 "), ("s", " 秒 ")];
            let text = units.iter().fold(shown, |text, (unit, zh)| text.replace(unit, zh));
            text.trim_end().to_owned()
        }
    }
}

/// A word of readings and of the ledger.
pub(super) fn show_why(word: &str, lang: Lang) -> String {
    if lang == Lang::En {
        return word.replace('_', " ");
    }
    let zh = match word {
        "timeout" => "超时",
        "unreachable" => "不可达",
        "refused" => "拒绝连接",
        "closed" => "连接被关闭",
        "malformed" => "报文错误",
        "not_asked" => "未轮询",
        "illegal_function" => "不支持的功能码",
        "illegal_address" => "地址不存在",
        "illegal_value" => "非法数据值",
        "device_failure" => "设备故障",
        "device_busy" => "设备忙",
        "gateway_path" | "gateway_target" => "网关后无应答",
        "not_a_number" => "不是数值",
        "bad_encoding" => "编码错误",
        "node_unknown" => "节点不存在",
        "access_denied" => "无权访问",
        "wrong_type" => "类型不符",
        "no_data" => "无数据",
        "bad_status" => "状态异常",
        "last_known" => "上次的值",
        "uncertain_status" => "状态存疑",
        "untrusted" => "证书未确认",
        "identity_refused" => "身份被拒绝",
        "overload" => "过载",
        "acknowledge" => "仅应答，未执行",
        "memory_parity" => "存储校验错误",
        "unknown_exception" => "未知异常码",
        "unmapped" => "无对应名称",
        "too_long" => "内容过长",
        "overrun" => "来不及采",
        "starting" => "启动中",
        "agent_down" => "程序未运行",
        "dropped" => "超限丢弃",
        "corrupt" => "数据损坏",
        "memory" => "内存已满",
        other => other,
    };
    zh.to_owned()
}

/// Cells of a terminal that a text takes: those of Chinese characters are two wide.
pub(super) fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_long_as_anybody_wants_to_know() {
        for (seconds, en, zh) in [
            (0, "0s", "0 秒"),
            (59, "59s", "59 秒"),
            (3_599, "59m59s", "59 分 59 秒"),
            (3_661, "1h1m", "1 小时 1 分"),
            (93_784, "1d2h", "1 天 2 小时"),
        ] {
            assert_eq!((span(seconds, Lang::En), span(seconds, Lang::Zh)), (en.to_owned(), zh.to_owned()));
        }
    }

    #[test]
    fn every_reason_has_a_chinese_word() {
        let source = include_str!("../model/value.rs");
        let words = source.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
        let words: Vec<&str> = words.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect();
        assert!(words.len() > 25, "{words:?}");
        for word in words.into_iter().chain(crate::model::ledger::Lost::ALL.map(|lost| lost.as_str())) {
            assert!(!show_why(word, Lang::Zh).is_ascii(), "{word}");
        }
    }

    #[test]
    fn chinese_takes_two_cells() {
        assert_eq!((width("ab"), width("中文"), width("，")), (2, 4, 2));
    }
}
