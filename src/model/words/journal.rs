//! Words for troubles of the journal and of the disk under it.

use crate::model::trouble::{Code, Text, Words};

/// No space left.
pub const DISK_FULL: Code = Code("CW301");
/// The directory or the file cannot be opened or made.
pub const NO_ACCESS: Code = Code("CW302");
/// Read-only file system or file.
pub const READ_ONLY: Code = Code("CW303");
/// The file is not SQLite.
pub const NOT_A_DATABASE: Code = Code("CW304");
/// The file is SQLite, but of another program.
pub const FOREIGN_FILE: Code = Code("CW305");
/// Written by a newer cloudward.
pub const NEWER_VERSION: Code = Code("CW306");
/// Another agent holds the journal.
pub const IN_USE: Code = Code("CW307");
/// SQLite says that the file is damaged.
pub const CORRUPT: Code = Code("CW308");
/// Another program holds a lock of SQLite for longer than the writer waits.
pub const BUSY: Code = Code("CW309");
/// Anything else that the disk or SQLite said.
pub const DISK_FAULT: Code = Code("CW310");
/// Records that cannot be read back.
pub const DAMAGED_RECORDS: Code = Code("CW311");
/// Files of the journal were removed or replaced under the running agent.
pub const TAKEN_AWAY: Code = Code("CW312");
/// The file does not reach as far as it once did.
pub const MISSING_RECORDS: Code = Code("CW313");
/// A damaged file was set aside, and a new one begun.
pub const SET_ASIDE: Code = Code("CW314");
/// All that was in a file set aside is back in the journal.
pub const SALVAGED: Code = Code("CW315");
/// Not all of it.
pub const SALVAGED_IN_PART: Code = Code("CW316");
/// A file that was set aside was removed.
pub const ASIDE_REMOVED: Code = Code("CW317");
/// Another file stands in the place of the one that was being read.
pub const REPLACED: Code = Code("CW318");
/// Delivered records went before their time.
pub const HISTORY_SHED: Code = Code("CW319");
/// A newer version's file is left alone; this one works beside it.
pub const BESIDE_NEWER: Code = Code("CW320");
/// The first bytes of the file were not what they always are.
pub const HEADER_MENDED: Code = Code("CW321");
/// Files of the journal were removed or replaced under the running agent, which began new ones.
pub const BEGUN_ANEW: Code = Code("CW322");
/// A change of the figures that a person asked for was not made.
pub const WISH_REFUSED: Code = Code("CW323");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: DISK_FULL,
        what: Text { en: "no space left for the journal {path}", zh: "磁盘已满，无法写入日志库 {path}" },
        cause: Text {
            en: "The file system or the quota is used up, often by other programs' logs.",
            zh: "所在文件系统或磁盘配额已用尽，常见原因是其他程序的日志占满了磁盘。",
        },
        remedy: Text {
            en: "free some space (look with `df -h` and `du -sh`), or set a smaller max_size under [journal]; the agent goes on by itself once there is room",
            zh: "请清理磁盘（可用 `df -h`、`du -sh` 查看），或在 [journal] 中调小 max_size；腾出空间后程序自动恢复写入",
        },
    },
    Words {
        code: NO_ACCESS,
        what: Text { en: "the journal {path} cannot be opened: {error}", zh: "无法打开日志库 {path}：{error}" },
        cause: Text {
            en: "The directory is missing or belongs to another user.", zh: "目录不存在，或属于其他用户。"
        },
        remedy: Text {
            en: "give the agent's user the right to read and write there (`chown`), or set another dir under [journal]",
            zh: "请把该目录的读写权限授予运行本程序的用户（`chown`），或在 [journal] 中用 dir 指定其他目录",
        },
    },
    Words {
        code: READ_ONLY,
        what: Text {
            en: "the journal {path} is on a read-only file system or is write-protected",
            zh: "日志库 {path} 所在文件系统只读，或文件被写保护",
        },
        cause: Text {
            en: "The medium was mounted read-only, or Linux made it read-only after a disk fault.",
            zh: "分区以只读方式挂载，或磁盘出错后被系统自动改为只读。",
        },
        remedy: Text {
            en: "look into `dmesg` for disk faults and mount it writable, or set another dir under [journal]",
            zh: "请用 `dmesg` 检查磁盘故障并重新以可写方式挂载，或在 [journal] 中用 dir 指定其他目录",
        },
    },
    Words {
        code: NOT_A_DATABASE,
        what: Text {
            en: "{path} is not a journal: the file is not an SQLite database",
            zh: "{path} 不是日志库：文件不是 SQLite 数据库",
        },
        cause: Text {
            en: "Another file has that name, or the beginning of the journal was overwritten.",
            zh: "该位置放了别的文件，或日志库的文件头被覆盖。",
        },
        remedy: Text {
            en: "nothing has to be done: the agent sets {path} aside and begins a new journal",
            zh: "无需处理：程序会把 {path} 改名保存，并新建日志库",
        },
    },
    Words {
        code: FOREIGN_FILE,
        what: Text {
            en: "{path} is an SQLite database of another program", zh: "{path} 是其他程序的 SQLite 数据库"
        },
        cause: Text {
            en: "The journal's directory is shared with another program.", zh: "日志库目录与其他程序共用。"
        },
        remedy: Text {
            en: "set a dir of its own under [journal]; the agent renames the file and leaves its content untouched",
            zh: "请在 [journal] 中用 dir 指定专用目录；程序只把该文件改名，不改动内容",
        },
    },
    Words {
        code: NEWER_VERSION,
        what: Text {
            en: "the journal {path} has version {found}, this program knows up to {known}",
            zh: "日志库 {path} 的版本是 {found}，本程序最高支持 {known}",
        },
        cause: Text {
            en: "A newer cloudward wrote it, and then an older one was installed.",
            zh: "该文件由更新版本的 cloudward 写入，之后又装回了旧版本。",
        },
        remedy: Text {
            en: "install the newer cloudward again, or set another dir under [journal]; {path} was left untouched",
            zh: "请重新安装新版 cloudward，或在 [journal] 中用 dir 指定其他目录；{path} 未被改动",
        },
    },
    Words {
        code: IN_USE,
        what: Text {
            en: "another agent already works on the journal in {path}",
            zh: "{path} 中的日志库正被另一个采集程序使用",
        },
        cause: Text {
            en: "Cloudward was started twice, often by hand beside the service.",
            zh: "cloudward 启动了两次，常见于服务已在运行时又手动启动。",
        },
        remedy: Text {
            en: "stop one of them (`systemctl status cloudward`, `pgrep -a cloudward`), or give each its own dir under [journal]",
            zh: "请停掉其中一个（用 `systemctl status cloudward`、`pgrep -a cloudward` 查看），或在 [journal] 中为每个实例设置各自的 dir",
        },
    },
    Words {
        code: CORRUPT,
        what: Text { en: "the journal {path} is damaged: {error}", zh: "日志库 {path} 已损坏：{error}" },
        cause: Text {
            en: "A failing disk or memory card, or a power cut on a disk that does not keep its promises.",
            zh: "硬盘或存储卡老化，或断电时磁盘未把缓存真正写入。",
        },
        remedy: Text {
            en: "nothing has to be done now: the agent sets the file aside, begins a new one and brings over what is readable; replace the medium if this comes back",
            zh: "目前无需处理：程序会把该文件改名保存、新建日志库，并转入其中可读的记录；若反复出现，请更换存储介质",
        },
    },
    Words {
        code: BUSY,
        what: Text {
            en: "another program holds the journal {path} locked", zh: "日志库 {path} 被其他程序锁定"
        },
        cause: Text {
            en: "A backup or an SQLite shell has the file open for writing.",
            zh: "备份软件或 SQLite 命令行正以写方式打开该文件。",
        },
        remedy: Text {
            en: "close that program (`fuser -v {path}` names it); the agent tries again by itself",
            zh: "请关闭该程序（用 `fuser -v {path}` 查看），本程序会自动重试",
        },
    },
    Words {
        code: DISK_FAULT,
        what: Text {
            en: "the disk refused work on the journal {path}: {error}",
            zh: "日志库 {path} 读写失败：{error}",
        },
        cause: Text {
            en: "A failing disk or memory card, a file system that went away, or one that lacks what SQLite needs (network drives).",
            zh: "硬盘或存储卡故障、文件系统被卸载，或文件系统不满足 SQLite 的要求（如网络盘）。",
        },
        remedy: Text {
            en: "look into `dmesg` for disk faults; keep the journal on a local disk (dir under [journal])",
            zh: "请用 `dmesg` 检查磁盘故障；日志库应放在本地磁盘上（[journal] 中的 dir）",
        },
    },
    Words {
        code: DAMAGED_RECORDS,
        what: Text {
            en: "{records} records in the journal {path} are damaged and cannot be sent",
            zh: "日志库 {path} 中有 {records} 条记录已损坏，无法送出",
        },
        cause: Text {
            en: "A failing disk or memory card changed them after they were written.",
            zh: "硬盘或存储卡老化，写入后的内容发生了变化。",
        },
        remedy: Text {
            en: "replace the medium if this comes back; receivers see the gap in `prev`, all other records are sent",
            zh: "若反复出现，请更换存储介质；接收方可从 `prev` 看出缺口，其余记录照常送出",
        },
    },
    Words {
        code: TAKEN_AWAY,
        what: Text {
            en: "the journal {path} or a file beside it was removed or replaced while the agent runs; what is stored now is lost at the next start",
            zh: "运行期间日志库 {path} 或其旁边的文件被删除或替换；此后存入的数据在下次启动时将丢失",
        },
        cause: Text {
            en: "Somebody cleaned the directory up, restored a backup into it, or unmounted and mounted something over it.",
            zh: "有人清理了该目录、往里恢复了备份，或在该处重新挂载了别的文件系统。",
        },
        remedy: Text {
            en: "let the sinks deliver what is left, then restart the agent; stop the agent before touching its directory",
            zh: "请等各去向送完剩余数据后重启程序；改动该目录之前请先停止程序",
        },
    },
    Words {
        code: MISSING_RECORDS,
        what: Text {
            en: "the journal {path} has lost records that were once written, {records} at most",
            zh: "日志库 {path} 丢失了曾经写入的记录，最多 {records} 条",
        },
        cause: Text {
            en: "Its -wal file was removed or cut off, an older copy was put in its place, or the medium did not keep what it had confirmed.",
            zh: "其 -wal 文件被删除或截断、被旧的副本替换，或存储介质没有保住已确认写入的内容。",
        },
        remedy: Text {
            en: "stop the agent before touching its files, and copy the journal with its -wal file; if nobody did, replace the medium; receivers see the gap in `prev`",
            zh: "改动文件前请先停止程序，复制日志库时连同 -wal 文件一起复制；若无人动过，请更换存储介质；接收方可从 `prev` 看出缺口",
        },
    },
    Words {
        code: SET_ASIDE,
        what: Text {
            en: "the journal {path} was damaged ({error}) and set aside as {aside}; {records} records in it at most are in doubt",
            zh: "日志库 {path} 已损坏（{error}），已改名保存为 {aside}；其中最多 {records} 条记录存疑",
        },
        cause: Text {
            en: "A failing disk or memory card, a power cut on a disk that does not keep its promises, or somebody's hand.",
            zh: "硬盘或存储卡老化、断电时磁盘未把缓存真正写入，或文件被人改动。",
        },
        remedy: Text {
            en: "nothing has to be done now: a new journal was begun, and what is readable in the old one is being brought over; replace the medium if this comes back",
            zh: "目前无需处理：程序已新建日志库，旧文件中可读的记录正在转入；若反复出现，请更换存储介质",
        },
    },
    Words {
        code: SALVAGED,
        what: Text {
            en: "all {records} records that were still wanted of {path} were brought over into the journal",
            zh: "{path} 中尚需送出的 {records} 条记录已全部转入日志库",
        },
        cause: Text {
            en: "The file had been set aside, or an older version had worked in it.",
            zh: "该文件此前因损坏被改名保存，或是旧版本程序使用过的日志库。",
        },
        remedy: Text { en: "nothing has to be done", zh: "无需处理" },
    },
    Words {
        code: SALVAGED_IN_PART,
        what: Text {
            en: "of {path} {records} records were brought over into the journal; {lost} records with {samples} samples at most are lost",
            zh: "已从 {path} 转入 {records} 条记录；最多丢失 {lost} 条记录、{samples} 个样本",
        },
        cause: Text {
            en: "Parts of the damaged file cannot be read, or are not what was once written there.",
            zh: "损坏文件的部分内容无法读取，或已不是当初写入的内容。",
        },
        remedy: Text {
            en: "replace the medium if this comes back; receivers see the gap in `prev`; the file is kept for whoever wants to look into it",
            zh: "若反复出现，请更换存储介质；接收方可从 `prev` 看出缺口；该文件仍保留，以备检查",
        },
    },
    Words {
        code: ASIDE_REMOVED,
        what: Text {
            en: "the damaged journal {path}, set aside some time ago, was removed",
            zh: "已删除此前改名保存的损坏日志库 {path}",
        },
        cause: Text {
            en: "The last two damaged files are kept, and only while there is enough free space.",
            zh: "只保留最近两个损坏的文件，且仅在磁盘空间充足时保留。",
        },
        remedy: Text {
            en: "nothing has to be done; replace the medium if journals become damaged again and again",
            zh: "无需处理；若日志库反复损坏，请更换存储介质",
        },
    },
    Words {
        code: REPLACED,
        what: Text {
            en: "the journal {path} was replaced by another file while it was being read",
            zh: "读取期间，日志库 {path} 被另一个文件取代",
        },
        cause: Text {
            en: "The agent set a damaged file aside and began a new one, or somebody put another file there.",
            zh: "程序将损坏的文件改名并新建了日志库，或有人替换了该文件。",
        },
        remedy: Text {
            en: "nothing has to be done: it is read again from the same position; stop the agent before touching its directory",
            zh: "无需处理：将从同一位置重新读取；改动该目录之前请先停止程序",
        },
    },
    Words {
        code: HISTORY_SHED,
        what: Text {
            en: "{records} delivered records were deleted from the local history before their time, since room is short",
            zh: "空间不足，本地历史中有 {records} 条已送达的记录被提前删除",
        },
        cause: Text {
            en: "The journal reached max_size, or the file system has less free space than reserve under [journal] leaves to others.",
            zh: "日志库已达到 max_size，或磁盘剩余空间低于 [journal] 中 reserve 为其他程序预留的值。",
        },
        remedy: Text {
            en: "nothing is lost at the receivers; set a shorter history or a larger max_size under [journal], or free some space",
            zh: "接收方没有丢失数据；可在 [journal] 中缩短 history、调大 max_size，或清理磁盘",
        },
    },
    Words {
        code: BESIDE_NEWER,
        what: Text {
            en: "the journal {path} was written by a newer cloudward (version {found} of the file, this program knows up to {known}); it is left alone, and this program works in {beside}",
            zh: "日志库 {path} 由更新版本的 cloudward 写入（文件版本 {found}，本程序最高支持 {known}）；该文件保持不动，本程序改用 {beside}",
        },
        cause: Text {
            en: "A newer cloudward was installed and then an older one again.",
            zh: "曾安装更新版本的 cloudward，之后又装回了旧版本。",
        },
        remedy: Text {
            en: "install the newer cloudward again: it finds its journal as it was, delivers what is left in it, and takes in what was stored beside it",
            zh: "请重新安装新版 cloudward：它会找回原日志库并送出其中剩余的数据，同时并入旁边文件中的数据",
        },
    },
    Words {
        code: HEADER_MENDED,
        what: Text {
            en: "the first bytes of the journal {path} were damaged; they were put right, since they are the same in every journal",
            zh: "日志库 {path} 开头的几个字节已损坏；这些字节在每个日志库中都相同，已予修复",
        },
        cause: Text {
            en: "A failing disk or memory card, or a program that wrote into a file that is not its own.",
            zh: "硬盘或存储卡老化，或其他程序误写了该文件。",
        },
        remedy: Text {
            en: "nothing has to be done now; replace the medium if this comes back",
            zh: "目前无需处理；若反复出现，请更换存储介质",
        },
    },
    Words {
        code: BEGUN_ANEW,
        what: Text {
            en: "the journal {path} or a file beside it was removed or replaced while the agent runs; a new one was begun, and {records} records at most are being brought over from the file that is still open",
            zh: "运行期间日志库 {path} 或其旁边的文件被删除或替换；程序已新建日志库，并从仍打开着的原文件转入最多 {records} 条记录",
        },
        cause: Text {
            en: "Somebody cleaned the directory up, restored a backup into it, or unmounted and mounted something over it.",
            zh: "有人清理了该目录、往里恢复了备份，或在该处重新挂载了别的文件系统。",
        },
        remedy: Text {
            en: "nothing has to be done, but do not stop the agent within the next minute; stop it before touching its directory",
            zh: "无需处理，但请在一分钟内不要停止程序；今后改动该目录之前请先停止程序",
        },
    },
    Words {
        code: WISH_REFUSED,
        what: Text {
            en: "a change of the figures was not made: {why}", zh: "对指标数据的修改未执行：{why}"
        },
        cause: Text {
            en: "The figures or the state log were changed between the command and the moment at which it was carried out, a baseline of \
                 that name was frozen before, or the file of the wish is damaged.",
            zh: "发出命令后、执行之前，指标或状态日志已有变化；或同名基线此前已冻结；或待处理文件已损坏。",
        },
        remedy: Text {
            en: "nothing was changed; look at the figures as they are now, and give the command again if it is still right",
            zh: "数据未作任何改动；请查看当前指标，若仍需修改请重新执行命令",
        },
    },
];
