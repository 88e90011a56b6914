//! Tags that a device takes from elsewhere: register maps that come with cloudward or with the workshop, and tables made
//! with a spreadsheet program. The files are real ones, read by the commands that people use.

#![allow(clippy::unwrap_used)] // a test that fails says where

mod common;

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::time::Duration;

use cloudward::config::modbus::{DataType, Scaling};
use std::path::Path;

use cloudward::config::{Config, Device, Mistake, built_in_device, built_in_profiles};
use cloudward::model::words::config as words;
use cloudward::model::{Deadband, Lang, Trouble};
use common::agent::run_to_end;

const HEAD: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
    [[link]]\nname = \"l\"\nmodbus_tcp = \"127.0.0.1\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n";

fn parse(device: &str, files: &[(&str, &[u8])]) -> Result<Device, Vec<Mistake>> {
    let files: HashMap<&str, &[u8]> = files.iter().copied().collect();
    let read = |named: &str| {
        let found = files.get(named).map(|bytes| bytes.to_vec());
        found.ok_or_else(|| Trouble::new(words::FILE_UNREADABLE).with("path", named).with("found", "-"))
    };
    Config::parse_with(&format!("{HEAD}{device}\n"), &read).map(|config| (*config.devices[0]).clone())
}

/// Tags as `name address type`.
fn shown(device: &Device) -> Vec<String> {
    device
        .tags
        .iter()
        .map(|tag| {
            format!("{} {} {}", tag.name, tag.register().unwrap().address, tag.register().unwrap().data_type.as_str())
        })
        .collect()
}

#[test]
fn a_meter_is_one_line_and_its_scale_factors_are_those_of_its_sheet() {
    let meter = parse("profile = \"dtsu666\"", &[]).unwrap();
    let tag = |name: &str| meter.tags.iter().find(|tag| *tag.name == *name).unwrap();
    assert_eq!(
        (tag("u_a").register().unwrap().address.to_string(), tag("u_a").scaling),
        ("holding:8198".into(), Scaling::new(0.1, 0.0))
    );
    assert_eq!(tag("i_a").scaling, Scaling::new(0.001, 0.0));
    assert_eq!(tag("pf").scaling, Scaling::new(0.001, 0.0));
    assert_eq!(tag("p_kw").scaling, Scaling::new(0.0001, 0.0), "tenths of W, shown as kW");
    assert_eq!(tag("freq").scaling, Scaling::new(0.01, 0.0));
    assert_eq!(
        (tag("e_kwh").register().unwrap().address.to_string(), tag("e_kwh").scaling),
        ("holding:4126".into(), None)
    );
    assert_eq!((tag("u_a").every, tag("e_kwh").every), (Duration::from_secs(5), Duration::from_secs(60)));
}

#[test]
fn the_device_says_what_differs() {
    let meter = parse(
        "profile = \"sdm630\"\nonly = [\"p_*\", \"e_*\"]\nexcept = [\"p_kw\"]\nevery = \"30s\"\norder = \"CDAB\"",
        &[],
    );
    let meter = meter.unwrap();
    let names: Vec<_> = meter.tags.iter().map(|tag| tag.name.as_ref()).collect();
    assert_eq!(names, ["p_a_kw", "p_b_kw", "p_c_kw", "e_kwh", "e_export_kwh", "e_total_kwh"]);
    assert!(meter.tags.iter().all(|tag| tag.every >= Duration::from_secs(30)), "asked rarely");
    assert_eq!(meter.tags[3].every, Duration::from_secs(60), "but energy not more often than its profile asks");
    let slow = parse("profile = \"sdm630\"\nevery = \"10m\"", &[]).unwrap();
    assert!(slow.tags.iter().all(|tag| tag.every == Duration::from_secs(600)));
    assert!(
        meter.tags.iter().all(|tag| tag.register().unwrap().order.low_word_first),
        "a meter may be set to the other order"
    );
}

#[test]
fn own_tags_stand_beside_those_of_the_profile_and_inherit_from_it() {
    let press = parse(
        "profile = \"inovance-h5u\"\ntags = [{ name = \"strokes\", address = \"D100\", type = \"u32\" }, \
         { name = \"door\", address = \"X17\", type = \"bool\" }, { name = \"raw\", address = \"40001\", type = \"u16\" }]",
        &[],
    );
    let press = press.unwrap();
    assert_eq!(shown(&press), ["strokes holding:100 u32", "door coil:63503 bool", "raw holding:0 u16"]);
    assert!(press.tags[0].register().unwrap().order.low_word_first, "these PLCs send the low word first");
    let other =
        parse("addresses = \"xinje-xd\"\ntags = [{ name = \"a\", address = \"HD0\", type = \"u16\" }]", &[]).unwrap();
    assert_eq!(shown(&other), ["a holding:41088 u16"]);
}

