//! Why something with a server failed: what readings say of it ([`Why`]), what people are told ([`Trouble`]), and how far back
//! one has to go to begin again ([`Reach`]). Pure.

use std::io;

use opcua::types::{Error, StatusCode};

use crate::model::words::opcua as words;
use crate::model::{Code, Trouble, Why};

/// How much of a connection a failure takes with it, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// This request only.
    Request,
    /// The subscription that it was about.
    Subscription,
    /// The session.
    Session,
    /// The secure channel, and the socket below it.
    Channel,
}

/// At what a server was when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking the host up, connecting, greeting.
    Dial,
    /// Asking which endpoints there are.
    Endpoints,
    /// Opening the secure channel.
    Channel,
    /// Making a session.
    Session,
    /// Saying who we are.
    Login,
    /// Anything else on a session that stands.
    Request,
}

/// A failure.
#[derive(Debug, Clone)]
pub struct Fault {
    /// For readings.
    pub why: Why,
    /// For people; the link is added by whoever knows it.
    pub trouble: Trouble,
    /// What is gone.
    pub reach: Reach,
    /// As the server said it; bad, whatever it is.
    pub status: StatusCode,
}

impl Fault {
    /// A failure that no status code tells.
    pub fn new(why: Why, trouble: Trouble) -> Fault {
        Fault { why, trouble, reach: Reach::Channel, status: StatusCode::BadUnexpectedError }
    }

    /// What the library says of a request, or of a connection that did not come about.
    pub fn of(stage: Stage, error: &Error) -> Fault {
        match dial_error(error) {
            Some(dialled) => Fault::of_dial(dialled),
            None => Fault::of_status(stage, error.status(), &said(error)),
        }
    }

    /// A status code that answers a request.
    pub fn of_status(stage: Stage, status: StatusCode, said: &str) -> Fault {
        let (code, why) = told(stage, status);
        let trouble = Trouble::new(code).with("status", status_name(status)).with("said", said);
        Fault { why, trouble, reach: reach(stage, status), status }
    }

    /// No connection to the host at all.
    pub fn of_dial(error: &io::Error) -> Fault {
        let (code, why) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (words::NOBODY_LISTENS, Why::Refused),
            io::ErrorKind::TimedOut => (words::SERVER_UNREACHABLE, Why::Timeout),
            _ => (words::SERVER_UNREACHABLE, Why::Unreachable),
        };
        let trouble = Trouble::new(code).with("error", error);
        Fault { why, trouble, reach: Reach::Channel, status: StatusCode::BadNotConnected }
    }
}

/// What the system said when our own dial failed: it travels inside the library's error.
fn dial_error(error: &Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref::<io::Error>()
}

