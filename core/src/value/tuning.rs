//! The limits that decide how values are encoded, and the seed their tables hash with.

use crate::collections::hash::HashSeed;

/// What a value needs to know besides its own bytes. Set by CONFIG SET and at birth.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// The seed of every hash table of the engine.
    pub seed: HashSeed,
    /// `hash-max-listpack-entries`.
    pub hash_listpack_entries: u64,
    /// `hash-max-listpack-value`, in bytes.
    pub hash_listpack_value: u64,
    /// `list-max-listpack-size`: a number of entries, or -1 … -5 for 4 … 64 KB.
    pub list_listpack_size: i32,
    /// `list-compress-depth`; kept and reported, see `collections::quicklist`.
    pub list_compress_depth: i32,
    /// Elements over this length get a quicklist node of their own, in bytes; 0: the default of 1 GB.
    pub quicklist_packed_threshold: u64,
    /// `set-max-intset-entries`.
    pub set_intset_entries: u64,
    /// `set-max-listpack-entries`.
    pub set_listpack_entries: u64,
    /// `set-max-listpack-value`, in bytes.
    pub set_listpack_value: u64,
    /// `zset-max-listpack-entries`.
    pub zset_listpack_entries: u64,
    /// `zset-max-listpack-value`, in bytes.
    pub zset_listpack_value: u64,
    /// `stream-node-max-bytes`.
    pub stream_node_bytes: u64,
    /// `stream-node-max-entries`.
    pub stream_node_entries: u64,
    /// `hll-sparse-max-bytes`.
    pub hll_sparse_bytes: u64,
}

impl Tuning {
    /// Redis's defaults.
    pub const fn new(seed: HashSeed) -> Self {
        Self {
            seed,
            hash_listpack_entries: 512,
            hash_listpack_value: 64,
            list_listpack_size: -2,
            list_compress_depth: 0,
            quicklist_packed_threshold: 0,
            set_intset_entries: 512,
            set_listpack_entries: 128,
            set_listpack_value: 64,
            zset_listpack_entries: 128,
            zset_listpack_value: 64,
            stream_node_bytes: 4096,
            stream_node_entries: 100,
            hll_sparse_bytes: 3000,
        }
    }
}
