//! Snapshots that nobody reads without the key: what stands in `docs/sealed.md`, byte by byte.
//!
//! ```text
//! [ "REDSEAL" 1 │ salt, 32 bytes │ chunk, 64 KiB + 16 … │ last chunk, up to 64 KiB + 16 ]
//! ```
//!
//! The chunks are AES-256-GCM in the STREAM construction: each nonce has the chunk's number, and says whether it is
//! the last, so that one that is missing, moved or cut off is found, as a flipped bit is. The key of a file is
//! derived from the server's and the salt, so that no nonce is used twice with a key.

use std::io::{self, Read};

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::aead::KeyInit;
use aes_gcm::{Aes256Gcm, Key as AesKey};
use base64ct::{Base64, Encoding};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::settings::reason;

/// How a sealed file begins, before the byte that is the version.
pub(crate) const NAME: &[u8] = b"REDSEAL";
const MAGIC: &[u8; 8] = b"REDSEAL\x01";
const SALT_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + SALT_BYTES;
/// Bytes of the file in a chunk, before and after it is sealed.
const CHUNK_BYTES: usize = 64 << 10;
const SEALED_BYTES: usize = CHUNK_BYTES + 16;
/// What file keys are derived for.
const PURPOSE: &[u8] = b"redstart snapshot 1";

/// The variables of the environment that have the key, or the name of the file that has it.
const VARIABLES: [&str; 2] = ["REDSTART_RDB_KEY", "REDSTART_RDB_KEY_FILE"];

/// The key that all snapshots of a server are sealed with.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key in this text: 64 hexadecimal digits, or base64 of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut key = [0; 32];
        if text.len() == 64 && text.is_ascii() {
            for (byte, digits) in key.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
                let digits = core::str::from_utf8(digits).ok()?;
                // It would take a sign for a digit.
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                *byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
            }
            return Some(Self(key));
        }
        let len = Base64::decode(text, &mut key).ok()?.len();
        (len == key.len()).then_some(Self(key))
    }

    /// The key that the environment gives, or why it cannot be had. A variable that is there but empty is an error:
    /// who has set it expects files that nobody can read.
    pub fn from_environment() -> io::Result<Option<Self>> {
        let (name, text) = match VARIABLES.map(std::env::var_os) {
            [Some(text), _] => (VARIABLES[0], text.into_encoded_bytes()),
            [None, Some(path)] => {
                let text = std::fs::read(&path).map_err(|error| {
                    let path = path.display();
                    let error = reason(&error);
                    io::Error::other(format!("{}: {path}: {error}", VARIABLES[1]))
                })?;
                (VARIABLES[1], text)
            }
            [None, None] => return Ok(None),
        };
        let key = core::str::from_utf8(&text).ok().and_then(Self::parse);
        key.map(Some).ok_or_else(|| {
            io::Error::other(format!(
                "{name}: a key is 64 hexadecimal digits or 44 characters of base64"
            ))
        })
    }

    /// A small file, sealed at once.
    pub(crate) fn seal(&self, file: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(self, &mut out)?;
        sealer.push(file, &mut out)?;
        sealer.finish(&mut out)?;
        Ok(out)
    }

    /// The cipher of the file with this header.
    fn cipher(&self, header: &[u8; HEADER_BYTES]) -> io::Result<Aes256Gcm> {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(&header[MAGIC.len()..]), &self.0)
            .expand(PURPOSE, &mut key)
            .map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Aes256Gcm::new(&AesKey::<Aes256Gcm>::from(key)))
    }
}

