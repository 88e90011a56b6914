//! `scene`: which link of 数据自动采集 (C6) a tag serves that has no role, or serves beside its role: a gas detector, a guard, a gauge.

use super::read::Section;
use crate::model::words::config as words;

/// One of the five links that machines can tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// 生产管控.
    Production,
    /// 质量管理.
    Quality,
    /// 设备管理.
    Equipment,
    /// 安全生产.
    Safety,
    /// 能耗管理.
    Energy,
}

impl Scene {
    /// All of them, in the order of the questionnaire.
    pub const ALL: [Scene; 5] = [Scene::Production, Scene::Quality, Scene::Equipment, Scene::Safety, Scene::Energy];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Scene::Production => "production",
            Scene::Quality => "quality",
            Scene::Equipment => "equipment",
            Scene::Safety => "safety",
            Scene::Energy => "energy",
        }
    }

    /// The link by its name in the questionnaire, which the configuration may use too.
    pub fn zh(self) -> &'static str {
        match self {
            Scene::Production => "生产管控",
            Scene::Quality => "质量管理",
            Scene::Equipment => "设备管理",
            Scene::Safety => "安全生产",
            Scene::Energy => "能耗管理",
        }
    }
}

/// The scene of a tag.
pub(super) fn scene(section: &Section<'_>) -> Option<Scene> {
    let word = section.text("scene", "scene = \"safety\"")?;
    let scene = Scene::ALL.into_iter().find(|scene| [scene.as_str(), scene.zh()].contains(&word.trim()));
    if scene.is_none() {
        let known = Scene::ALL.map(|scene| format!("{} ({})", scene.as_str(), scene.zh())).join(", ");
        section.wrong("scene", words::NOT_ONE_OF, |t| t.with("found", &word).with("known", known));
    }
    scene
}
