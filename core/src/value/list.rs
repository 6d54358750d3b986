//! List values: a short list is one listpack, a long one a quicklist of several.
//!
//! ```text
//! short   List ─▶ listpack
//! long    List ─▶ Quicklist ─▶ nodes
//! ```
//!
//! A list becomes long when its listpack is full by `list-max-listpack-size` or past 2 KB, and stays long: whether a
//! list is one or the other is nobody's business, and OBJECT ENCODING says `quicklist` for both, as
//! Redis 7.0 does.

use super::{Kind, Object, Tuning};
use crate::collections::either::{Either, Large, Which};
use crate::collections::hash::HashSeed;
use crate::collections::listpack::{Element, Listpack};
use crate::collections::quicklist::Quicklist;
use alloc::boxed::Box;

pub use crate::collections::listpack::Side;
pub use crate::collections::quicklist::{Limits, NodeView};

/// What an entry takes at most besides its text.
const ENTRY_MAX: usize = 11;

/// A short list is no longer than this, in bytes: what a push before the first element may have to move.
/// Behind it the quicklist's own size weighs little.
const SHORT_MAX: usize = 2048;

/// A list.
#[derive(Debug)]
pub struct List {
    word: Either<Listpack, Large<Quicklist>>,
}

enum Repr<S, L> {
    Short(S),
    Long(L),
}

impl Default for List {
    fn default() -> Self {
        Self { word: Either::a(Listpack::new()) }
    }
}

/// Whether a short list stays one with an element of `more` bytes.
#[inline]
fn has_room(pack: &Listpack, more: usize, limits: Limits) -> bool {
    limits.allow_push(pack.bytes_len(), pack.len(), more)
        && pack.bytes_len() + more + ENTRY_MAX <= SHORT_MAX
}

impl Object for List {
    const KIND: Kind = Kind::List;

    fn duplicate(&self, _seed: &HashSeed) -> Self {
        Self {
            word: match self.repr() {
                Repr::Short(pack) => Either::a(pack.clone()),
                Repr::Long(list) => Either::b(Large::new(list.clone())),
            },
        }
    }

