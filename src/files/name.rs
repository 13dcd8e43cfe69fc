//! Names of objects. The server makes them of fixed words and ids; no part comes from a client.

use object_store::path::Path;
use std::fmt;

/// The name of an object: parts with slashes between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Path);

impl Name {
    /// A name of these parts. Whatever a part contains, it stays one part.
    pub fn of<const N: usize>(parts: [&str; N]) -> Name {
        Name(Path::from_iter(parts))
    }

    /// The parts.
    pub fn parts(&self) -> Vec<String> {
        self.0.parts().map(|part| part.as_ref().to_owned()).collect()
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl From<Path> for Name {
    fn from(path: Path) -> Name {
        Name(path)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_leaves_its_place() {
        let name = Name::of(["photos", "..", "a/../b", "64"]);
        assert_eq!(name.parts().len(), 4, "{name}");
        assert!(!name.to_string().split('/').any(|part| part == ".."), "{name}");
    }
}
