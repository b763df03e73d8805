use proptest::prelude::*;

use super::*;
use crate::{Globs, KeyKind, KeyName, Operations};

const NOW: u64 = 1_800_000_000;
const LATER: u64 = NOW + 1_000_000;

fn key(name: &str, globs: &str, operations: &str, expires_at: impl Into<Option<u64>>) -> Key {
    Key {
        globs: Globs::parse(globs).unwrap(),
        operations: Operations::parse(operations).unwrap(),
        expires_at: expires_at.into(),
        ..Key::new(KeyName::parse(name).unwrap(), "contoso", KeyKind::V4)
    }
}

fn chosen(keys: &[Key], right: Right) -> Result<String, NoKey> {
    let id = PackageId::parse("Contoso.Data").unwrap();
    narrowest(keys, &Wanted { id: &id, right, now: NOW }).map(|choice| choice.key.name.to_string())
}

/// Says which of two keys wins, whichever comes first.
fn winner(right: Right, a: Key, b: Key) -> String {
    let one = chosen(&[a.clone(), b.clone()], right).unwrap();
    assert_eq!(chosen(&[b, a], right).unwrap(), one);
    one
}

#[test]
fn each_rule_decides_where_those_before_it_do_not() {
    for (rule, right, a, b) in [
        (
            "rights",
            Right::NewVersion,
            key("z", "*", "push-version", NOW + 1),
            key("a", "Contoso.Data", "push", LATER),
        ),
        (
            "rights",
            Right::NewVersion,
            key("z", "*", "push-version", None),
            key("a", "*", "push-version,unlist", LATER),
        ),
        (
            "rights",
            Right::Unlist,
            key("z", "*", "unlist", None),
            key("a", "Contoso.Data", "push,unlist", LATER),
        ),
        (
            "rights",
            Right::NewPackage,
            key("z", "*", "push", None),
            key("a", "Contoso.*", "push,unlist", LATER),
        ),
        (
            "exact",
            Right::NewVersion,
            key("z", "contoso.data", "push", None),
            key("a", "Contoso.Data*", "push", LATER),
        ),
        (
            "prefix",
            Right::NewVersion,
            key("z", "Contoso.*", "push", None),
            key("a", "Cont*.Data", "push", LATER),
        ),
        ("prefix", Right::NewVersion, key("z", "C*", "push", None), key("a", "", "push", LATER)),
        ("wildcards", Right::NewVersion, key("z", "Con*", "push", None), key("a", "Con*s*", "push", LATER)),
        ("literals", Right::NewVersion, key("z", "Con*Data", "push", None), key("a", "Con*a", "push", LATER)),
        (
            "widest",
            Right::NewVersion,
            key("z", "Contoso.*", "push", None),
            key("a", "Contoso.Data, *", "push", LATER),
        ),
        (
            "covering",
            Right::NewVersion,
            key("z", "Contoso.D*, X*", "push", None),
            key("a", "Con*, Y*", "push", LATER),
        ),
        (
            "count",
            Right::NewVersion,
            key("z", "Con*", "push", None),
            key("a", "Con*, Contoso.Xyz*", "push", LATER),
        ),
        ("end", Right::NewVersion, key("z", "Con*", "push", LATER + 1), key("a", "Con*", "push", LATER)),
        ("end", Right::NewVersion, key("z", "Con*", "push", LATER), key("a", "Con*", "push", None)),
        ("name", Right::NewVersion, key("b", "Con*", "push", LATER), key("c", "CON*", "push", LATER)),
    ] {
        let expected = a.name.to_string();
        assert_eq!(winner(right, a, b), expected, "{rule}");
    }
}

