//! Structures that the standard defines, as JSON in plain words: those that machines use for values, and what a server tells of
//! itself. Pure.
//!
//! Why by hand: the library can write every type of the standard as JSON, but it leaves out what is zero or empty (Part 6, 5.4.1),
//! which receivers would take for missing, and is a megabyte of code. A structure that does not stand here has no value.

use opcua::types::{
    AxisInformation, BuildInfo, ComplexNumberType, DateTime, DoubleComplexNumberType, EUInformation, EnumValueType,
    ExtensionObject, LocalizedText, Range, ServerDiagnosticsSummaryDataType, ServerStatusDataType, TimeZoneDataType,
    UAString, XVType,
};
use serde_json::{Value as Json, json};

/// The fields under the names that the type's definition gives them.
pub(super) fn json_of(object: &ExtensionObject) -> Option<Json> {
    if let Some(known) = object.inner_as() {
        return Some(range(known));
    }
    if let Some(known) = object.inner_as() {
        return Some(unit(known));
    }
    if let Some(XVType { x, value }) = object.inner_as() {
        return Some(json!({ "X": x, "Value": value }));
    }
    if let Some(ComplexNumberType { real, imaginary }) = object.inner_as() {
        return Some(json!({ "Real": real, "Imaginary": imaginary }));
    }
    if let Some(DoubleComplexNumberType { real, imaginary }) = object.inner_as() {
        return Some(json!({ "Real": real, "Imaginary": imaginary }));
    }
    if let Some(TimeZoneDataType { offset, daylight_saving_in_offset }) = object.inner_as() {
        return Some(json!({ "Offset": offset, "DaylightSavingInOffset": daylight_saving_in_offset }));
    }
    if let Some(EnumValueType { value, display_name, description }) = object.inner_as() {
        let (name, what) = (plain(display_name), plain(description));
        return Some(json!({ "Value": value, "DisplayName": name, "Description": what }));
    }
    if let Some(known) = object.inner_as() {
        return Some(axis(known));
    }
    if let Some(known) = object.inner_as() {
        return Some(build(known));
    }
    if let Some(known) = object.inner_as() {
        return Some(status(known));
    }
    object.inner_as().map(diagnostics)
}

fn range(Range { low, high }: &Range) -> Json {
    json!({ "Low": low, "High": high })
}

fn unit(unit: &EUInformation) -> Json {
    let (uri, name, what) = (text(&unit.namespace_uri), plain(&unit.display_name), plain(&unit.description));
    json!({ "NamespaceUri": uri, "UnitId": unit.unit_id, "DisplayName": name, "Description": what })
}

fn axis(axis: &AxisInformation) -> Json {
    json!({
        "EngineeringUnits": unit(&axis.engineering_units),
        "EURange": range(&axis.eu_range),
        "Title": plain(&axis.title),
        "AxisScaleType": axis.axis_scale_type as i32,
        "AxisSteps": axis.axis_steps,
    })
}

fn status(status: &ServerStatusDataType) -> Json {
    json!({
        "StartTime": time(&status.start_time),
        "CurrentTime": time(&status.current_time),
        "State": status.state as i32,
        "BuildInfo": build(&status.build_info),
        "SecondsTillShutdown": status.seconds_till_shutdown,
        "ShutdownReason": plain(&status.shutdown_reason),
    })
}

fn build(build: &BuildInfo) -> Json {
    json!({
        "ProductUri": text(&build.product_uri),
        "ManufacturerName": text(&build.manufacturer_name),
        "ProductName": text(&build.product_name),
        "SoftwareVersion": text(&build.software_version),
        "BuildNumber": text(&build.build_number),
        "BuildDate": time(&build.build_date),
    })
}

fn diagnostics(counts: &ServerDiagnosticsSummaryDataType) -> Json {
    json!({
        "ServerViewCount": counts.server_view_count,
        "CurrentSessionCount": counts.current_session_count,
        "CumulatedSessionCount": counts.cumulated_session_count,
        "SecurityRejectedSessionCount": counts.security_rejected_session_count,
        "RejectedSessionCount": counts.rejected_session_count,
        "SessionTimeoutCount": counts.session_timeout_count,
        "SessionAbortCount": counts.session_abort_count,
        "CurrentSubscriptionCount": counts.current_subscription_count,
        "CumulatedSubscriptionCount": counts.cumulated_subscription_count,
        "PublishingIntervalCount": counts.publishing_interval_count,
        "SecurityRejectedRequestsCount": counts.security_rejected_requests_count,
        "RejectedRequestsCount": counts.rejected_requests_count,
    })
}

fn plain(words: &LocalizedText) -> &str {
    text(&words.text)
}

fn text(text: &UAString) -> &str {
    text.as_ref()
}

fn time(time: &DateTime) -> String {
    time.to_rfc3339()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opcua::types::{Argument, ServerState};

    #[track_caller]
    fn check(object: ExtensionObject, expected: Json) {
        assert_eq!(json_of(&object), Some(expected));
    }

    #[test]
    fn every_field_is_said_also_when_it_is_zero_or_empty() {
        check(ExtensionObject::from_message(Range::default()), json!({ "Low": 0.0, "High": 0.0 }));
        let axis = AxisInformation { axis_steps: Some(vec![0.0, 0.5]), ..AxisInformation::default() };
        check(
            ExtensionObject::from_message(axis),
            json!({
                "EngineeringUnits": { "NamespaceUri": "", "UnitId": 0, "DisplayName": "", "Description": "" },
                "EURange": { "Low": 0.0, "High": 0.0 },
                "Title": "",
                "AxisScaleType": 0,
                "AxisSteps": [0.0, 0.5],
            }),
        );
        check(
            ExtensionObject::from_message(EnumValueType {
                value: 2,
                display_name: "运行".into(),
                ..EnumValueType::default()
            }),
            json!({ "Value": 2, "DisplayName": "运行", "Description": "" }),
        );
        let summary = ServerDiagnosticsSummaryDataType { current_session_count: 3, ..Default::default() };
        let found = json_of(&ExtensionObject::from_message(summary)).unwrap();
        assert_eq!((found.as_object().unwrap().len(), &found["CurrentSessionCount"]), (12, &json!(3)));
    }

    #[test]
    fn what_a_server_tells_of_itself_is_said_in_full() {
        let build = BuildInfo { product_name: "S7-1500".into(), ..BuildInfo::default() };
        let status = ServerStatusDataType {
            state: ServerState::Suspended,
            build_info: build,
            ..ServerStatusDataType::default()
        };
        let found = json_of(&ExtensionObject::from_message(status)).unwrap();
        assert_eq!((found.as_object().unwrap().len(), &found["State"]), (6, &json!(3)));
        assert_eq!(found["BuildInfo"]["ProductName"], "S7-1500");
        assert_eq!(found["BuildInfo"].as_object().unwrap().len(), 6);
        assert!(found["StartTime"].as_str().unwrap().starts_with("1601-01-01T00:00:00"));
    }

    #[test]
    fn a_structure_that_nobody_here_understands_has_no_value() {
        assert_eq!(json_of(&ExtensionObject::from_message(Argument::default())), None);
        assert_eq!(json_of(&ExtensionObject::null()), None);
    }
}
