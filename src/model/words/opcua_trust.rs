//! Words for the certificates of OPC UA servers and for our own, as sessions, `cloudward trust` and `cloudward cert` say
//! them: CW276 to CW299. What is odd about a certificate says for itself whether it may be accepted.

use crate::model::trouble::{Code, Text, Words};

/// The server does not hold the key of its certificate.
pub const NOT_PROVEN: Code = Code("CW276");
/// A link that is not there, or has no certificates.
pub const NO_OPCUA_LINK: Code = Code("CW280");
/// A link that looks at no certificate.
pub const LINK_WITHOUT_SECURITY: Code = Code("CW281");
/// Nobody is there to be asked.
pub const TRUST_UNASKED: Code = Code("CW282");
/// What was typed is no fingerprint.
pub const NO_FINGERPRINT: Code = Code("CW283");
/// Another fingerprint than the one that was typed.
pub const FINGERPRINT_DIFFERS: Code = Code("CW284");
/// Somebody was asked, and said no.
pub const TRUST_DECLINED: Code = Code("CW285");
/// The agent would not be able to read what is written.
pub const STATE_OF_ANOTHER: Code = Code("CW286");
/// There is nothing to forget.
pub const NOTHING_PINNED: Code = Code("CW287");
/// Nobody is there to be asked.
pub const FORGET_UNASKED: Code = Code("CW288");
/// Somebody was asked, and said no.
pub const FORGET_DECLINED: Code = Code("CW289");
/// A file name that says no form.
pub const EXPORT_ENDING: Code = Code("CW290");
/// The look at the server did not end well.
pub const LOOK_BROKE_OFF: Code = Code("CW291");
/// Odd: its time is over.
pub const EXPIRED: Code = Code("CW292");
/// Odd: its time has not come.
pub const NOT_YET_VALID: Code = Code("CW293");
/// Odd: made for another host.
pub const OTHER_HOST: Code = Code("CW294");
/// Odd: made for another application.
pub const OTHER_URI: Code = Code("CW295");
/// Odd: its key.
pub const WEAK_KEY: Code = Code("CW296");
/// Odd: how it is signed.
pub const WEAK_SIGNATURE: Code = Code("CW297");
/// Odd: by whom it is signed.
pub const ISSUER_MISSING: Code = Code("CW298");
/// A signature that does not fit.
pub const BROKEN_SIGNATURE: Code = Code("CW299");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: NOT_PROVEN,
        what: Text {
            en: "link `{link}`: {endpoint} has not proven that it is the server whose certificate was confirmed ({said})",
            zh: "链路 `{link}`：{endpoint} 未能证明它就是已确认证书的服务器（{said}）",
        },
        cause: Text {
            en: "It shows the certificate, but does not sign with its key: the server mixes up two certificates, or somebody pretends to be it.",
            zh: "它出示了证书，却没有用对应的私钥签名：服务器混用了两张证书，或有人冒充它。",
        },
        remedy: Text {
            en: "restart the server; if it stays, ask who is on the network between; nothing is read until then",
            zh: "请重启服务器；若仍如此，请排查中间网络上有谁；在此之前不会采集",
        },
    },
    Words {
        code: NO_OPCUA_LINK,
        what: Text {
            en: "`{link}` is no OPC UA link of this configuration; it has these: {known}",
            zh: "配置中没有名为 `{link}` 的 OPC UA 链路；现有：{known}",
        },
        cause: Text {
            en: "The name is misspelt, it is another file, or the link is of another protocol: only OPC UA servers show a certificate that a person confirms.",
            zh: "名称写错、不是这个文件，或该链路用的是别的协议：只有 OPC UA 服务器才有需要人工确认的证书。",
        },
        remedy: Text {
            en: "write the name of an OPC UA link, and name its file with --config",
            zh: "请写 OPC UA 链路的名称，并用 --config 指明配置文件",
        },
    },
    Words {
        code: LINK_WITHOUT_SECURITY,
        what: Text {
            en: "link `{link}` says security = \"none\", so no certificate of {endpoint} is ever looked at",
            zh: "链路 `{link}` 写了 security = \"none\"，不会检查 {endpoint} 的证书",
        },
        cause: Text {
            en: "Without security nobody proves who he is, and a confirmed certificate would only look like protection.",
            zh: "不启用安全策略时双方都不证明身份，确认证书也起不到保护作用。",
        },
        remedy: Text {
            en: "take the line `security` out of the link (default: sign_and_encrypt), switch a policy on in the server, and run this again",
            zh: "请删去该链路的 security 一行（默认 sign_and_encrypt），在服务器上启用安全策略，再运行本命令",
        },
    },
    Words {
        code: TRUST_UNASKED,
        what: Text {
            en: "link `{link}`: nothing was confirmed, since nobody is at a terminal to compare the fingerprint",
            zh: "链路 `{link}`：未确认任何证书，因为没有终端可供人核对指纹",
        },
        cause: Text {
            en: "A certificate is never trusted by itself: trusting whatever answers would trust an impostor too.",
            zh: "证书从不自动信任：谁应答就信谁，等于也信任了冒充者。",
        },
        remedy: Text {
            en: "run it in a terminal; or read the SHA-256 fingerprint at the server itself and give it with --fingerprint",
            zh: "请在终端里运行；或从服务器上读出 SHA-256 指纹，用 --fingerprint 给出",
        },
    },
    Words {
        code: NO_FINGERPRINT,
        what: Text {
            en: "`{found}` is no SHA-256 fingerprint: that has 64 hexadecimal digits, with or without colons",
            zh: "`{found}` 不是 SHA-256 指纹：应为 64 位十六进制数字，可带冒号",
        },
        cause: Text {
            en: "It was not copied whole, or it is the SHA-1 thumbprint (40 digits), which can be forged and is not enough here.",
            zh: "没有复制完整，或给的是 SHA-1 指纹（40 位）；SHA-1 可被伪造，这里不够用。",
        },
        remedy: Text {
            en: "copy the SHA-256 fingerprint from the server; a server that shows SHA-1 alone: export its certificate there and run `openssl x509 -inform der -in FILE -noout -fingerprint -sha256`",
            zh: "请从服务器复制 SHA-256 指纹；若服务器只显示 SHA-1，请在服务器上导出证书，再运行 openssl x509 -inform der -in FILE -noout -fingerprint -sha256",
        },
    },
    Words {
        code: FINGERPRINT_DIFFERS,
        what: Text {
            en: "link `{link}`: {endpoint} shows another certificate than the fingerprint that was given (SHA-256 {sha256}); it is not trusted, and kept in {path}",
            zh: "链路 `{link}`：{endpoint} 出示的证书与给出的指纹不符（SHA-256 {sha256}）；未予信任，已存于 {path}",
        },
        cause: Text {
            en: "The fingerprint is of another server or of an older certificate; or somebody stands between and pretends to be the server.",
            zh: "指纹属于另一台服务器或旧证书；也可能有人在中间冒充服务器。",
        },
        remedy: Text {
            en: "read the fingerprint at the server itself once more; if it is really the one that you gave, ask who is on the network between",
            zh: "请在服务器上重新核对指纹；若确实与给出的一致，请排查中间网络上有谁",
        },
    },
    Words {
        code: TRUST_DECLINED,
        what: Text {
            en: "link `{link}`: not confirmed; the certificate is kept in {path}",
            zh: "链路 `{link}`：未确认；证书已存于 {path}",
        },
        cause: Text { en: "The question was not answered with yes.", zh: "没有回答 yes。" },
        remedy: Text {
            en: "compare the fingerprint at the server and run `cloudward trust {link}` again; until then nothing is read",
            zh: "请在服务器上核对指纹后再运行 cloudward trust {link}；在此之前不会采集",
        },
    },
    Words {
        code: STATE_OF_ANOTHER,
        what: Text {
            en: "{path} belongs to the user {owner}, this command runs as {user}",
            zh: "{path} 属于用户 {owner}，而本命令以 {user} 运行",
        },
        cause: Text {
            en: "The agent runs as the owner of its state directory. What another user writes there it cannot read or replace, so nothing was done.",
            zh: "程序以状态目录所有者的身份运行；别的用户写入的文件，程序可能无法读取或替换，因此未执行。",
        },
        remedy: Text {
            en: "run it as the agent's user: sudo -u '{owner}' cloudward COMMAND",
            zh: "请用程序的用户运行：sudo -u '{owner}' cloudward 命令",
        },
    },
    Words {
        code: NOTHING_PINNED,
        what: Text {
            en: "no certificate is confirmed for a link `{link}`; there are some for: {known}",
            zh: "链路 `{link}` 没有已确认的证书；有证书的链路：{known}",
        },
        cause: Text {
            en: "The name is misspelled, or the certificate was never confirmed or is forgotten already.",
            zh: "链路名写错，或证书从未确认、已被撤销。",
        },
        remedy: Text {
            en: "see what is confirmed with `cloudward cert trusted`",
            zh: "请用 cloudward cert trusted 查看已确认的证书",
        },
    },
    Words {
        code: FORGET_UNASKED,
        what: Text {
            en: "link `{link}`: nothing was changed, since nobody is at a terminal to say yes",
            zh: "链路 `{link}`：未作更改，因为没有终端可供确认",
        },
        cause: Text {
            en: "Without its certificate the link is not read any more, so it is asked first.",
            zh: "撤销证书后该链路将停止采集，因此须先询问。",
        },
        remedy: Text { en: "run it in a terminal, or add --yes", zh: "请在终端里运行，或加 --yes" },
    },
    Words {
        code: FORGET_DECLINED,
        what: Text { en: "link `{link}`: nothing was changed", zh: "链路 `{link}`：未作更改" },
        cause: Text { en: "The question was not answered with yes.", zh: "没有回答 yes。" },
        remedy: Text {
            en: "run it again and answer yes if it was meant", zh: "如确需撤销，请重新运行并回答 yes"
        },
    },
    Words {
        code: EXPORT_ENDING,
        what: Text {
            en: "the ending of {path} says neither DER nor PEM",
            zh: "从 {path} 的扩展名看不出是 DER 还是 PEM",
        },
        cause: Text {
            en: "Servers take the one or the other, and most go by the ending.",
            zh: "服务器只认其中一种格式，且多按扩展名判断。",
        },
        remedy: Text {
            en: "name it .der, .crt or .cer (DER, what most servers take) or .pem",
            zh: "请用 .der、.crt、.cer（DER，多数服务器用这种）或 .pem",
        },
    },
    Words {
        code: LOOK_BROKE_OFF,
        what: Text {
            en: "link `{link}`: what {endpoint} sends is no message of OPC UA: {error}",
            zh: "链路 `{link}`：{endpoint} 发来的不是 OPC UA 报文：{error}",
        },
        cause: Text {
            en: "The server is faulty, or something else answers in its place and breaks the rules of the protocol on purpose.",
            zh: "服务器有缺陷，或有别的程序冒充它并故意违反协议。",
        },
        remedy: Text {
            en: "restart the server; if it stays, find out what answers at {endpoint}, and report it with the server's make and version",
            zh: "请重启服务器；若仍如此，请查明 {endpoint} 上是什么在应答，并附服务器型号和版本反馈",
        },
    },
    Words {
        code: EXPIRED,
        what: Text { en: "the certificate ran out on {date}", zh: "证书已于 {date} 过期" },
        cause: Text {
            en: "Nobody renewed it, or the clock of this gateway is ahead.",
            zh: "到期后没有更新，或本网关的时钟偏快。",
        },
        remedy: Text {
            en: "check the clock and renew it at the server; where nobody can, it may be accepted: the fingerprint still proves who answers",
            zh: "请核对时钟并在服务器上更新证书；确实无法更新时可以接受：指纹仍能证明对方是谁",
        },
    },
    Words {
        code: NOT_YET_VALID,
        what: Text { en: "the certificate is not valid before {date}", zh: "证书要到 {date} 才生效" },
        cause: Text {
            en: "The clock of this gateway is behind, or the server made it with a clock that is ahead.",
            zh: "本网关的时钟偏慢，或服务器生成证书时时钟偏快。",
        },
        remedy: Text {
            en: "check both clocks; it may be accepted, since the fingerprint still proves who answers",
            zh: "请核对两边的时钟；可以接受，指纹仍能证明对方是谁",
        },
    },
    Words {
        code: OTHER_HOST,
        what: Text {
            en: "the certificate was made for {hosts}, the link says {host}",
            zh: "证书是为 {hosts} 生成的，而链路里写的是 {host}",
        },
        cause: Text {
            en: "The server got another name or address after its certificate was made, or is reached through a translated address, or writes no addresses into it. This is common.",
            zh: "服务器在生成证书后改了名称或地址，或经地址转换（NAT）访问，或证书里没写地址。这种情况很常见。",
        },
        remedy: Text {
            en: "it may be accepted; cleaner is one of its own names in the link's URL, or a new certificate at the server",
            zh: "可以接受；更好的做法是在链路 URL 里用证书中的名称，或在服务器上重新生成证书",
        },
    },
    Words {
        code: OTHER_URI,
        what: Text {
            en: "the certificate is of the application {uris}, the server calls itself {uri}",
            zh: "证书属于应用 {uris}，而服务器自称 {uri}",
        },
        cause: Text {
            en: "The server was renamed after its certificate was made, or shows the certificate of another program.",
            zh: "服务器在生成证书后改了名，或用了别的程序的证书。",
        },
        remedy: Text {
            en: "it may be accepted if this very server shows the fingerprint; cleaner is a new certificate there",
            zh: "若确是这台服务器显示该指纹，可以接受；更好的做法是重新生成证书",
        },
    },
    Words {
        code: WEAK_KEY,
        what: Text {
            en: "its key is weak ({found}); the standard wants RSA of 2048 bits or more",
            zh: "密钥强度不足（{found}）；标准要求 2048 位以上的 RSA",
        },
        cause: Text {
            en: "Old servers made keys of 1024 bits. With much effort such a key can be broken, and then anybody can pretend to be the server.",
            zh: "旧服务器生成的是 1024 位密钥。投入足够算力即可破解，之后任何人都能冒充该服务器。",
        },
        remedy: Text {
            en: "make a new certificate of 2048 bits at the server; it may be accepted in a network that is closed off (a key that is not RSA will not work)",
            zh: "请在服务器上重新生成 2048 位证书；在封闭网络内可以接受（不是 RSA 的密钥无法使用）",
        },
    },
    Words {
        code: WEAK_SIGNATURE,
        what: Text {
            en: "it is signed with SHA-1 or older, or in a way that cannot be checked here",
            zh: "证书用 SHA-1 或更旧的算法签名，或签名方式在此无法验证",
        },
        cause: Text {
            en: "Old servers and authorities sign so; such signatures can be forged.",
            zh: "旧服务器和旧 CA 会这样签名；这类签名可被伪造。",
        },
        remedy: Text {
            en: "it may be accepted, since the SHA-256 fingerprint is what counts here; cleaner is a new certificate at the server",
            zh: "可以接受，因为这里以 SHA-256 指纹为准；更好的做法是在服务器上重新生成证书",
        },
    },
    Words {
        code: ISSUER_MISSING,
        what: Text {
            en: "it was signed by {issuer}, whose certificate the server does not send",
            zh: "证书由 {issuer} 签发，但服务器没有发送签发者的证书",
        },
        cause: Text {
            en: "The certificate comes from an authority, of the company or of the maker; many servers send their own alone.",
            zh: "证书由企业或厂商的 CA 签发；许多服务器只发送自己的证书。",
        },
        remedy: Text {
            en: "it may be accepted, since this very certificate is confirmed, not who signed it; if the authority revokes it, that is not noticed here",
            zh: "可以接受，因为确认的是这张证书本身而不是签发者；若 CA 将其吊销，本程序不会知道",
        },
    },
    Words {
        code: BROKEN_SIGNATURE,
        what: Text {
            en: "link `{link}`: a signature of the server's certificate does not fit: it was damaged or forged",
            zh: "链路 `{link}`：服务器证书的签名不符：证书已损坏或被伪造",
        },
        cause: Text {
            en: "It was changed after it was signed, or comes with the certificate of another issuer of the same name.",
            zh: "证书在签名后被改动，或附带的是另一个同名签发者的证书。",
        },
        remedy: Text {
            en: "this cannot be accepted: make a new certificate at the server, then run `cloudward trust {link}` again",
            zh: "不能接受：请在服务器上重新生成证书，再运行 cloudward trust {link}",
        },
    },
];