#[test]
fn a_profile_of_the_workshop_is_read_from_its_file() {
    let file = "\u{feff}[profile]\nid = \"p\"\nname = \"P\"\nmaker = \"m\"\nsource = \"s\"\nchecked = true\n\
                tags = [{ name = \"a\", address = \"40002\", type = \"u16\" }]\n";
    let device = parse("profile = \"profiles/p.toml\"", &[("profiles/p.toml", file.as_bytes())]).unwrap();
    assert_eq!(shown(&device), ["a holding:1 u16"]);
    assert!(device.profile.unwrap().checked);
}

#[test]
fn a_profile_that_two_devices_use_is_wrong_once() {
    let file = b"[profile]\nid = \"p\"\nname = \"P\"\nmaker = \"m\"\nsource = \"s\"\nchecked = true\ntags = [{}]\n";
    let two = "profile = \"p.toml\"\n[[device]]\nid = \"n\"\nlink = \"l\"\nprofile = \"p.toml\"";
    let mistakes = parse(two, &[("p.toml", file)]).unwrap_err();
    assert_eq!(mistakes.len(), 3, "name, address and type, not twice: {mistakes:?}");
    assert!(mistakes[0].show(Lang::En).starts_with("p.toml, line 7: "), "{}", mistakes[0].show(Lang::En));
    assert!(mistakes[0].show(Lang::Zh).starts_with("p.toml 第 7 行："));
}

#[test]
fn a_table_from_a_chinese_spreadsheet_gives_the_tags_that_toml_would() {
    let text = "名称,地址,类型,单位,系数,偏移,字节序,周期,死区,说明\n\
                温,40001,i16,,,,,,,\n";
    let mistakes = parse("tags_file = \"t.csv\"", &[("t.csv", text.as_bytes())]).unwrap_err();
    assert!(mistakes[0].show(Lang::Zh).starts_with("t.csv 第 2 行："), "names in topics are letters and digits");

    let text = text.replace(
        "温,40001,i16,,,,,,,",
        "temp,40001,i16,℃,0.1,-40,,500ms,0.5,\"料筒, 1 段\"\ncount,D7,u32,,,,CDAB,,2%,",
    );
    let (gbk, _, _) = encoding_rs::GBK.encode(&text);
    let device = "addresses = \"inovance-h5u\"\ntags_file = \"t.csv\"";
    let table = parse(device, &[("t.csv", &gbk)]).unwrap();
    let inline = parse(
        "addresses = \"inovance-h5u\"\ntags = [\n\
         { name = \"temp\", address = \"40001\", type = \"i16\", unit = \"℃\", scale = 0.1, offset = -40, every = \"500ms\", deadband = 0.5, label = \"料筒, 1 段\" },\n\
         { name = \"count\", address = \"D7\", type = \"u32\", order = \"CDAB\", deadband = \"2%\" }]",
        &[],
    );
    assert_eq!(table, inline.unwrap());
    assert_eq!(table.tags[1].report.deadband, Deadband::Percent(2.0));
    assert_eq!(table.tags[1].register().unwrap().data_type, DataType::U32);
}

const SERVER: &str = "[workshop]\nenterprise = \"e\"\nid = \"w\"\ntimezone = \"Asia/Shanghai\"\n\
    [[link]]\nname = \"l\"\nopcua = \"opc.tcp://127.0.0.1\"\n[[device]]\nid = \"m\"\nlink = \"l\"\n";

