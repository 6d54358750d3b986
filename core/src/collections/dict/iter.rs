//! Iteration over a whole table.

use super::node::Node;
use super::{Dict, as_item};

/// An iterator over references to the elements.
pub struct Iter<'a, T> {
    dict: &'a Dict<T>,
    /// The bucket after the one that `node` belongs to.
    bucket: u32,
    node: Option<Node>,
    slot: usize,
    left: usize,
}

impl<'a, T> Iter<'a, T> {
    pub(super) const fn new(dict: &'a Dict<T>) -> Self {
        Self { dict, bucket: 0, node: None, slot: 0, left: dict.len() }
    }
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        // SAFETY: the table is borrowed, so its chains are alive; slots below the number of entries
        // are filled.
        unsafe {
            loop {
                if let Some(node) = self.node {
                    let tags = node.tags();
                    if self.slot < tags.len() {
                        self.slot += 1;
                        self.left -= 1;
                        return Some(as_item(node.word(self.slot - 1)));
                    }
                    self.node = tags.chained().then(|| node.next());
                } else if self.bucket < self.dict.raw.lines.count() {
                    self.node = Some(self.dict.raw.lines.line(self.bucket));
                    self.bucket += 1;
                } else {
                    return None;
                }
                self.slot = 0;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<'a, T> IntoIterator for &'a Dict<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// An iterator that takes the elements out.
pub struct IntoIter<T> {
    dict: Dict<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.dict.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.dict.len(), Some(self.dict.len()))
    }
}

impl<T> ExactSizeIterator for IntoIter<T> {}

impl<T> IntoIterator for Dict<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { dict: self }
    }
}
