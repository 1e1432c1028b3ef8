//! Turns a plugin's `config` table into the JSON that the plugin is handed, and remembers the line of each of its values.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use super::location::Location;
use super::model::Settings;
use super::reader::Item;

/// The settings of a plugin or webhook, or a fault at the line of whatever JSON has no form for.
pub fn settings(item: &Item<'_>) -> Settings {
    let mut lines = BTreeMap::new();
    let value = table(item, "", &mut lines);
    Settings { location: item.location.clone(), value, lines }
}

fn table(item: &Item<'_>, path: &str, lines: &mut BTreeMap<String, Location>) -> Map<String, Value> {
    let entries = item.entries().into_iter();
    let convert = |(key, item): (super::location::Located<String>, Item<'_>)| {
        let path = if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
        Some((key.value, convert(&item, path, lines)?))
    };
    entries.filter_map(convert).collect()
}

fn convert(item: &Item<'_>, path: String, lines: &mut BTreeMap<String, Location>) -> Option<Value> {
    let value = match item.value() {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) => Some(Value::Number(value.into())),
            Err(_) => fault(item, "is a number outside 64 bits"),
        },
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(value) => Some(Value::Number(value)),
            None => fault(item, "is a number that plugins cannot be handed"),
        },
        DeValue::Datetime(_) => fault(item, "is a date, which plugins cannot be handed: write it as a string"),
        DeValue::Array(_) => {
            let elements = item.elements()?.into_iter().enumerate();
            Some(Value::Array(elements.filter_map(|(index, item)| convert(&item, format!("{path}[{index}]"), lines)).collect()))
        }
        DeValue::Table(_) => Some(Value::Object(table(item, &path, lines))),
    };
    lines.insert(path, item.location.clone());
    value
}

fn fault(item: &Item<'_>, message: &str) -> Option<Value> {
    item.fault(message);
    None
}