#[test]
#[cfg_attr(not(feature = "opcua"), ignore = "this build has no OPC UA")]
fn nodes_of_an_opc_ua_server_come_from_tables_and_profiles_too() {
    let read = |device: &str, file: &str| {
        let config = Config::parse_with(&format!("{SERVER}{device}\n"), &|_| Ok(file.as_bytes().to_vec()));
        config.map(|config| config.devices[0].tags.clone())
    };
    let table = "点名,地址,类型,单位,采样周期,队列,触发,下标,死区,订阅\n\
                 cycle,ns=2;s=Job.Cycle,,s,250ms,10,status,,2% of range,是\n\
                 zones,\"nsu=urn:a%3Bb;s=x,y\",json,,,,,0:9,,否\n";
    let inline = "tags = [\n\
        { name = \"cycle\", address = \"ns=2;s=Job.Cycle\", unit = \"s\", sampling = \"250ms\", queue = 10, \
          trigger = \"status\", deadband = \"2% of range\" },\n\
        { name = \"zones\", address = \"nsu=urn:a%3Bb;s=x,y\", type = \"json\", index = \"0:9\", subscribe = false }]";
    let expected = read(inline, "").unwrap();
    assert_eq!(expected[1].node().unwrap().to_string(), "nsu=urn:a%3Bb;s=x,y [0:9]");
    assert_eq!(read("tags_file = \"t.csv\"", table).unwrap(), expected);

    let profile = "[profile]\nid = \"p\"\nname = \"P\"\nmaker = \"m\"\nsource = \"s\"\nchecked = true\nprotocol = \"opcua\"\n\
                   tags = [{ name = \"a\", address = \"ns=2;i=1\", every = \"5s\" }, { name = \"b\", address = \"i=2258\", type = \"text\" }]\n";
    let tags = read("every = \"2s\"\nprofile = \"p.toml\"", profile).unwrap();
    let periods = tags.iter().map(|tag| (tag.every.as_secs(), tag.node().unwrap().sampling.as_secs()));
    assert_eq!(periods.collect::<Vec<_>>(), [(5, 5), (2, 2)], "sampling follows the period of the tag");

    for wrong in
        [profile.replace("protocol = \"opcua\"", ""), profile.replace("[profile]", "[profile]\norder = \"CDAB\"")]
    {
        let mistakes = read("profile = \"p.toml\"", &wrong).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }
}

#[test]
#[cfg_attr(not(feature = "opcua"), ignore = "this build has no OPC UA")]
fn check_says_what_a_server_will_send_and_how_it_is_protected() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("workshop.toml");
    let tags = "tags = [{ name = \"a\", address = \"ns=2;s=A\", sampling = \"500ms\" }, \
                { name = \"b\", address = \"nsu=urn:x;i=7\", every = \"10s\", subscribe = false }]\n";
    let sink = "[[sink]]\nname = \"s\"\nmqtt = \"mqtts://b\"\nsend = [\"*\"]\n";
    let text = SERVER.replace("[[device]]", "security = \"none\"\n[[device]]");
    std::fs::write(&config, format!("{text}{tags}{sink}")).unwrap();
    let check = |lang| run_to_end(&["check", "--lang", lang, "--config", &config.display().to_string()]).stdout;
    for (out, words) in [
        (
            check("en"),
            [
                "link l (opc.tcp://127.0.0.1:4840): at most 2.1 values/s",
                "security none; anonymous",
                "WARNING: this connection is neither signed nor encrypted",
                "published every 1s: 1 item in 1 subscription, sampled every 500ms",
                "read every 10s: 1 tag, not subscribed",
                "m.a  ns=2;s=A  float",
                "m.b  nsu=urn:x;i=7  float",
                "at most; less with report on change",
                "2 samples/s",
            ],
        ),
        (
            check("zh"),
            [
                "链路 l（opc.tcp://127.0.0.1:4840）：每秒最多 2.1 个值",
                "安全模式 none；身份：匿名",
                "警告：此连接既不签名也不加密",
                "每 1s 发布一次：1 个订阅，1 个监视项，采样周期 500ms",
                "每 10s 读取一次：1 个点（不订阅）",
                "m.a  ns=2;s=A  float",
                "m.b  nsu=urn:x;i=7  float",
                "此为上限",
                "每秒 2 个样本",
            ],
        ),
    ] {
        assert!(words.iter().all(|word| out.contains(word)), "{out}");
    }
}

#[test]
#[cfg_attr(not(feature = "opcua"), ignore = "this build has no OPC UA")]
fn a_server_is_read_by_nodes_not_by_registers() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("workshop.toml");
    std::fs::write(&config, SERVER).unwrap();
    let out = run_to_end(&["read", "l", "40001", "--lang", "en", "--config", &config.display().to_string()]);
    assert_eq!(out.code, Some(64), "{out:?}");
    assert!(out.stderr.contains("`40001` is no node of an OPC UA server"), "{out:?}");
}

