//! Causes: what the MQTT and TLS libraries say, translated into troubles that a person can act on. The rule: by the
//! types of the errors, never by their texts.

use std::io::{self, ErrorKind};
use std::time::Duration;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError};
use rustls::{AlertDescription, CertificateError};

use crate::config::Sink;
use crate::model::words::sink as words;
use crate::model::{Code, Trouble};

/// Why a connection did not come to be.
pub(super) fn connecting(sink: &Sink, error: ConnectionError, deadline: Duration) -> Trouble {
    let here = |code| at(sink, code);
    match error {
        ConnectionError::ConnectionRefused(code) => refused(sink, code),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            here(words::CONNECT_TIMEOUT).with("seconds", deadline.as_secs())
        }
        ConnectionError::NotConnAck(_) => here(words::NOT_MQTT).with("error", "a packet other than CONNACK"),
        // Only name and TCP connect report here, and what the system's connect says has an errno: the rest is the name.
        ConnectionError::Io(error) if error.raw_os_error().is_none() => {
            here(words::HOST_NOT_FOUND).with("error", error)
        }
        ConnectionError::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => here(words::CONNECTION_REFUSED),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                here(words::NO_ROUTE).with("error", error)
            }
            ErrorKind::TimedOut => here(words::CONNECT_TIMEOUT).with("seconds", deadline.as_secs()),
            _ => here(words::CONNECT_FAILED).with("error", error),
        },
        ConnectionError::Tls(TlsError::TLS(error)) => tls(sink, &error),
        ConnectionError::Tls(TlsError::Io(error)) => match tls_inside(&error) {
            Some(rustls::Error::InvalidMessage(_)) => here(words::TLS_NOT_SPOKEN),
            Some(error) => tls(sink, error),
            None if is_hang_up(&error) => here(words::TLS_NOT_SPOKEN),
            None => here(words::CONNECT_FAILED).with("error", error),
        },
        ConnectionError::Tls(error) => here(words::TLS_SETUP).with("error", error),
        ConnectionError::MqttState(StateError::ConnectionAborted) => here(words::CLOSED_BEFORE_CONNACK),
        ConnectionError::MqttState(state) => match io_inside(&state) {
            Some(error) => match tls_inside(error) {
                // With TLS 1.3 the client's handshake is over before the server has seen its certificate.
                Some(error) => tls(sink, error),
                None if is_hang_up(error) => here(words::CLOSED_BEFORE_CONNACK),
                None if is_cut_packet(error) => here(words::NOT_MQTT).with("error", error),
                None => here(words::CONNECT_FAILED).with("error", error),
            },
            None => here(words::NOT_MQTT).with("error", state),
        },
        other => here(words::CONNECT_FAILED).with("error", other),
    }
}

/// Why a connection that had been accepted is gone. `stall`: how long a write may take.
pub(super) fn lost(sink: &Sink, error: ConnectionError, stall: Duration) -> Trouble {
    let here = |code| at(sink, code);
    match error {
        ConnectionError::FlushTimeout | ConnectionError::NetworkTimeout => {
            here(words::LOST_STALLED).with("seconds", stall.as_secs())
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => here(words::LOST_CLOSED),
        ConnectionError::MqttState(StateError::AwaitPingResp) => here(words::LOST_KEEP_ALIVE),
        // A packet id came round again while its first use still waits: the broker forgot one message.
        ConnectionError::MqttState(StateError::CollisionTimeout) => {
            here(words::ACK_TIMEOUT).with("seconds", 2 * sink.keep_alive.as_secs())
        }
        ConnectionError::MqttState(state) => match io_inside(&state) {
            Some(error) => network(sink, error),
            None => here(words::LOST_PROTOCOL).with("error", state),
        },
        ConnectionError::Io(error) => network(sink, &error),
        other => here(words::LOST_NETWORK).with("error", other),
    }
}

/// The broker leaves a message unacknowledged for longer than `ack_timeout`.
pub fn ack_timeout(sink: &Sink) -> Trouble {
    at(sink, words::ACK_TIMEOUT).with("seconds", sink.ack_timeout.as_secs())
}

/// The broker closes the connection shortly after each login, again and again.
pub fn taken_over(sink: &Sink) -> Trouble {
    at(sink, words::TAKEN_OVER).with("client_id", &sink.client_id)
}

/// Trouble of this code with the broker of `sink`.
pub(super) fn at(sink: &Sink, code: Code) -> Trouble {
    Trouble::new(code).with("broker", format_args!("{}:{}", sink.host, sink.port))
}

/// MQTT 3.1.1, table 3.1.
fn refused(sink: &Sink, code: ConnectReturnCode) -> Trouble {
    match code {
        ConnectReturnCode::RefusedProtocolVersion => at(sink, words::PROTOCOL_VERSION_REFUSED),
        ConnectReturnCode::BadClientId => at(sink, words::CLIENT_ID_REFUSED).with("client_id", &sink.client_id),
        ConnectReturnCode::ServiceUnavailable => at(sink, words::BROKER_UNAVAILABLE),
        ConnectReturnCode::BadUserNamePassword => at(sink, words::BAD_USER_OR_PASSWORD),
        ConnectReturnCode::NotAuthorized => at(sink, words::NOT_AUTHORIZED),
        ConnectReturnCode::Success => at(sink, words::NOT_MQTT).with("error", "success reported as a refusal"),
    }
}

fn tls(sink: &Sink, error: &rustls::Error) -> Trouble {
    use AlertDescription as Alert;
    use rustls::Error::{AlertReceived, InvalidCertificate, PeerIncompatible};
    match error {
        InvalidCertificate(fault) => certificate(sink, fault),
        AlertReceived(
            alert @ (Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::CertificateRequired),
        ) => at(sink, words::TLS_CLIENT_CERT_REFUSED).with("error", format_args!("{alert:?}")),
        AlertReceived(Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity)
        | PeerIncompatible(_) => at(sink, words::TLS_NO_COMMON_GROUND).with("error", error),
        _ => at(sink, words::TLS_FAILED).with("error", error),
    }
}

fn certificate(sink: &Sink, fault: &CertificateError) -> Trouble {
    match fault {
        // A CA that was made anew under its old name has the right name and the wrong key: a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => at(sink, words::TLS_UNKNOWN_CA),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => at(sink, words::TLS_EXPIRED),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            at(sink, words::TLS_NOT_YET_VALID)
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            at(sink, words::TLS_WRONG_NAME)
                .with("names", presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", "))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            at(sink, words::TLS_WRONG_NAME).with("names", "-")
        }
        other => at(sink, words::TLS_CERT_UNUSABLE).with("error", other),
    }
}

