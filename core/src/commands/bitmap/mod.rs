//! Commands on strings as bitmaps.

mod bit;
mod combine;
mod count;
mod field;

pub use bit::{GETBIT, SETBIT};
pub use combine::BITOP;
pub use count::{BITCOUNT, BITPOS};
pub use field::{BITFIELD, BITFIELD_RO};

use crate::collections::decimal;
use crate::error::Error;
use crate::store::{Entry, Store};
use crate::value::Str;

/// The number of a bit, as `text` says it. A string has at most `bytes_max` bytes.
/// `#n` is, if fields have `width` bits, the first bit of field `n`.
fn bit_offset(text: &[u8], width: Option<u32>, bytes_max: u64) -> Result<u64, Error> {
    let offset = match (text, width) {
        // Redis lets the product wrap around; what comes out negative is refused below.
        ([b'#', index @ ..], Some(width)) => {
            decimal::parse(index).map(|index| index.wrapping_mul(width.into()))
        }
        _ => decimal::parse(text),
    };
    offset
        .and_then(|offset| u64::try_from(offset).ok())
        .filter(|offset| offset / 8 < bytes_max)
        .ok_or(Error::Text("ERR bit offset is not an integer or out of range"))
}

/// Changes the string at `key` in place. `change` gets its bytes, which are made to reach to bit `last`, and
/// whether they did not before.
#[inline]
fn change_bits<R>(
    db: &mut Store,
    key: &[u8],
    last: u64,
    change: impl FnOnce(&mut [u8], bool) -> R,
) -> Result<R, Error> {
    let Ok(len) = usize::try_from(last / 8 + 1) else {
        return Err(Error::Text("ERR string exceeds maximum allowed size (proto-max-bulk-len)"));
    };
    if let Some(entry) = db.string_mut(key)? {
        let grows = entry.as_str().map_or(0, Str::len) < len;
        let bytes = entry.bytes_to(len).ok_or(Error::WrongType)?;
        return Ok(change(bytes, grows));
    }
    let mut entry = Entry::zeros(key, len);
    let result = change(entry.bytes_to(len).ok_or(Error::WrongType)?, true);
    db.insert(entry);
    Ok(result)
}