/// The parts of an xlsx that a reader needs; `rows` is the XML of the sheet's rows.
fn xlsx(rows: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    for (name, text) in [
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"点表\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>")),
    ] {
        zip.start_file(name, plain).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn text_cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn xlsx_head() -> String {
    let cells: String = [("A1", "点名"), ("B1", "地址"), ("C1", "数据类型"), ("D1", "倍率")]
        .map(|(at, text)| text_cell(at, text))
        .concat();
    format!("<row r=\"1\">{cells}</row>")
}

#[test]
fn a_workbook_is_a_table_too_and_its_rows_are_named_as_the_program_counts_them() {
    let row = |number: u32, kind: &str| {
        let (name, kind) =
            (text_cell(&format!("A{number}"), &format!("t{number}")), text_cell(&format!("C{number}"), kind));
        let number_cells = format!("<c r=\"B{number}\"><v>4000{number}</v></c>{kind}<c r=\"D{number}\"><v>0.1</v></c>");
        format!("<row r=\"{number}\">{name}{number_cells}</row>")
    };
    let book = xlsx(&format!("{}{}{}", xlsx_head(), row(2, "u16"), row(5, "i16")));
    let device = parse("tags_file = \"press.xlsx\"", &[("press.xlsx", &book)]).unwrap();
    assert_eq!(shown(&device), ["t2 holding:1 u16", "t5 holding:4 i16"]);
    assert_eq!(device.tags[1].scaling, Scaling::new(0.1, 0.0));
    let book = xlsx(&format!("{}{}{}", xlsx_head(), row(2, "u16"), row(7, "u17")));
    let mistakes = parse("tags_file = \"press.xlsx\"", &[("press.xlsx", &book)]).unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].show(Lang::En).starts_with("press.xlsx, row 7: `tags.t7.type` is u17"), "{mistakes:?}");
}

#[test]
fn a_lone_cell_at_the_end_of_a_sheet_costs_no_memory() {
    let far = text_cell("XFD1048576", "x");
    let book = xlsx(&format!("{}<row r=\"1048576\">{far}</row>", xlsx_head()));
    let mistakes = parse("tags_file = \"press.xlsx\"", &[("press.xlsx", &book)]).unwrap_err();
    assert_eq!(mistakes[0].trouble.code, words::TABLE_TOO_LARGE);
}

#[test]
fn a_workbook_cut_short_anywhere_is_a_mistake_and_no_panic() {
    let book = xlsx(&xlsx_head());
    for end in 0..book.len() {
        assert!(parse("tags_file = \"t.xlsx\"", &[("t.xlsx", &book[..end])]).is_err(), "{end}");
    }
}