fn network(sink: &Sink, error: &io::Error) -> Trouble {
    if is_hang_up(error) || is_cut_packet(error) {
        at(sink, words::LOST_CLOSED)
    } else {
        at(sink, words::LOST_NETWORK).with("error", error)
    }
}

fn io_inside(error: &StateError) -> Option<&io::Error> {
    match error {
        StateError::Io(error) | StateError::Deserialization(rumqttc::mqttbytes::Error::Io(error)) => Some(error),
        _ => None,
    }
}

fn tls_inside(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}

/// The stream ended within a packet: the codec's own complaint, which is neither the system's nor TLS's.
fn is_cut_packet(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Other && error.raw_os_error().is_none() && tls_inside(error).is_none()
}

/// `DnsName("broker.example.com")`, as the verifier shows a name, without its shell.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inside.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Security;
    use crate::model::Lang;
    use crate::sink::testbed::sink;
    use rustls::PeerIncompatible;

    const SPAN: Duration = Duration::from_secs(15);

    #[track_caller]
    fn check(got: Trouble, expected: Code) {
        assert_eq!(got.code, expected, "{got}");
        for lang in [Lang::En, Lang::Zh] {
            assert!(!got.line(lang).contains(['{', '}']), "an argument is missing: {}", got.line(lang));
        }
    }

    fn here() -> Sink {
        sink(8883, Security::Plaintext)
    }

    fn in_handshake(error: rustls::Error) -> ConnectionError {
        ConnectionError::Tls(TlsError::Io(io::Error::new(ErrorKind::InvalidData, error)))
    }

    fn after_handshake(error: impl Into<io::Error>) -> ConnectionError {
        ConnectionError::MqttState(StateError::Deserialization(rumqttc::mqttbytes::Error::Io(error.into())))
    }

    // What mosquitto on this machine does is tested against mosquitto; here is the rest.
    #[test]
    fn what_no_test_broker_does_is_translated_too() {
        let os = |errno| ConnectionError::Io(io::Error::from_raw_os_error(errno));
        let alert = |alert| in_handshake(rustls::Error::AlertReceived(alert));
        for (error, expected) in [
            (os(errno::ENETUNREACH), words::NO_ROUTE),
            (os(errno::EHOSTUNREACH), words::NO_ROUTE),
            (os(errno::ETIMEDOUT), words::CONNECT_TIMEOUT),
            (os(errno::EMFILE), words::CONNECT_FAILED),
            (ConnectionError::NetworkTimeout, words::CONNECT_TIMEOUT),
            (alert(AlertDescription::HandshakeFailure), words::TLS_NO_COMMON_GROUND),
            (alert(AlertDescription::ProtocolVersion), words::TLS_NO_COMMON_GROUND),
            (alert(AlertDescription::UnknownCA), words::TLS_CLIENT_CERT_REFUSED),
            (alert(AlertDescription::InternalError), words::TLS_FAILED),
            (
                in_handshake(rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)),
                words::TLS_NO_COMMON_GROUND,
            ),
            (in_handshake(rustls::Error::InvalidCertificate(CertificateError::Revoked)), words::TLS_CERT_UNUSABLE),
            (in_handshake(rustls::Error::InvalidCertificate(CertificateError::NotValidForName)), words::TLS_WRONG_NAME),
            (after_handshake(ErrorKind::ConnectionReset), words::CLOSED_BEFORE_CONNACK),
        ] {
            check(connecting(&here(), error, SPAN), expected);
        }
        for (error, expected) in [
            (after_handshake(ErrorKind::ConnectionReset), words::LOST_CLOSED),
            (after_handshake(ErrorKind::UnexpectedEof), words::LOST_CLOSED),
            (after_handshake(io::Error::from_raw_os_error(errno::ETIMEDOUT)), words::LOST_NETWORK),
            (after_handshake(io::Error::from_raw_os_error(errno::EHOSTUNREACH)), words::LOST_NETWORK),
            (ConnectionError::FlushTimeout, words::LOST_STALLED),
            (ConnectionError::MqttState(StateError::CollisionTimeout), words::ACK_TIMEOUT),
            (ConnectionError::MqttState(StateError::WrongPacket), words::LOST_PROTOCOL),
        ] {
            check(lost(&here(), error, SPAN), expected);
        }
        check(ack_timeout(&here()), words::ACK_TIMEOUT);
        check(taken_over(&here()), words::TAKEN_OVER);
    }

    /// errno(3) on Linux.
    mod errno {
        pub const EMFILE: i32 = 24;
        pub const ENETUNREACH: i32 = 101;
        pub const ETIMEDOUT: i32 = 110;
        pub const EHOSTUNREACH: i32 = 113;
    }
}
