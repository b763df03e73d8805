//! The pages a person sees. Plain HTML, so that a browser, curl and a test can all use them.

use crate::{answer::escape, world::World};

const STYLE: &str = "body{font-family:sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem;color:#1b1b1b}\
h1{font-size:1.4rem}label{display:block;margin:.8rem 0 .2rem}select,input{font:inherit;padding:.4rem;width:100%;\
box-sizing:border-box}button{font:inherit;margin-top:1.2rem;margin-right:.5rem;padding:.5rem 1.2rem}\
button.main{background:#0067b8;color:#fff;border:0}";

/// A whole page; `body` is HTML already.
pub(crate) fn shell(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>",
        title = escape(title)
    )
}

/// A page with one sentence.
pub(crate) fn message(title: &str, text: &str) -> String {
    shell(title, &format!("<p>{}</p>", escape(text)))
}

/// The sign-in form for a pending authorization request.
pub(crate) fn sign_in(
    world: &World,
    tenant: &str,
    request: &str,
    app_name: &str,
    hint: Option<&str>,
) -> String {
    let body = format!(
        "<p>to continue to <b>{app}</b></p><form method=\"post\" action=\"/{tenant}/signin\">\
         <input type=\"hidden\" name=\"request\" value=\"{request}\">\
         <label for=\"user\">Account</label>{users}\
         <button class=\"main\" type=\"submit\" name=\"action\" value=\"signin\">Sign in</button>\
         <button type=\"submit\" name=\"action\" value=\"cancel\">Cancel</button></form>",
        app = escape(app_name),
        tenant = escape(tenant),
        request = escape(request),
        users = user_list(world, hint),
    );
    shell("Sign in", &body)
}

/// The form that takes a device code.
pub(crate) fn device(world: &World, code: &str) -> String {
    let body = format!(
        "<p>Enter the code shown on your device.</p><form method=\"post\" action=\"/devicelogin\">\
         <label for=\"user_code\">Code</label><input id=\"user_code\" name=\"user_code\" value=\"{}\">\
         <label for=\"user\">Account</label>{}\
         <button class=\"main\" type=\"submit\" name=\"action\" value=\"signin\">Sign in</button>\
         <button type=\"submit\" name=\"action\" value=\"cancel\">Cancel</button></form>",
        escape(code),
        user_list(world, None),
    );
    shell("Sign in to your device", &body)
}

fn user_list(world: &World, hint: Option<&str>) -> String {
    let mut options = String::new();
    for user in world.users.values() {
        let chosen = if hint == Some(user.upn.as_str()) { " selected" } else { "" };
        let (name, upn) = (escape(&user.name), escape(&user.upn));
        options.extend(["<option value=\"", &name, "\"", chosen, ">", &upn, "</option>"]);
    }
    format!("<select id=\"user\" name=\"user\">{options}</select>")
}