/// Seals a file as it is written.
pub struct Sealer {
    stream: EncryptorBE32<Aes256Gcm>,
    header: [u8; HEADER_BYTES],
    /// What is not sealed yet.
    rest: Vec<u8>,
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// For a new file, whose first bytes are appended.
    pub fn new(key: &Key, out: &mut Vec<u8>) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        Self::with_salt(key, salt, out)
    }

    fn with_salt(key: &Key, salt: [u8; SALT_BYTES], out: &mut Vec<u8>) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(MAGIC);
        header[MAGIC.len()..].copy_from_slice(&salt);
        let stream = EncryptorBE32::from_aead(key.cipher(&header)?, &Default::default());
        out.extend_from_slice(&header);
        Ok(Self { stream, header, rest: Vec::with_capacity(CHUNK_BYTES) })
    }

    /// More of the file: appends the chunks that are whole and not the last.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        while self.rest.len() + bytes.len() > CHUNK_BYTES {
            let (now, later) = bytes.split_at(CHUNK_BYTES - self.rest.len());
            self.rest.extend_from_slice(now);
            bytes = later;
            let chunk = self.stream.encrypt_next(payload(&self.rest, &self.header));
            out.extend_from_slice(&chunk.map_err(|_| io::ErrorKind::FileTooLarge)?);
            self.rest.clear();
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    /// There is no more: appends the last chunk.
    pub fn finish(self, out: &mut Vec<u8>) -> io::Result<()> {
        let chunk = self.stream.encrypt_last(payload(&self.rest, &self.header));
        out.extend_from_slice(&chunk.map_err(|_| io::ErrorKind::FileTooLarge)?);
        Ok(())
    }
}

fn payload<'a>(msg: &'a [u8], aad: &'a [u8]) -> aes_gcm::aead::Payload<'a, 'a> {
    aes_gcm::aead::Payload { msg, aad }
}

/// Reads a file, sealed or not. What it hands out of a sealed one is what was sealed, from its start; whether that was
/// all of it is known at the end.
pub struct Opened<R> {
    input: R,
    /// `None`: it is not sealed, or all was read.
    stream: Option<DecryptorBE32<Aes256Gcm>>,
    header: [u8; HEADER_BYTES],
    /// Bytes of chunks that are not open yet.
    sealed: Vec<u8>,
    /// Bytes to be handed out, and how many of them were.
    ready: Vec<u8>,
    taken: usize,
    /// Where the next chunk begins in the file.
    at: u64,
    is_sealed: bool,
    /// A chunk did not open: nothing behind it is read.
    is_broken: bool,
}

impl<R> core::fmt::Debug for Opened<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Opened")
    }
}

impl<R: Read> Opened<R> {
    /// Looks at how it begins; a sealed one needs the key.
    pub fn new(mut input: R, key: Option<&Key>) -> io::Result<Self> {
        let mut ready = Vec::new();
        (&mut input).take(HEADER_BYTES as u64).read_to_end(&mut ready)?;
        let mut this = Self { ready, ..Self::plain(input) };
        if !this.ready.starts_with(NAME) {
            return Ok(this);
        }
        let Ok(header) = <[u8; HEADER_BYTES]>::try_from(&this.ready[..]) else {
            let len = this.ready.len();
            return Err(invalid(format!(
                "it is encrypted, and cut off in its header, at byte {len}"
            )));
        };
        if !header.starts_with(MAGIC) {
            let version = header[NAME.len()];
            return Err(invalid(format!(
                "it is encrypted in a way not known here, version {version}"
            )));
        }
        let Some(key) = key else {
            let [text, file] = VARIABLES;
            let line =
                format!("it is encrypted, and there is no key: {text} has it, or {file} its path");
            return Err(invalid(line));
        };
        this.stream = Some(DecryptorBE32::from_aead(key.cipher(&header)?, &Default::default()));
        (this.header, this.is_sealed) = (header, true);
        this.ready.clear();
        Ok(this)
    }

    /// One that is not sealed, however it begins.
    pub fn plain(input: R) -> Self {
        Self {
            input,
            stream: None,
            header: [0; HEADER_BYTES],
            sealed: Vec::new(),
            ready: Vec::new(),
            taken: 0,
            at: HEADER_BYTES as u64,
            is_sealed: false,
            is_broken: false,
        }
    }