    fn encoding(&self) -> &'static str {
        "quicklist"
    }

    fn memory(&self) -> usize {
        match self.repr() {
            Repr::Short(pack) => pack.heap_bytes(),
            Repr::Long(list) => size_of::<Quicklist>() + list.heap_bytes(),
        }
    }

    fn free_effort(&self) -> usize {
        match self.repr() {
            Repr::Short(_) => 1,
            Repr::Long(list) => list.node_count(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        match self.repr_mut() {
            Repr::Short(_) => 0,
            Repr::Long(list) => list.drop_nodes(budget),
        }
    }
}

impl Tuning {
    /// The limits that lists are changed under.
    #[inline]
    pub fn list_limits(&self) -> Limits {
        Limits {
            fill: self.list_listpack_size,
            packed_threshold: self.quicklist_packed_threshold.min(u64::from(u32::MAX)) as u32,
        }
    }
}

impl List {
    #[inline]
    fn repr(&self) -> Repr<&Listpack, &Quicklist> {
        match self.word.get() {
            Which::A(pack) => Repr::Short(pack),
            Which::B(list) => Repr::Long(list),
        }
    }

    #[inline]
    fn repr_mut(&mut self) -> Repr<&mut Listpack, &mut Quicklist> {
        match self.word.get_mut() {
            Which::A(pack) => Repr::Short(pack),
            Which::B(list) => Repr::Long(list),
        }
    }

    /// A list of the elements of a quicklist: from RDB.
    pub fn from_quicklist(list: Quicklist) -> Self {
        match list.lone_listpack() {
            Some(pack) if pack.as_bytes().len() <= SHORT_MAX => {
                Self { word: Either::a(Listpack::from_view(pack)) }
            }
            _ => Self { word: Either::b(Large::new(list)) },
        }
    }

    /// The nodes as they are saved.
    pub fn nodes(&self) -> Box<dyn ExactSizeIterator<Item = NodeView<'_>> + '_> {
        self.nodes_from(0)
    }

    /// The same from the node of this number on, without going over those before it.
    pub fn nodes_from(&self, first: usize) -> Box<dyn ExactSizeIterator<Item = NodeView<'_>> + '_> {
        match self.repr() {
            Repr::Short(pack) => {
                Box::new(core::iter::once(NodeView::Packed(pack.view())).skip(first))
            }
            Repr::Long(list) => Box::new(list.nodes_from(first)),
        }
    }

    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> u64 {
        match self.repr() {
            Repr::Short(pack) => u64::from(pack.len()),
            Repr::Long(list) => list.len(),
        }
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The quicklist that the list is from now on.
    #[cold]
    fn lengthen(&mut self) -> &mut Quicklist {
        if let Repr::Short(pack) = self.repr() {
            self.word = Either::b(Large::new(Quicklist::from_listpack(pack)));
        }
        match self.repr_mut() {
            Repr::Long(list) => list,
            Repr::Short(_) => unreachable!("a short list was just made long"),
        }
    }

    /// Adds an element before the first or after the last.
    #[inline]
    pub fn push(&mut self, text: &[u8], side: Side, limits: Limits) {
        if let Repr::Short(pack) = self.repr_mut() {
            if has_room(pack, text.len(), limits) {
                return match side {
                    Side::Before => pack.push_front(text),
                    Side::After => pack.push_back(text),
                };
            }
            self.lengthen();
        }
        let Repr::Long(list) = self.repr_mut() else { return };
        match side {
            Side::Before => list.push_front(text, limits),
            Side::After => list.push_back(text, limits),
        }
    }

    /// Adds elements one after the other, so that before the first they stand in reverse.
    pub fn push_all<'a>(
        &mut self,
        texts: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        side: Side,
        limits: Limits,
    ) {
        if side == Side::After
            && texts.len() > 1
            && let Repr::Short(pack) = self.repr_mut()
        {
            // Each of them has to fit, and then all together, at what an entry may take at most.
            let count = pack.len().saturating_add(texts.len() as u32);
            let bytes =
                texts.clone().fold(pack.bytes_len(), |sum, text| sum + text.len() + ENTRY_MAX);
            if bytes <= SHORT_MAX
                && limits.allow(bytes, count)
                && !texts.clone().any(|t| limits.stands_alone(t.len()))
            {
                pack.extend(texts);
                return;
            }
        }
        for text in texts {
            self.push(text, side, limits);
        }
    }

    /// Removes the first or last element after `take` saw it.
    #[inline]
    pub fn pop<R>(&mut self, side: Side, take: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        match self.repr_mut() {
            Repr::Short(pack) => {
                let pos = match side {
                    Side::Before => pack.first()?,
                    Side::After => pack.last()?,
                };
                let taken = take(pack.at(pos)?);
                pack.remove(pos);
                Some(taken)
            }
            Repr::Long(list) => match side {
                Side::Before => list.pop_front(take),
                Side::After => list.pop_back(take),
            },
        }
    }

    /// Removes up to `count` elements from one end, after `take` saw each, the outermost first.
    pub fn pop_many(&mut self, side: Side, count: u64, take: impl FnMut(Element<'_>)) {
        let len = self.len();
        let count = count.min(len);
        match side {
            Side::Before => {
                self.each(0, count, take);
                self.remove(0, count);
            }
            Side::After => {
                self.iter_back().take(count as usize).for_each(take);
                self.remove(len - count, count);
            }
        }
    }

    /// The element with this index.
    pub fn at(&self, index: u64) -> Option<Element<'_>> {
        match self.repr() {
            Repr::Short(pack) => pack.get(i64::try_from(index).ok()?),
            Repr::Long(list) => list.get(index),
        }
    }

    /// Puts another element in the place of the one with this index; says whether there is one.
    pub fn set(&mut self, index: u64, text: &[u8], limits: Limits) -> bool {
        if index >= self.len() {
            return false;
        }
        if let Repr::Short(pack) = self.repr_mut()
            && let Some(pos) = pack.seek(index as i64)
        {
            let old = pack.at(pos).map_or(0, Element::len);
            let bytes = pack.bytes_len().saturating_sub(old) + text.len() + ENTRY_MAX;
            if !limits.stands_alone(text.len())
                && bytes <= SHORT_MAX
                && limits.allow(bytes, pack.len())
            {
                pack.replace(pos, text);
                return true;
            }
        }
        self.lengthen().set(index, text, limits)
    }

    /// Puts an element next to the first one that is `pivot`; whether there is one.
    pub fn insert_beside(&mut self, pivot: &[u8], side: Side, text: &[u8], limits: Limits) -> bool {
        if let Repr::Short(pack) = self.repr_mut()
            && has_room(pack, text.len(), limits)
        {
            let Some(pos) = pack.find(pivot, 0) else { return false };
            pack.insert(pos, text, side);
            return true;
        }
        let Some(pivot) = self.position(pivot) else { return false };
        self.lengthen().insert(pivot + u64::from(side == Side::After), text, limits);
        true
    }

    /// The index of the first element that is `text`.
    #[cfg_attr(redstart_small, optimize(speed))]
    pub fn position(&self, text: &[u8]) -> Option<u64> {
        match self.repr() {
            Repr::Short(pack) => {
                pack.iter().position(|element| element.eq_bytes(text)).map(|at| at as u64)
            }
            Repr::Long(list) => list.position(text),
        }
    }

    /// Removes up to `most` elements that are `text`, searching from the first (`Before`) or from the
    /// last (`After`), and says how many there were.
    pub fn remove_text(&mut self, text: &[u8], most: u64, from: Side) -> u64 {
        match self.repr_mut() {
            Repr::Short(pack) => pack.remove_text(text, most, from),
            Repr::Long(list) => list.remove_text(text, most, from),
        }
    }

    /// Removes up to `count` elements from this index on.
    pub fn remove(&mut self, index: u64, count: u64) {
        match self.repr_mut() {
            Repr::Short(pack) => {
                pack.remove_range(index as i64, count.min(u64::from(u32::MAX)) as u32);
            }
            Repr::Long(list) => {
                list.remove(index, count);
            }
        }
    }

    /// Keeps `count` elements from this index on and removes the others.
    pub fn keep(&mut self, index: u64, count: u64) {
        let end = index.saturating_add(count);
        if end < self.len() {
            self.remove(end, u64::MAX);
        }
        if index > 0 {
            self.remove(0, index);
        }
    }

    /// Shows `count` elements from this index on to `see`.
    #[inline]
    pub fn each(&self, index: u64, count: u64, see: impl FnMut(Element<'_>)) {
        // One loop for each representation: asking which one it is for every element costs as much as the element.
        match self.repr() {
            Repr::Short(pack) => {
                if let Some(pos) = pack.seek(index as i64) {
                    pack.iter_from(pos).take(count as usize).for_each(see);
                }
            }
            Repr::Long(list) => list.each(index, count, see),
        }
    }

    /// The elements from the first to the last.
    pub fn iter(&self) -> Box<dyn Iterator<Item = Element<'_>> + '_> {
        match self.repr() {
            Repr::Short(pack) => Box::new(pack.iter()),
            Repr::Long(list) => Box::new(list.iter()),
        }
    }

    /// The elements from the last to the first.
    pub fn iter_back(&self) -> Box<dyn Iterator<Item = Element<'_>> + '_> {
        match self.repr() {
            Repr::Short(pack) => Box::new(pack.iter().rev()),
            Repr::Long(list) => Box::new(list.iter_back_from(self.len().saturating_sub(1))),
        }
    }

    /// About how many bytes an element takes, to make room for many.
    pub fn element_bytes(&self) -> usize {
        match self.repr() {
            Repr::Short(pack) => pack.bytes_len() / (pack.len().max(1) as usize),
            Repr::Long(list) => list.element_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn texts(list: &List) -> Vec<Vec<u8>> {
        list.iter().map(Element::to_vec).collect()
    }

    #[test]
    fn a_short_list_is_one_block_and_a_word() {
        assert_eq!(size_of::<List>(), size_of::<usize>());
        let items: Vec<_> = (0..100).map(|i| alloc::format!("item-{i:07}").into_bytes()).collect();
        let mut list = List::default();
        list.push_all(items.iter().map(Vec::as_slice), Side::After, Limits::default());
        assert_eq!(list.len(), 100);
        // 14 bytes for each entry; what else there is must not reach the next size class, 1536.
        assert!(list.memory() <= 1400 + 64, "{}", list.memory());
    }

    #[test]
    fn a_list_grows_past_its_listpack_and_keeps_its_order() {
        let seed = HashSeed::new([1, 2, 3, 4]);
        for limits in [Limits::default(), Limits { fill: 1, packed_threshold: 0 }] {
            let mut list = List::default();
            let mut model = alloc::collections::VecDeque::new();
            for i in 0..3000u32 {
                let text = alloc::format!("{i}-element").into_bytes();
                if i % 3 == 0 {
                    list.push(&text, Side::Before, limits);
                    model.push_front(text);
                } else {
                    list.push(&text, Side::After, limits);
                    model.push_back(text);
                }
            }
            assert!(texts(&list).iter().eq(&model));
            assert!(texts(&list.duplicate(&seed)).iter().eq(&model));
            let back: Vec<_> = list.iter_back().map(Element::to_vec).collect();
            assert!(back.iter().eq(model.iter().rev()));
        }
    }

    #[test]
    fn every_change_does_what_it_does_to_a_vector() {
        let mut rng = crate::rng::Rng::new(7);
        for fill in [-2, -1, 1, 2, 3, 100] {
            for packed_threshold in [0, 12] {
                let limits = Limits { fill, packed_threshold };
                let mut list = List::default();
                let mut model: Vec<Vec<u8>> = Vec::new();
                for round in 0..600 {
                    let text = match rng.below(4) {
                        0 => alloc::vec![b'x'; rng.below(30) as usize],
                        1 => alloc::vec![b'y'; rng.below(3000) as usize],
                        _ => alloc::format!("{}", rng.below(20)).into_bytes(),
                    };
                    let at = rng.below(model.len() as u64 + 1);
                    match rng.below(9) {
                        0 | 1 => {
                            list.push(&text, Side::After, limits);
                            model.push(text);
                        }
                        2 => {
                            let three = [&text[..], b"3", b""];
                            list.push_all(three.iter().copied(), Side::After, limits);
                            model.extend(three.map(<[u8]>::to_vec));
                        }
                        3 => {
                            let pivot = model.get(at as usize).cloned().unwrap_or_default();
                            let found = model.iter().position(|element| *element == pivot);
                            let (side, behind) = [(Side::Before, 0), (Side::After, 1)][round % 2];
                            assert_eq!(
                                list.insert_beside(&pivot, side, &text, limits),
                                found.is_some()
                            );
                            if let Some(found) = found {
                                model.insert(found + behind, text);
                            }
                        }
                        4 => {
                            let there = (at as usize) < model.len();
                            assert_eq!(list.set(at, &text, limits), there);
                            if there {
                                model[at as usize] = text;
                            }
                        }
                        5 => {
                            let popped = list.pop(Side::Before, |element| element.text().to_vec());
                            let gone = if model.is_empty() { None } else { Some(model.remove(0)) };
                            assert_eq!(popped, gone);
                        }
                        6 => {
                            let mut popped = Vec::new();
                            list.pop_many(Side::After, 2, |element| popped.push(element.to_vec()));
                            let kept = model.len().saturating_sub(2);
                            popped.reverse();
                            assert_eq!(popped, model.split_off(kept));
                        }
                        7 => {
                            let mut left = 2;
                            let removed = list.remove_text(&text, 2, Side::Before);
                            model.retain(|own| {
                                let goes = left > 0 && *own == text;
                                left -= u64::from(goes);
                                !goes
                            });
                            assert_eq!(removed, 2 - left);
                        }
                        _ if round % 10 == 0 => {
                            let count = rng.below(20);
                            list.keep(at, count);
                            let end = model.len().min((at + count) as usize);
                            model = model[(at as usize).min(end)..end].to_vec();
                        }
                        _ => assert_eq!(
                            list.position(&text),
                            model.iter().position(|own| *own == text).map(|at| at as u64)
                        ),
                    }
                    assert_eq!(list.len(), model.len() as u64);
                }
                assert_eq!(texts(&list), model);
            }
        }
    }

    #[test]
    fn a_long_list_is_freed_in_steps() {
        let mut list = List::default();
        for i in 0..1000u32 {
            list.push(&i.to_le_bytes(), Side::After, Limits { fill: 5, packed_threshold: 0 });
        }
        assert_eq!(list.free_effort(), 200);
        assert_eq!(list.free_some(150), 150);
        assert_eq!((list.free_effort(), list.len()), (50, 250));
    }
}
