//! The bar of tools over the panes, and the help that names their keys.

use maud::{Markup, PreEscaped, html};

use super::words;
use crate::ui::page::Page;
use crate::ui::text::{self, Text};

struct Tool {
    /// What the script does: a tool of the pointer, or an act.
    name: &'static str,
    says: Text,
    key: &'static str,
    /// Lines in a box of 24 × 24.
    icon: &'static str,
}

const fn tool(name: &'static str, says: Text, key: &'static str, icon: &'static str) -> Tool {
    Tool {
        name,
        says,
        key,
        icon,
    }
}

const POINTER: [Tool; 4] = [
    tool(
        "window",
        words::TOOL_WINDOW,
        "w",
        "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
    ),
    tool(
        "scroll",
        words::TOOL_SCROLL,
        "s",
        "M4 8h12v12H4zM8 4h12v12M12 11v6m-2-2 2 2 2-2",
    ),
    tool(
        "pan",
        words::TOOL_PAN,
        "p",
        "M12 3v18M3 12h18M9.500 5.500 12 3l2.500 2.500M9.500 18.500 12 21l2.500-2.500M5.500 9.500 3 12l2.500 2.500M18.500 9.500 21 12l-2.500 2.500",
    ),
    tool(
        "zoom",
        words::TOOL_ZOOM,
        "z",
        "M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM14.500 14.500 20 20M7.500 10h5M10 7.500v5",
    ),
];

const MEASURE: [Tool; 5] = [
    tool(
        "length",
        words::TOOL_LENGTH,
        "l",
        "M5 19 19 5M3 17l4 4M17 3l4 4",
    ),
    tool(
        "angle",
        words::TOOL_ANGLE,
        "a",
        "M20 19H4L15 5M11 19a7 7 0 0 0-2.600-5.500",
    ),
    tool(
        "probe",
        words::TOOL_PROBE,
        "v",
        "M12 3v6M12 15v6M3 12h6M15 12h6M12 11.500v1",
    ),
    tool("rectangle", words::TOOL_RECTANGLE, "r", "M4 6h16v12H4z"),
    tool(
        "ellipse",
        words::TOOL_ELLIPSE,
        "e",
        "M12 6c5 0 9 2.700 9 6s-4 6-9 6-9-2.700-9-6 4-6 9-6z",
    ),
];

const TURN: [Tool; 6] = [
    tool(
        "flip-across",
        words::FLIP_ACROSS,
        "h",
        "M12 3v18M9 7v10H3zM15 7v10h6z",
    ),
    tool(
        "flip-down",
        words::FLIP_DOWN,
        "u",
        "M3 12h18M7 9h10V3zM7 15h10v6z",
    ),
    tool(
        "rotate",
        words::ROTATE,
        "o",
        "M19 12a7 7 0 1 1-2-5M17 3v4h-4",
    ),
    tool(
        "invert",
        text::INVERT,
        "i",
        "M4 4h16v16H4zM4 20 20 4M8 20l12-12M13 20l7-7M18 20l2-2",
    ),
    tool(
        "actual",
        words::ACTUAL,
        "n",
        "M6 8l2-2v12M16 8l2-2v12M12 10v.5M12 14.500v.5",
    ),
    tool("reset", words::RESET, "x", "M5 12a7 7 0 1 0 2-5M7 3v4h4"),
];

const PAGE: [Tool; 5] = [
    tool("text", words::TEXT, "t", "M5 6h14M12 6v13M9 19h6"),
    tool(
        "overlays",
        words::OVERLAYS,
        "g",
        "M3 5h12v12H3zM9 9h12v12H9zM12 13l6 4",
    ),
    tool("compare", words::COMPARE, "c", "M3 5h8v14H3zM13 5h8v14h-8z"),
    tool(
        "volume",
        words::VOLUME,
        "m",
        "M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9",
    ),
    tool(
        "help",
        words::HELP,
        "?",
        "M9 9a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.500v.5",
    ),
];

fn icon(lines: &str) -> Markup {
    // Of the constants above only.
    PreEscaped(format!(
        r#"<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="{lines}" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/></svg>"#
    ))
}

pub(super) fn bar(page: &Page) -> Markup {
    let title = |tool: &Tool| format!("{} ({})", page.say(tool.says), tool.key);
    html! {
        div .tools role="toolbar" aria-label=(page.say(words::TOOLS)) {
            @for group in [&POINTER[..], &MEASURE[..]] {
                span .tool-group {
                    @for tool in group {
                        button type="button" data-tool=(tool.name) aria-pressed="false" title=(title(tool)) aria-label=(page.say(tool.says)) { (icon(tool.icon)) }
                    }
                }
            }
            @for group in [&TURN[..], &PAGE[..]] {
                span .tool-group {
                    @for tool in group {
                        button type="button" data-act=(tool.name) title=(title(tool)) aria-label=(page.say(tool.says)) { (icon(tool.icon)) }
                    }
                }
            }
        }
    }
}

pub(super) fn help(page: &Page) -> Markup {
    let others: [(&str, Text); 8] = [
        ("← → ↑ ↓", words::KEYS_MOVE),
        ("PageUp PageDown", words::KEYS_TEN),
        ("Home End", words::KEYS_ENDS),
        ("[ ]", words::KEYS_SERIES),
        ("1–9", words::KEYS_PRESET),
        ("+ − 0", words::KEYS_ZOOM),
        ("Space", words::KEYS_PLAY),
        ("Delete", words::KEYS_DELETE),
    ];
    let tools = POINTER.iter().chain(&MEASURE).chain(&TURN).chain(&PAGE);
    html! {
        dialog #viewer-help aria-label=(page.say(words::HELP)) {
            h2 { (page.say(words::HELP)) }
            p { (page.say(words::HANDS)) }
            p { (page.say(words::HANDS_MARKS)) }
            dl .keys-list {
                @for (keys, says) in others { div { dt { kbd { (keys) } } dd { (page.say(says)) } } }
                @for tool in tools { div { dt { kbd { (tool.key) } } dd { (page.say(tool.says)) } } }
            }
            button type="button" data-act="help-close" { (page.say(words::CLOSE)) }
        }
    }
}
