//! Which of the endpoints that a server offers is taken, and as whom one logs in there. Pure.

use opcua::crypto::SecurityPolicy;
use opcua::types::{EndpointDescription, MessageSecurityMode, UserTokenPolicy, UserTokenType};

use super::fault::Fault;
use crate::config::opcua::{OpcUaServer, Policy, SecurityMode, User};
use crate::model::words::opcua as words;
use crate::model::{Trouble, Why};

/// The policies that are taken, the best first (Part 7, 6.6): all of SHA-256.
const POLICIES: [SecurityPolicy; 3] =
    [SecurityPolicy::Aes256Sha256RsaPss, SecurityPolicy::Basic256Sha256, SecurityPolicy::Aes128Sha256RsaOaep];

/// The binary protocol on a socket (Part 7, 6.6.131).
const TRANSPORT: &str = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary";

/// The endpoint to connect to, where the user of the configuration can log in.
pub(super) fn choose(offered: &[EndpointDescription], server: &OpcUaServer) -> Result<EndpointDescription, Fault> {
    let endpoint = pick(offered, server)?;
    user_token(&endpoint, server)?;
    Ok(endpoint)
}

/// The endpoint with the security of the configuration, and with its URL: servers like to name themselves by names that
/// nobody resolves.
pub(super) fn pick(offered: &[EndpointDescription], server: &OpcUaServer) -> Result<EndpointDescription, Fault> {
    let wanted: Vec<SecurityPolicy> = match (server.mode, server.policy) {
        (SecurityMode::None, _) => vec![SecurityPolicy::None],
        (_, None) => POLICIES.to_vec(),
        (_, Some(policy)) => vec![of_config(policy)],
    };
    let mode = match server.mode {
        SecurityMode::None => MessageSecurityMode::None,
        SecurityMode::Sign => MessageSecurityMode::Sign,
        SecurityMode::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
    };
    let speaks_binary = |endpoint: &&EndpointDescription| {
        let transport = endpoint.transport_profile_uri.as_ref();
        transport.is_empty() || transport == TRANSPORT
    };
    let of = |policy: &SecurityPolicy| {
        let is_it = |endpoint: &&EndpointDescription| {
            endpoint.security_mode == mode && policy_of(endpoint.security_policy_uri.as_ref()) == *policy
        };
        offered.iter().filter(speaks_binary).find(is_it)
    };
    let Some(found) = wanted.iter().find_map(of) else {
        let names: Vec<String> = wanted.iter().map(|policy| shown(mode, *policy)).collect();
        let trouble = Trouble::new(words::POLICY_NOT_OFFERED).with("wanted", names.join(", "));
        return Err(Fault::new(Why::Refused, trouble.with("offered", list(offered))));
    };
    let mut endpoint = found.clone();
    endpoint.endpoint_url = server.url.as_str().into();
    Ok(endpoint)
}

/// How the user of the configuration logs in at this endpoint. A password never travels readable.
pub(super) fn user_token(endpoint: &EndpointDescription, server: &OpcUaServer) -> Result<UserTokenPolicy, Fault> {
    let (kind, name) = match server.user {
        User::Anonymous => (UserTokenType::Anonymous, "anonymous"),
        User::Password { .. } => (UserTokenType::UserName, "password"),
        User::Certificate { .. } => (UserTokenType::Certificate, "certificate"),
    };
    let offered = endpoint.user_identity_tokens.as_deref().unwrap_or_default();
    let channel = policy_of(endpoint.security_policy_uri.as_ref());
    // An empty policy means the channel's (Part 4, 7.41).
    let policy = |token: &UserTokenPolicy| match token.security_policy_uri.as_ref() {
        "" => channel,
        uri => policy_of(uri),
    };
    let is_encrypted = endpoint.security_mode == MessageSecurityMode::SignAndEncrypt;
    let is_usable = |token: &&UserTokenPolicy| match kind {
        UserTokenType::Anonymous => true,
        UserTokenType::UserName => {
            POLICIES.contains(&policy(token)) || is_encrypted && policy(token) == SecurityPolicy::None
        }
        _ => POLICIES.contains(&policy(token)),
    };
    let rank =
        |token: &&UserTokenPolicy| POLICIES.iter().position(|known| *known == policy(token)).unwrap_or(POLICIES.len());
    let best = offered.iter().filter(|token| token.token_type == kind).filter(is_usable).min_by_key(rank);
    match best {
        Some(token) => {
            let mut token = token.clone();
            if kind == UserTokenType::Certificate {
                token.security_policy_uri = policy(&token).to_uri().into();
            }
            Ok(token)
        }
        // A server that lists nothing takes everybody.
        None if offered.is_empty() && kind == UserTokenType::Anonymous => {
            Ok(UserTokenPolicy { token_type: kind, ..UserTokenPolicy::default() })
        }
        None => {
            let trouble =
                Trouble::new(words::USER_KIND_NOT_OFFERED).with("wanted", name).with("offered", users(endpoint));
            Err(Fault::new(Why::IdentityRefused, trouble))
        }
    }
}