    /// Whether it was sealed.
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// Opens the next chunk; `false`: there is none.
    fn open_next(&mut self) -> io::Result<bool> {
        if self.is_broken {
            return Err(self.broken());
        }
        if self.stream.is_none() {
            return Ok(false);
        }
        // A byte more than a chunk tells that it is not the last.
        let wanted = (SEALED_BYTES + 1).saturating_sub(self.sealed.len());
        (&mut self.input).take(wanted as u64).read_to_end(&mut self.sealed)?;
        let Some(mut stream) = self.stream.take() else { return Ok(false) };
        let header = &self.header;
        let opened = if self.sealed.len() > SEALED_BYTES {
            let opened = stream.decrypt_next(payload(&self.sealed[..SEALED_BYTES], header));
            self.sealed.drain(..SEALED_BYTES);
            self.stream = Some(stream);
            opened
        } else {
            stream.decrypt_last(payload(&self.sealed, header))
        };
        let Ok(ready) = opened else {
            self.is_broken = true;
            return Err(self.broken());
        };
        (self.ready, self.taken) = (ready, 0);
        self.at += SEALED_BYTES as u64;
        Ok(true)
    }

    /// What is wrong with the chunk that did not open.
    fn broken(&self) -> io::Error {
        let at = self.at;
        invalid(if at == HEADER_BYTES as u64 {
            format!(
                "the first encrypted chunk, at byte {at}, does not open: the key is another one than that of the \
                 file, or the file is damaged or cut off"
            )
        } else {
            format!("the encrypted chunk at byte {at} is damaged, cut off, or in another's place")
        })
    }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && self.open_next()? {}
        let left = &self.ready[self.taken..];
        if left.is_empty() && !self.is_sealed {
            return self.input.read(out);
        }
        let len = left.len().min(out.len());
        out[..len].copy_from_slice(&left[..len]);
        self.taken += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key([byte; 32])
    }

    fn sealed(file: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(&key(1), &mut out).expect("there is entropy");
        for piece in file.chunks(piece) {
            sealer.push(piece, &mut out).expect("a small file");
        }
        sealer.finish(&mut out).expect("a small file");
        out
    }

    fn open(bytes: &[u8], key: Option<&Key>) -> io::Result<Vec<u8>> {
        let mut file = Vec::new();
        Opened::new(bytes, key)?.read_to_end(&mut file)?;
        Ok(file)
    }

    fn file(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn what_was_sealed_opens_whatever_its_length() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let bytes = sealed(&file(len), 10_000);
            assert_eq!(bytes.len(), HEADER_BYTES + len + 16 * len.div_ceil(CHUNK_BYTES).max(1));
            assert!(open(&bytes, Some(&key(1))).expect("it is sound") == file(len));
        }
    }

    #[test]
    fn what_is_not_sealed_is_read_as_it_is() {
        for len in [0, 5, 39, 40, 41, 100_000] {
            assert!(open(&file(len), None).expect("it is sound") == file(len));
            assert!(open(&file(len), Some(&key(1))).expect("it is sound") == file(len));
        }
    }

    #[test]
    fn another_key_or_none_opens_nothing() {
        let bytes = sealed(b"REDIS0010", 3);
        let error = open(&bytes, None).expect_err("there is no key").to_string();
        assert!(error.contains("there is no key"), "{error}");
        let error = open(&bytes, Some(&key(2))).expect_err("another key").to_string();
        assert!(error.contains("at byte 40") && error.contains("another one"), "{error}");
    }

    /// That of `docs/sealed.md`.
    #[test]
    fn the_documented_file_is_what_is_written() {
        let key = Key(core::array::from_fn(|at| at as u8));
        let salt = core::array::from_fn(|at| 0x20 + at as u8);
        let mut out = Vec::new();
        let mut sealer = Sealer::with_salt(&key, salt, &mut out).expect("a fixed salt");
        sealer.push(b"REDIS0011", &mut out).expect("a small file");
        sealer.finish(&mut out).expect("a small file");
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        let documented: String = include_str!("../../docs/sealed.md")
            .lines()
            .filter(|line| line.len() >= 16 && line.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .collect();
        assert_eq!(documented, hex);
        assert_eq!(open(&out, Some(&key)).expect("it is sound"), b"REDIS0011");
    }

    #[test]
    fn a_flipped_bit_is_found_wherever_it_is() {
        let bytes = sealed(&file(CHUNK_BYTES + 100), 1000);
        for at in (0..bytes.len()).step_by(1009).chain(0..HEADER_BYTES).chain([bytes.len() - 1]) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            // One in the magic makes it a file that is not sealed, and no RDB file.
            let opened = open(&damaged, Some(&key(1)));
            assert!(opened.is_err() || at < MAGIC.len(), "byte {at}");
        }
    }

    #[test]
    fn chunks_that_are_missing_or_moved_are_found() {
        let bytes = sealed(&file(3 * CHUNK_BYTES + 5), 4096);
        let cuts =
            (0..bytes.len()).step_by(19_973).chain((1..4).map(|n| HEADER_BYTES + n * SEALED_BYTES));
        for len in cuts.filter(|len| *len >= MAGIC.len()) {
            assert!(open(&bytes[..len], Some(&key(1))).is_err(), "cut at {len}");
        }
        let mut swapped = bytes.clone();
        let (a, b) = (HEADER_BYTES, HEADER_BYTES + SEALED_BYTES);
        swapped[a..b].copy_from_slice(&bytes[b..b + SEALED_BYTES]);
        swapped[b..b + SEALED_BYTES].copy_from_slice(&bytes[a..b]);
        let error = open(&swapped, Some(&key(1))).expect_err("it is damaged").to_string();
        assert!(error.contains("at byte 40"), "{error}");
        let mut damaged = bytes.clone();
        damaged[b + 5] ^= 1;
        let error = open(&damaged, Some(&key(1))).expect_err("it is damaged").to_string();
        assert!(error.contains(&format!("chunk at byte {b} ")), "{error}");
        let mut longer = bytes;
        longer.push(0);
        assert!(open(&longer, Some(&key(1))).is_err());
    }

    #[test]
    fn no_damage_goes_unnoticed_and_an_error_stays() {
        // xorshift64, from a fixed seed.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |end: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % end as u64) as usize
        };
        let sound: Vec<_> = [0, 9, 5000, CHUNK_BYTES, 2 * CHUNK_BYTES + 77]
            .map(|len| (file(len), sealed(&file(len), 7000)))
            .into();
        for round in 0..600 {
            let (file, bytes) = &sound[below(sound.len())];
            let mut damaged = bytes.clone();
            match below(4) {
                0 => damaged.truncate(NAME.len() + below(bytes.len() - NAME.len())),
                1 => {
                    let at = NAME.len() + below(bytes.len() - NAME.len());
                    damaged.remove(at);
                }
                2 => {
                    let at = NAME.len() + below(bytes.len() + 1 - NAME.len());
                    // Between two equal bytes it would be neither.
                    let before = damaged[at - 1];
                    damaged.insert(at, damaged.get(at).map_or(before, |byte| !byte));
                }
                _ => {
                    for _ in 0..=below(3) {
                        // Each at most once, so that no two undo each other.
                        let at = NAME.len() + below(bytes.len() - NAME.len());
                        damaged[at] = bytes[at] ^ (1 << below(8));
                    }
                }
            }
            let Ok(mut opened) = Opened::new(&damaged[..], Some(&key(1))) else { continue };
            let mut read = Vec::new();
            let error = opened.read_to_end(&mut read).expect_err("it is damaged").to_string();
            assert!(error.contains("at byte "), "round {round}: {error}");
            assert!(file.starts_with(&read), "round {round}");
            assert!(opened.read(&mut [0; 9]).is_err(), "round {round}");
        }
    }

    #[test]
    fn keys_are_read_in_two_forms() {
        let hex = Key::parse(&format!("{}\n", "0a".repeat(32))).expect("64 digits");
        assert_eq!(hex.0, [10; 32]);
        let base64 =
            Key::parse("CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo=").expect("44 characters");
        assert_eq!(base64.0, [10; 32]);
        for wrong in ["", "0a", &"0g".repeat(32), &"+1".repeat(32), "CgoKCg=="] {
            assert!(Key::parse(wrong).is_none(), "{wrong}");
        }
    }
}
