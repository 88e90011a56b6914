//! Grade: of which kind a tag's data are, and how much harm it would do if they got out. The kinds are the domains of the
//! guide for classifying and grading industrial data (工业数据分类分级指南（试行）, 工信厅信发〔2020〕6号); the levels are
//! those of GB/T 43697-2024 and of the measures for data security in industry (工信部网安〔2022〕166号): general, important, core.

use std::fmt;

use super::Lang;

/// The domain of data; that of production with its kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// 研发: design, development, tests.
    Research,
    /// 生产, 控制信息: what a controller is told, such as setpoints and commands.
    Control,
    /// 生产, 工况状态: how a machine is.
    #[default]
    OperatingState,
    /// 生产, 工艺参数: how a product is made.
    ProcessParameter,
    /// 生产, 系统日志: what a system wrote down, such as alarms.
    SystemLog,
    /// 运维: logistics, service of products.
    Operation,
    /// 管理: assets, customers, orders, statistics.
    Management,
    /// 外部: shared with others.
    External,
}

/// How much harm a leak would do, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// 一般数据.
    #[default]
    General,
    /// 重要数据: harm to the nation's security, its economy, society, or public health.
    Important,
    /// 核心数据: grave harm to them.
    Core,
}

/// Class and level of one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Grade {
    /// The domain.
    pub class: Class,
    /// The harm.
    pub level: Level,
}

impl Class {
    /// All of them, in the order of the guide.
    pub const ALL: [Class; 8] = [
        Class::Research,
        Class::Control,
        Class::OperatingState,
        Class::ProcessParameter,
        Class::SystemLog,
        Class::Operation,
        Class::Management,
        Class::External,
    ];

    /// The word in configurations, manifests and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Research => "research",
            Class::Control => "production/control",
            Class::OperatingState => "production/state",
            Class::ProcessParameter => "production/parameter",
            Class::SystemLog => "production/log",
            Class::Operation => "operation",
            Class::Management => "management",
            Class::External => "external",
        }
    }

    /// The word of the guide.
    pub fn zh(self) -> &'static str {
        match self {
            Class::Research => "研发",
            Class::Control => "生产/控制信息",
            Class::OperatingState => "生产/工况状态",
            Class::ProcessParameter => "生产/工艺参数",
            Class::SystemLog => "生产/系统日志",
            Class::Operation => "运维",
            Class::Management => "管理",
            Class::External => "外部",
        }
    }

    /// The class with this word, in either language; in Chinese the kind alone says enough (`工艺参数`).
    pub fn parse(word: &str) -> Option<Class> {
        let kind = |class: Class| class.zh().split_once('/').map(|(_, kind)| kind);
        Class::ALL.into_iter().find(|&class| class.as_str() == word || class.zh() == word || kind(class) == Some(word))
    }

    /// In the language of a reader.
    pub fn name(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.as_str(),
            Lang::Zh => self.zh(),
        }
    }
}

impl Level {
    /// All of them, the least first.
    pub const ALL: [Level; 3] = [Level::General, Level::Important, Level::Core];

    /// The word in configurations, manifests and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::General => "general",
            Level::Important => "important",
            Level::Core => "core",
        }
    }

    /// The word of the standard.
    pub fn zh(self) -> &'static str {
        match self {
            Level::General => "一般",
            Level::Important => "重要",
            Level::Core => "核心",
        }
    }

    /// The level with this word, in either language.
    pub fn parse(word: &str) -> Option<Level> {
        let long = word.strip_suffix("数据").unwrap_or(word);
        Level::ALL.into_iter().find(|level| level.as_str() == word || level.zh() == long)
    }

    /// Whether such data leave only when they are named twice.
    pub fn is_guarded(self) -> bool {
        self >= Level::Important
    }

    /// In the language of a reader.
    pub fn name(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.as_str(),
            Lang::Zh => self.zh(),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_both_languages_is_read_back() {
        for class in Class::ALL {
            assert_eq!((Class::parse(class.as_str()), Class::parse(class.zh())), (Some(class), Some(class)));
        }
        for level in Level::ALL {
            assert_eq!((Level::parse(level.as_str()), Level::parse(level.zh())), (Some(level), Some(level)));
        }
        assert_eq!(Class::parse("工艺参数"), Some(Class::ProcessParameter));
        assert_eq!(Level::parse("重要数据"), Some(Level::Important));
        for wrong in ["", "production", "生产", "Research", "数据"] {
            assert_eq!((Class::parse(wrong), Level::parse(wrong)), (None, None), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_important_or_more_is_guarded() {
        assert_eq!(Level::ALL.map(Level::is_guarded), [false, true, true]);
        assert_eq!(Grade::default(), Grade { class: Class::OperatingState, level: Level::General });
    }
}
