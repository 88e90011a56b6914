//! Structures that the standard defines, as JSON in plain words: those that machines use for values, and what a server tells of
//! itself. Pure.
//!
//! The rule: only these, and what notifications are made of, are decoded ([`known`]); any other structure stays the bytes that it
//! came as, and has no value. Why by hand: the library can read every type of the standard, and write it as JSON. That is nearly
//! two megabytes of code, open to every server's bytes, and what is zero or empty it leaves out (Part 6, 5.4.1), which receivers
//! would take for missing.

use std::sync::LazyLock;

use opcua::types::{
    AxisInformation, BinaryDecodable, BuildInfo, ComplexNumberType, DataChangeNotification, DataTypeId, DateTime,
    DoubleComplexNumberType, DynEncodable, EUInformation, EnumValueType, ExtensionObject, FallbackTypeLoader,
    LocalizedText, ObjectId, Range, ServerDiagnosticsSummaryDataType, ServerStatusDataType, StaticTypeLoader,
    StatusChangeNotification, TimeZoneDataType, TypeLoaderCollection, TypeLoaderInstance, UAString, XVType,
    binary_decode_to_enc,
};
use serde_json::{Value as Json, json};

/// What a channel decodes.
pub(super) fn known() -> TypeLoaderCollection {
    let mut loaders = TypeLoaderCollection::new_empty();
    loaders.add_type_loader(Known);
    loaders.add_type_loader(FallbackTypeLoader);
    loaders
}

struct Known;

impl StaticTypeLoader for Known {
    fn instance() -> &'static TypeLoaderInstance {
        static KNOWN: LazyLock<TypeLoaderInstance> = LazyLock::new(types);
        &KNOWN
    }

    fn namespace() -> &'static str {
        "http://opcfoundation.org/UA/"
    }
}

fn types() -> TypeLoaderInstance {
    use {DataTypeId as Type, ObjectId as Id};
    let mut types = TypeLoaderInstance::new();
    let of = &mut types;
    add::<DataChangeNotification>(of, Type::DataChangeNotification, Id::DataChangeNotification_Encoding_DefaultBinary);
    let id = Id::StatusChangeNotification_Encoding_DefaultBinary;
    add::<StatusChangeNotification>(of, Type::StatusChangeNotification, id);
    add::<Range>(of, Type::Range, Id::Range_Encoding_DefaultBinary);
    add::<EUInformation>(of, Type::EUInformation, Id::EUInformation_Encoding_DefaultBinary);
    add::<EnumValueType>(of, Type::EnumValueType, Id::EnumValueType_Encoding_DefaultBinary);
    add::<XVType>(of, Type::XVType, Id::XVType_Encoding_DefaultBinary);
    add::<ComplexNumberType>(of, Type::ComplexNumberType, Id::ComplexNumberType_Encoding_DefaultBinary);
    let id = Id::DoubleComplexNumberType_Encoding_DefaultBinary;
    add::<DoubleComplexNumberType>(of, Type::DoubleComplexNumberType, id);
    add::<AxisInformation>(of, Type::AxisInformation, Id::AxisInformation_Encoding_DefaultBinary);
    add::<TimeZoneDataType>(of, Type::TimeZoneDataType, Id::TimeZoneDataType_Encoding_DefaultBinary);
    add::<BuildInfo>(of, Type::BuildInfo, Id::BuildInfo_Encoding_DefaultBinary);
    add::<ServerStatusDataType>(of, Type::ServerStatusDataType, Id::ServerStatusDataType_Encoding_DefaultBinary);
    let id = Id::ServerDiagnosticsSummaryDataType_Encoding_DefaultBinary;
    add::<ServerDiagnosticsSummaryDataType>(of, Type::ServerDiagnosticsSummaryDataType, id);
    types
}

fn add<T: DynEncodable + BinaryDecodable>(types: &mut TypeLoaderInstance, of: DataTypeId, encoding: ObjectId) {
    types.add_binary_type(of as u32, encoding as u32, binary_decode_to_enc::<T>);
}

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
    use opcua::types::{Argument, BinaryEncodable, ContextOwned, DecodingOptions, NamespaceMap, ServerState};

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

    /// As a channel would read it.
    fn sent_and_read(object: &ExtensionObject) -> ExtensionObject {
        let context = ContextOwned::new(NamespaceMap::new(), known(), DecodingOptions::default());
        let bytes = object.encode_to_vec(&context.context());
        ExtensionObject::decode(&mut bytes.as_slice(), &context.context()).unwrap()
    }

    #[test]
    fn every_structure_that_can_be_said_is_read_from_a_servers_bytes() {
        fn check<T: opcua::types::ExpandedMessageInfo + DynEncodable + Default>() {
            let object = ExtensionObject::from_message(T::default());
            let read = sent_and_read(&object);
            assert!(json_of(&read).is_some(), "{read:?}");
            assert_eq!(json_of(&read), json_of(&object));
        }
        check::<Range>();
        check::<EUInformation>();
        check::<EnumValueType>();
        check::<XVType>();
        check::<ComplexNumberType>();
        check::<DoubleComplexNumberType>();
        check::<AxisInformation>();
        check::<TimeZoneDataType>();
        check::<BuildInfo>();
        check::<ServerStatusDataType>();
        check::<ServerDiagnosticsSummaryDataType>();
    }

    #[test]
    fn what_is_not_known_is_passed_over_and_what_follows_is_read() {
        let context = ContextOwned::new(NamespaceMap::new(), known(), DecodingOptions::default());
        let (unknown, range) = (
            ExtensionObject::from_message(Argument::default()),
            ExtensionObject::from_message(Range { low: 1.0, high: 2.0 }),
        );
        let bytes = [unknown.encode_to_vec(&context.context()), range.encode_to_vec(&context.context())].concat();
        let mut stream = bytes.as_slice();
        let first = ExtensionObject::decode(&mut stream, &context.context()).unwrap();
        assert_eq!((json_of(&first), first.inner_as::<Argument>()), (None, None));
        let second = ExtensionObject::decode(&mut stream, &context.context()).unwrap();
        assert_eq!(json_of(&second), Some(json!({ "Low": 1.0, "High": 2.0 })));
    }

    #[test]
    fn notifications_are_read() {
        let changes = sent_and_read(&ExtensionObject::from_message(DataChangeNotification::default()));
        assert!(changes.inner_as::<DataChangeNotification>().is_some());
        let status = sent_and_read(&ExtensionObject::from_message(StatusChangeNotification::default()));
        assert!(status.inner_as::<StatusChangeNotification>().is_some());
    }
}
