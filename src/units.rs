//! Quantities in readable form.

use std::fmt;

/// A number of bytes, shown in a suitable unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let text = UNITS.iter().find(|(_, shift)| self.0 >> shift > 0).map_or_else(
            || format!("{} B", self.0),
            |(unit, shift)| {
                let tenths = (u128::from(self.0) * 10) >> shift;
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            },
        );
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_suitable_units() {
        let sizes = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (524_875_608, "500.5 MiB"),
            (3 << 30, "3.0 GiB"),
        ];
        for (bytes, text) in sizes {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