fn said(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// `BadNodeIdUnknown`, or the number of one that the standard does not name.
pub fn status_name(status: StatusCode) -> String {
    let name = status.to_string();
    if name.contains("Invalid") && name.len() < 8 { format!("0x{:08X}", status.bits()) } else { name }
}

/// The words for a failure, and what readings say of it.
fn told(stage: Stage, status: StatusCode) -> (Code, Why) {
    use StatusCode as S;
    match (stage, status) {
        (_, S::BadTimeout) => (words::SERVER_SILENT, Why::Timeout),
        (_, S::BadTooManySessions) => (words::TOO_MANY_SESSIONS, Why::Overload),
        (_, S::BadTooManySubscriptions | S::BadTooManyMonitoredItems | S::BadTooManyPublishRequests) => {
            (words::SERVER_FULL, Why::Overload)
        }
        (Stage::Login, _) if is_identity(status) => (words::LOGIN_REFUSED, Why::IdentityRefused),
        // A server that does not know our certificate says so, or says nothing and hangs up.
        (Stage::Channel | Stage::Session | Stage::Login, _) if is_trust(status) => {
            (words::NOT_TRUSTED_YET, Why::Untrusted)
        }
        (Stage::Channel, S::BadConnectionClosed | S::BadCommunicationError | S::BadSecureChannelClosed) => {
            (words::NOT_TRUSTED_YET, Why::Untrusted)
        }
        // node-opcua refuses a client with an error message of its own make, in which no status can be read.
        (Stage::Channel, status) if !status.is_bad() || status.validate().is_err() => {
            (words::NOT_TRUSTED_YET, Why::Untrusted)
        }
        (
            Stage::Dial | Stage::Endpoints,
            S::BadConnectionClosed | S::BadDecodingError | S::BadTcpMessageTypeInvalid,
        ) => (words::NO_OPC_UA, Why::Malformed),
        (_, S::BadConnectionClosed | S::BadCommunicationError | S::BadSecureChannelClosed | S::BadNotConnected) => {
            (words::SERVER_HUNG_UP, Why::Closed)
        }
        (_, S::BadDecodingError | S::BadEncodingLimitsExceeded) => (words::ANSWER_UNREADABLE, Why::Malformed),
        _ => (words::SERVER_REFUSES, Why::BadStatus),
    }
}

fn is_identity(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(
        status,
        S::BadIdentityTokenInvalid | S::BadIdentityTokenRejected | S::BadUserAccessDenied | S::BadUserSignatureInvalid
    )
}

fn is_trust(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(
        status,
        S::BadSecurityChecksFailed
            | S::BadCertificateUntrusted
            | S::BadCertificateInvalid
            | S::BadCertificateUriInvalid
            | S::BadCertificateUseNotAllowed
            | S::BadCertificateTimeInvalid
            | S::BadCertificateChainIncomplete
            | S::BadCertificateRevocationUnknown
            | S::BadCertificateRevoked
            | S::BadNoValidCertificates
            | S::BadCertificateIssuerTimeInvalid
    )
}

fn reach(stage: Stage, status: StatusCode) -> Reach {
    use StatusCode as S;
    match status {
        S::BadSubscriptionIdInvalid | S::BadNoSubscription => Reach::Subscription,
        S::BadSessionIdInvalid | S::BadSessionClosed | S::BadSessionNotActivated => Reach::Session,
        S::BadTimeout
        | S::BadConnectionClosed
        | S::BadCommunicationError
        | S::BadSecureChannelClosed
        | S::BadSecureChannelIdInvalid
        | S::BadSecureChannelTokenUnknown
        | S::BadNotConnected
        | S::BadDecodingError
        | S::BadServerHalted
        | S::BadShutdown => Reach::Channel,
        _ if matches!(stage, Stage::Request) => Reach::Request,
        _ if matches!(stage, Stage::Session | Stage::Login) => Reach::Session,
        _ => Reach::Channel,
    }
}

/// What a bad status of a value means to readings.
pub fn why_bad(status: StatusCode) -> Why {
    let bare = StatusCode::from(status.bits() & 0xFFFF_0000);
    use StatusCode as S;
    match bare {
        S::BadNodeIdUnknown
        | S::BadNodeIdInvalid
        | S::BadAttributeIdInvalid
        | S::BadIndexRangeInvalid
        | S::BadIndexRangeNoData => Why::NodeUnknown,
        S::BadUserAccessDenied | S::BadNotReadable => Why::AccessDenied,
        S::BadWaitingForInitialData | S::BadNoData | S::BadDataUnavailable => Why::NoData,
        S::BadTimeout => Why::Timeout,
        S::BadNoCommunication
        | S::BadNotConnected
        | S::BadDeviceFailure
        | S::BadSensorFailure
        | S::BadOutOfService
        | S::BadCommunicationError => Why::DeviceFailure,
        S::BadTooManyMonitoredItems | S::BadTooManyOperations | S::BadOutOfMemory | S::BadResourceUnavailable => {
            Why::Overload
        }
        _ => Why::BadStatus,
    }
}

/// What an uncertain status of a value means to readings.
pub fn why_uncertain(status: StatusCode) -> Why {
    use StatusCode as S;
    match StatusCode::from(status.bits() & 0xFFFF_0000) {
        S::UncertainLastUsableValue | S::UncertainNoCommunicationLastUsableValue => Why::LastKnown,
        _ => Why::UncertainStatus,
    }
}

/// Whether a server that says so may take fewer at a time.
pub fn is_too_much(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(
        status,
        S::BadTooManyOperations
            | S::BadRequestTooLarge
            | S::BadResponseTooLarge
            | S::BadEncodingLimitsExceeded
            | S::BadTcpMessageTooLarge
            | S::BadOutOfMemory
            | S::BadResourceUnavailable
    )
}

/// Whether a server that says so knows no subscriptions.
pub fn is_unsupported(status: StatusCode) -> bool {
    matches!(status, StatusCode::BadServiceUnsupported | StatusCode::BadNotImplemented | StatusCode::BadNotSupported)
}

/// Whether a server that says so would take the item without its filter.
pub fn is_about_filter(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(
        status,
        S::BadMonitoredItemFilterInvalid
            | S::BadMonitoredItemFilterUnsupported
            | S::BadFilterNotAllowed
            | S::BadDeadbandFilterInvalid
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_takes_with_it_what_it_must_and_no_more() {
        for (stage, status, expected) in [
            (Stage::Request, StatusCode::BadNodeIdUnknown, Reach::Request),
            (Stage::Request, StatusCode::BadTooManyOperations, Reach::Request),
            (Stage::Request, StatusCode::BadSubscriptionIdInvalid, Reach::Subscription),
            (Stage::Request, StatusCode::BadNoSubscription, Reach::Subscription),
            (Stage::Request, StatusCode::BadSessionIdInvalid, Reach::Session),
            (Stage::Request, StatusCode::BadTimeout, Reach::Channel),
            (Stage::Request, StatusCode::BadConnectionClosed, Reach::Channel),
            (Stage::Login, StatusCode::BadUserAccessDenied, Reach::Session),
            (Stage::Channel, StatusCode::BadSecurityChecksFailed, Reach::Channel),
        ] {
            assert_eq!(Fault::of_status(stage, status, "").reach, expected, "{stage:?} {status}");
        }
    }

    #[test]
    fn who_does_not_trust_us_is_told_from_who_is_not_there() {
        for (stage, status, code) in [
            (Stage::Channel, StatusCode::BadSecurityChecksFailed, words::NOT_TRUSTED_YET),
            (Stage::Channel, StatusCode::BadConnectionClosed, words::NOT_TRUSTED_YET),
            (Stage::Channel, StatusCode::from(0x0001_3200), words::NOT_TRUSTED_YET),
            (Stage::Channel, StatusCode::BadTcpInternalError, words::SERVER_REFUSES),
            (Stage::Session, StatusCode::BadCertificateUntrusted, words::NOT_TRUSTED_YET),
            (Stage::Login, StatusCode::BadIdentityTokenRejected, words::LOGIN_REFUSED),
            (Stage::Login, StatusCode::BadUserAccessDenied, words::LOGIN_REFUSED),
            (Stage::Request, StatusCode::BadConnectionClosed, words::SERVER_HUNG_UP),
            (Stage::Session, StatusCode::BadTooManySessions, words::TOO_MANY_SESSIONS),
            (Stage::Dial, StatusCode::BadConnectionClosed, words::NO_OPC_UA),
        ] {
            assert_eq!(Fault::of_status(stage, status, "").trouble.code, code, "{stage:?} {status}");
        }
        let refused = Error::new(StatusCode::BadNotConnected, io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(Fault::of(Stage::Dial, &refused).why, Why::Refused);
    }

    #[test]
    fn info_bits_do_not_hide_what_a_status_means() {
        let with_overflow = StatusCode::from(0x8034_0000_u32 | 0x480);
        assert_eq!(why_bad(with_overflow), Why::NodeUnknown);
        assert_eq!(why_uncertain(StatusCode::from(0x4090_0000_u32)), Why::LastKnown);
        assert_eq!(why_uncertain(StatusCode::from(0x4095_0000_u32)), Why::UncertainStatus);
    }
}
