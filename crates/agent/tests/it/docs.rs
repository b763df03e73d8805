//! The page for people says what the parser does.

use std::{fs, path::Path};

use valetkey_agent::configuration::reference;

#[test]
fn the_page_lists_the_keys_as_they_are() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = fs::read_to_string(&page).unwrap();
    let (_, rest) = text.split_once("<!-- reference -->\n").expect("the page marks where the keys begin");
    let (listed, _) = rest.split_once("<!-- /reference -->").expect("the page marks where the keys end");
    let wanted = reference();
    assert_eq!(
        listed.trim(),
        wanted.trim(),
        "put this between the marks of docs/configuration.md:\n{wanted}"
    );
}
