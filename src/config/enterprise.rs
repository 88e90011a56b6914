//! `[enterprise]`: what the evidence file (一企一档) says of the enterprise beside its code in topics.
//!
//! The rule: nothing of it is needed, nothing of it leaves with messages; what is not written here is in no document.

use super::read::Section;
use crate::model::words::evidence as words;

/// `[enterprise]`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enterprise {
    /// 企业名称.
    pub name: Option<String>,
    /// 统一社会信用代码, verified.
    pub uscc: Option<String>,
    /// 行业 by GB/T 4754: `C2927`.
    pub industry: Option<String>,
    /// 所在区.
    pub district: Option<String>,
    /// 服务商 of the retrofit.
    pub provider: Option<String>,
    /// Whom an assessor asks: a department is enough, and a name is personal data. In archives alone.
    pub contact: Option<String>,
}

/// A code that fits its check digit and is nobody's: registration department 9, institution 1, an area that is not given.
const EXAMPLE: &str = "91000000MA0000000N";

pub(super) fn enterprise(top: &Section<'_>) -> Enterprise {
    let Some(section) = top.section("enterprise") else { return Enterprise::default() };
    let text = |key, example: &str| section.text(key, example).filter(|text| !text.trim().is_empty());
    let enterprise = Enterprise {
        name: text("name", "name = \"鄂州示例塑胶有限公司\""),
        uscc: text("uscc", &format!("uscc = \"{EXAMPLE}\"")),
        industry: text("industry", "industry = \"C2927\""),
        district: text("district", "district = \"鄂城区\""),
        provider: text("provider", "provider = \"示例自动化\""),
        contact: text("contact", "contact = \"设备科\""),
    };
    if let Some(uscc) = enterprise.uscc.as_deref().filter(|uscc| !is_uscc(uscc)) {
        section.wrong("uscc", words::BAD_USCC, |t| t.with("found", uscc).with("example", EXAMPLE));
    }
    section.finish();
    enterprise
}

/// Whether this is a unified social credit code: 18 characters of 31, the last one a check digit over the others (GB 32100-2015, 4.2 and
/// annex A: weights 3^(i-1) mod 31).
pub fn is_uscc(text: &str) -> bool {
    const CHARACTERS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let value = |byte: u8| CHARACTERS.iter().position(|known| *known == byte);
    let Some(values) = text.bytes().map(value).collect::<Option<Vec<usize>>>().filter(|all| all.len() == 18) else {
        return false;
    };
    let mut weight = 1;
    let mut sum = 0;
    for value in &values[..17] {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    (31 - sum % 31) % 31 == values[17]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_known_enterprises_fits_and_one_wrong_character_is_found() {
        // Published by their owners: Tencent, Alibaba, Huawei, and the example of the error text.
        for code in ["9144030071526726XG", "91330100799655058B", "914403001922038216", EXAMPLE] {
            assert!(is_uscc(code), "{code}");
            for place in 0..18 {
                let mut wrong = code.as_bytes().to_vec();
                wrong[place] = if wrong[place] == b'1' { b'7' } else { b'1' };
                assert!(!is_uscc(std::str::from_utf8(&wrong).unwrap()), "{code}, place {place}");
            }
        }
    }

    #[test]
    fn letters_that_look_like_digits_small_ones_and_other_lengths_are_none() {
        for text in
            ["", "9144030071526726X", "9144030071526726XG0", "9144030071526726xg", "9144O30071526726XG", "一二三四五六"]
        {
            assert!(!is_uscc(text), "{text}");
        }
    }
}