#[test]
fn the_reason_that_is_nearest_to_being_put_right() {
    let over = |name: &str| key(name, "Contoso.*", "push", NOW);
    let refused = |name: &str| Key { refused_at: Some(1), ..key(name, "Contoso.*", "push", LATER) };
    let (id, owned) = ("Contoso.Data".to_owned(), str::to_owned);
    for (keys, expected) in [
        (vec![], NoKey::None),
        (vec![key("a", "Fabrikam.*", "push", LATER)], NoKey::Glob { id: id.clone() }),
        (
            vec![key("a", "Fabrikam.*", "push", LATER), key("b", "*", "unlist", LATER)],
            NoKey::Operation { name: owned("b"), id: id.clone(), right: Right::NewPackage },
        ),
        (
            vec![key("b", "*", "push-version", LATER)],
            NoKey::Operation { name: owned("b"), id: id.clone(), right: Right::NewPackage },
        ),
        (
            vec![refused("r"), key("b", "*", "unlist", LATER)],
            NoKey::Refused { name: owned("r"), id: id.clone() },
        ),
        (vec![refused("r"), over("o")], NoKey::Expired { name: owned("o"), id: id.clone() }),
    ] {
        let found = chosen(&keys, Right::NewPackage).unwrap_err();
        assert!(!found.hint().is_empty() && !found.hint().ends_with('.'));
        assert_eq!(found, expected);
    }
    assert!(over("o").expires_at == Some(NOW), "the last second is over");
}

#[test]
fn one_that_could_push_a_new_id_is_named_where_the_narrowest_could_not() {
    let keys = [key("narrow", "Contoso.*", "push-version", LATER), key("wide", "*", "push", LATER)];
    let id = PackageId::parse("Contoso.Data").unwrap();
    let choose = |right| narrowest(&keys, &Wanted { id: &id, right, now: NOW }).unwrap();
    let choice = choose(Right::NewVersion);
    assert_eq!((choice.key.name.as_str(), choice.glob.as_str()), ("narrow", "Contoso.*"));
    assert_eq!(choice.for_new_package.unwrap().name.as_str(), "wide");
    let choice = choose(Right::NewPackage);
    assert!(choice.key.name.as_str() == "wide" && choice.for_new_package.is_none());
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    let operations =
        prop::sample::select(vec!["push", "push-version", "unlist", "push,unlist", "push-version,unlist"]);
    let globs = prop::collection::vec("[Cc]?[o*]?[n*]?[.*]?[*D]", 0..3);
    let expires = prop::option::of(NOW - 2..NOW + 2);
    let one = (operations, globs, expires, any::<bool>());
    prop::collection::vec(one, 0..6).prop_map(|made| {
        let made = made.into_iter().enumerate();
        made.map(|(at, (operations, globs, expires, refused))| Key {
            refused_at: refused.then_some(1),
            ..key(&format!("k{at}"), &globs.join(","), operations, expires)
        })
        .collect()
    })
}

proptest! {
    #[test]
    fn what_is_chosen_will_do_and_order_does_not_matter(
        keys in keys(),
        right in prop::sample::select(vec![Right::NewPackage, Right::NewVersion, Right::Unlist]),
    ) {
        let id = PackageId::parse("Con.D").unwrap();
        let wanted = Wanted { id: &id, right, now: NOW };
        let mut turned = keys.clone();
        turned.reverse();
        let will_do = |key: &Key| {
            key.is_live(NOW) && key.operations.allow(right) && key.globs.iter().any(|glob| glob.covers(&id))
        };
        match (narrowest(&keys, &wanted), narrowest(&turned, &wanted)) {
            (Ok(a), Ok(b)) => {
                prop_assert!(will_do(a.key) && a.glob.covers(&id));
                prop_assert_eq!(a.key, b.key);
                let fewest = keys.iter().filter(|key| will_do(key)).map(|key| key.operations.rights().len()).min();
                prop_assert_eq!(Some(a.key.operations.rights().len()), fewest);
            }
            (Err(a), Err(b)) => {
                prop_assert!(!keys.iter().any(will_do));
                prop_assert_eq!(a, b);
            }
            (a, b) => prop_assert!(false, "{a:?} {b:?}"),
        }
    }
}