#[test]
fn a_workbook_with_any_character_changed_brings_nothing_down() {
    let cells = format!(
        "{}<c r=\"B2\"><v>40001</v></c>{}<c r=\"D2\"><v>0.1</v></c>",
        text_cell("A2", "t"),
        text_cell("C2", "u16")
    );
    let rows = format!("{}<row r=\"2\">{cells}</row>", xlsx_head());
    assert!(parse("tags_file = \"t.xlsx\"", &[("t.xlsx", &xlsx(&rows))]).is_ok());
    let mut refused = 0;
    for (at, c) in rows.char_indices() {
        for other in ["9", "Z", "<", "&", "\"", ""] {
            let changed = format!("{}{other}{}", &rows[..at], &rows[at + c.len_utf8()..]);
            refused += usize::from(parse("tags_file = \"t.xlsx\"", &[("t.xlsx", &xlsx(&changed))]).is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn large_tables_are_read_soon_be_they_right_or_wrong() {
    let began = std::time::Instant::now();
    for kind in ["u16", "u17"] {
        let rows: String = (0..4_000).map(|n| format!("t{n},{},{kind},extra\n", 40_001 + n)).collect();
        let table = format!("name,address,type\n{rows}");
        let mistakes = parse("tags_file = \"t.csv\"", &[("t.csv", table.as_bytes())]).unwrap_err();
        assert!(mistakes.len() >= 4_000);
    }
    // A moment in fact; minutes where each mistake costs a walk through the table.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn check_reads_the_files_beside_the_configuration_and_says_whose_map_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("workshop.toml");
    let text = format!("{HEAD}profile = \"sdm630\"\ntags_file = \"tables/press.csv\"\n");
    std::fs::write(&config, text).unwrap();
    let check = |lang| run_to_end(&["check", "--lang", lang, "--config", &config.display().to_string()]);

    let missing = check("en");
    let path = dir.path().join("tables/press.csv");
    assert_eq!(missing.code, Some(78), "{missing:?}");
    let expected = format!("line 12: the file {} cannot be read: No such file", path.display());
    assert!(missing.stderr.starts_with(&expected), "{}", missing.stderr);

    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "name,address,type\nspare,40001,u16\n").unwrap();
    let (en, zh) = (check("en"), check("zh"));
    for (out, words) in [
        (en.stdout, ["follows the profile sdm630", "NOT checked on a real machine", "m.spare", "input:52 = 30053"]),
        (zh.stdout, ["采用模板 sdm630", "未在真机上核对", "m.spare", "input:52 = 30053"]),
    ] {
        assert!(words.iter().all(|word| out.contains(word)), "{out}");
    }

    std::fs::write(&path, vec![b'x'; 5_000_001]).unwrap();
    assert!(check("en").stderr.contains("is larger than 5.0 MB"), "{:?}", check("en"));
}

/// docs/PROFILES.md and its Chinese twin list what there is; CLOUDWARD_BLESS=1 writes the tables anew.
#[test]
fn every_built_in_profile_shows_in_the_books() {
    const MARK: &str = "|---|---|---|---|\n";
    for (file, is_zh) in [("docs/PROFILES.md", false), ("docs/PROFILES.zh-CN.md", true)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let book = std::fs::read_to_string(&path).unwrap();
        let (head, table) = book.split_once(MARK).unwrap();
        let row = |device: &Device| {
            let profile = device.profile.as_deref().unwrap();
            let name = if is_zh { &profile.name_zh } else { &profile.name };
            format!("| `{}` | {name} | {} | {} |\n", profile.id, profile.maker, device.tags.len())
        };
        let rows = built_in_profiles().iter().map(|(name, _)| row(&built_in_device(name).unwrap())).collect::<String>();
        if std::env::var_os("CLOUDWARD_BLESS").is_some() {
            std::fs::write(&path, format!("{head}{MARK}{rows}")).unwrap();
        } else {
            assert!(table == rows, "{file} is not up to date: CLOUDWARD_BLESS=1 writes it");
        }
    }
}

#[test]
fn profiles_are_found_by_name_and_by_maker_and_shown_whole() {
    let run = |arguments: &[&str], lang| run_to_end(&[&["profiles"], arguments, &["--lang", lang]].concat());
    let all = run(&[], "en");
    assert_eq!((all.code, all.stdout.lines().count()), (Some(0), built_in_profiles().len()));
    let acrel = run(&["安科瑞"], "zh");
    assert!(acrel.stdout.lines().count() > 5 && acrel.stdout.lines().all(|line| line.ends_with("个点）")), "{acrel:?}");
    // Its own name, although sdm630 stands in others' names too.
    for (lang, words) in [("en", ["NOT checked", "source: "]), ("zh", ["未在真机上核对", "出处："])] {
        let whole = run(&["sdm630"], lang);
        assert!(words.iter().all(|word| whole.stdout.contains(word)), "{whole:?}");
        assert!(whole.stdout.contains("u_a                    input:0         f32   V"), "{whole:?}");
    }
    let nothing = run(&["no-such-maker"], "en");
    assert!(nothing.code == Some(64) && nothing.stderr.contains("CW621"), "{nothing:?}");
}

/// A map that contradicts itself reads one register as two things.
#[test]
fn no_two_tags_of_a_profile_share_a_register_but_as_parts_of_it() {
    for (name, _) in built_in_profiles() {
        let device = built_in_device(name).unwrap();
        let registers = device.tags.iter().filter_map(|tag| Some((tag, tag.register()?)));
        let mut places: Vec<_> = registers
            .filter(|(_, register)| !["bool", "u8", "i8"].contains(&register.data_type.as_str()))
            .map(|(tag, register)| (register.address.table, register.address.offset, register.data_type.width(), tag))
            .collect();
        places.sort_by_key(|place| (place.0, place.1));
        for pair in places.windows(2) {
            let ((table, first, width, a), (other, next, _, b)) = (pair[0], pair[1]);
            assert!(table != other || first + width <= next, "{name}: {} and {} share a register", a.name, b.name);
        }
    }
}