/// How one may log in there, for people: `anonymous, password`.
pub(super) fn users(endpoint: &EndpointDescription) -> String {
    let offered = endpoint.user_identity_tokens.as_deref().unwrap_or_default();
    let mut kinds: Vec<&str> = offered.iter().map(|token| user_kind(token.token_type)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() { "-".to_owned() } else { kinds.join(", ") }
}

/// Which security an endpoint has, for people.
pub(super) fn security(endpoint: &EndpointDescription) -> String {
    shown(endpoint.security_mode, policy_of(endpoint.security_policy_uri.as_ref()))
}

/// Everything that a server offers, for people: `SignAndEncrypt Basic256Sha256, None`.
pub(super) fn list(offered: &[EndpointDescription]) -> String {
    // Twice the policies that were ever defined, in two modes.
    const MOST_NAMES: usize = 40;
    const LONGEST_NAME: usize = 40;
    let mut names: Vec<String> = offered
        .iter()
        .map(|endpoint| match policy_of(endpoint.security_policy_uri.as_ref()) {
            SecurityPolicy::Unknown => {
                // What nobody knows is told as the server writes it; it must not steer a terminal or fill a log.
                let uri = endpoint.security_policy_uri.as_ref();
                let name = uri.rsplit('#').next().unwrap_or(uri).chars().filter(char::is_ascii_graphic);
                format!("{} {}", mode_name(endpoint.security_mode), name.take(LONGEST_NAME).collect::<String>())
            }
            policy => shown(endpoint.security_mode, policy),
        })
        .collect();
    names.sort();
    names.dedup();
    names.truncate(MOST_NAMES);
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn shown(mode: MessageSecurityMode, policy: SecurityPolicy) -> String {
    match policy {
        SecurityPolicy::None => "None".to_owned(),
        policy => {
            let ours = Policy::ALL.into_iter().find(|known| of_config(*known) == policy);
            format!("{} {}", mode_name(mode), ours.map_or(policy.to_str(), Policy::as_str))
        }
    }
}

fn mode_name(mode: MessageSecurityMode) -> &'static str {
    match mode {
        MessageSecurityMode::None => "None",
        MessageSecurityMode::Sign => "Sign",
        MessageSecurityMode::SignAndEncrypt => "SignAndEncrypt",
        MessageSecurityMode::Invalid => "Invalid",
    }
}

fn user_kind(kind: UserTokenType) -> &'static str {
    match kind {
        UserTokenType::Anonymous => "anonymous",
        UserTokenType::UserName => "password",
        UserTokenType::Certificate => "certificate",
        UserTokenType::IssuedToken => "issued token",
    }
}

pub(super) fn policy_of(uri: &str) -> SecurityPolicy {
    if uri.is_empty() { SecurityPolicy::None } else { SecurityPolicy::from_uri(uri) }
}

fn of_config(policy: Policy) -> SecurityPolicy {
    match policy {
        Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
        Policy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
        Policy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
    }
}
