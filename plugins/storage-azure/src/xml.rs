//! The little XML that the service writes: elements with text, without attributes.

/// The text of the first element of that name.
pub fn text(xml: &str, name: &str) -> Option<String> {
    element(xml, name).map(|(text, _)| unescape(text))
}

/// What is in each element of that name, which has none of its name in it.
pub fn all<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (inner, after) = element(rest, name)?;
        rest = after;
        Some(inner)
    })
}

/// What is in the first element of that name, and what comes after it.
fn element<'a>(xml: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>"))
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    // Last, so that nothing is read twice.
    plain.replace("&amp;", "&")
}
