//! What commands on strings do to the keyspace with one look-up: overwriting, counting, growing.

use super::cut::preserve;
use super::{Class, Db, Entry, KeyEvent, Store, hasher, is_waited_for};
use super::{obituary, slot_or_insert};
use crate::collections::decimal;
use crate::collections::hash::hash;
use crate::error::Error;
use alloc::boxed::Box;

/// What happens to the expiry of a key that is overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It has none from now on.
    Clear,
    /// It stays as it is.
    Keep,
    /// It is at this time, in Unix milliseconds.
    At(i64),
}

impl Store {
    /// Stores a string under `key` whatever was there. An existing expiry stays if `keep_expiry`.
    #[inline]
    pub fn set_string(&mut self, key: &[u8], value: &[u8], keep_expiry: bool) {
        let expiry = if keep_expiry { Expiry::Keep } else { Expiry::Clear };
        self.store_string(key, value, decimal::parse(value), expiry);
    }

    /// Stores a string under `key` whatever was there: `int`, if there is one, or else `value`.
    #[inline]
    pub fn store_string(&mut self, key: &[u8], value: &[u8], int: Option<i64>, expiry: Expiry) {
        let make = || match int {
            Some(int) => Entry::int(key, int),
            None => Entry::string(key, value),
        };
        let (mut slot, is_new) = slot_or_insert!(self, key, make);
        if is_new {
            if let Expiry::At(at_ms) = expiry {
                slot.set_expiry_ms(Some(at_ms));
            }
            return;
        }
        let old_ms = if slot.mark() { slot.get().expiry_ms() } else { None };
        let expiry_ms = match expiry {
            Expiry::Clear => None,
            Expiry::Keep => old_ms,
            Expiry::At(at_ms) => Some(at_ms),
        };
        if slot.get().is_string() {
            // The look-up has set the access clock: an overwritten key keeps its LFU counter, as in Redis.
            slot.get_mut().overwrite(value, int, expiry_ms);
        } else {
            let mut entry = make();
            entry.set_expiry_ms(expiry_ms);
            entry.begin(slot.get().access(), self.cut.epoch());
            let old = slot.replace(entry);
            if old_ms.is_some() != expiry_ms.is_some() {
                slot.set_mark(expiry_ms.is_some());
            }
            self.unindex(&old);
            self.miss(&old);
            self.discard(old);
            return;
        }
        if old_ms.is_some() != expiry_ms.is_some() {
            slot.set_mark(expiry_ms.is_some());
        }
    }

    /// Replaces the integer at `key` (`None`: there is no key) by the one that `change` gives, and returns it.
    #[inline]
    pub fn update_int(
        &mut self,
        key: &[u8],
        change: impl FnOnce(i64) -> Result<i64, Error>,
    ) -> Result<i64, Error> {
        if let Some(slot) = self.slot(key) {
            let entry = slot.into_mut();
            let old = match entry.as_str() {
                Some(crate::value::Str::Int(value)) => value,
                Some(crate::value::Str::Bytes(text)) => {
                    decimal::parse(text).ok_or(Error::NotInteger)?
                }
                None => return Err(Error::WrongType),
            };
            let new = change(old)?;
            entry.set_int(new);
            return Ok(new);
        }
        let new = change(0)?;
        self.insert(Entry::int(key, new));
        Ok(new)
    }
}
