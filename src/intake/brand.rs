//! A form's `brand`: the website's name, color and logo on the pages that its visitors see.

use std::fmt;

use crate::domain::Address;
use crate::domain::settings::Reader;

/// How a website presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// Its name.
    pub name: Option<String>,
    /// The color of buttons.
    pub color: Option<Color>,
    /// The address of its logo, `https` only.
    pub logo: Option<String>,
}

impl Brand {
    /// A website that has configured nothing.
    pub const NONE: Self = Self { name: None, color: None, logo: None };

    /// Reads the key `brand`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let Some(mut table) = reader.table("brand") else { return Self::default() };
        let brand = Self {
            name: table.text("name"),
            color: table.parsed("color", Color::parse, "a color such as \"#0b57d0\""),
            logo: table.parsed("logo", secure, "the address of an image that begins with https://"),
        };
        table.finish();
        brand
    }
}

fn secure(text: &str) -> Option<String> {
    Address::parse(text).is_ok_and(|address| address.scheme == "https").then(|| text.to_owned())
}

/// A color, red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// Parses `#0b57d0` or `#05d`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let channel = |at: usize| match digits.len() {
            6 => u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok(),
            3 => u8::from_str_radix(&digits[at..=at], 16).ok().map(|digit| digit * 17),
            _ => None,
        };
        Some(Self([channel(0)?, channel(1)?, channel(2)?]))
    }

    /// The color of text on it: black or white, whichever has more contrast, which is at least 4.5 to 1.
    pub fn text(self) -> &'static str {
        // Black and white are equally far from this luminance: (L + 0.05)^2 = 1.05 * 0.05.
        if self.luminance() > 0.179 { "#000" } else { "#fff" }
    }

    /// The relative luminance, <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>, with a polynomial for sRGB's curve.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            c * (c * (c * 0.305_306_011 + 0.682_171_111) + 0.012_522_878)
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_three_or_six_digits() {
        for (text, expected) in [
            ("#0B57d0", Some("#0b57d0")),
            ("#05d", Some("#0055dd")),
            ("0b57d0", None),
            ("#0b57d", None),
            ("#0b57d0ff", None),
            ("#ggg", None),
            ("#+1+2+3", None),
            ("#한a", None),
            ("red", None),
            ("#fff;}", None),
        ] {
            assert_eq!(Color::parse(text).map(|color| color.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn text_on_every_color_is_readable() {
        let exact = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        for rgb in (0..1 << 24).step_by(257) {
            let [_, red, green, blue] = u32::to_be_bytes(rgb);
            let luminance = 0.2126 * exact(red) + 0.7152 * exact(green) + 0.0722 * exact(blue);
            let color = Color([red, green, blue]);
            let contrast = if color.text() == "#fff" { 1.05 / (luminance + 0.05) } else { (luminance + 0.05) / 0.05 };
            assert!(contrast >= 4.5, "{color} {contrast}");
        }
    }
}
