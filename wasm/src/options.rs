//! The options of `open()`, as they come from JavaScript.

use redstart_core::Config;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// `maxmemory` unless told otherwise: a 32-bit memory ends at 4 GiB, and writes are to be refused before.
const MAXMEMORY: &[u8] = b"3gb";

/// The fields of [`Options`].
const NAMES: [&str; 2] = ["seed", "config"];

/// How an engine is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Options {
    /// 32 bytes that hash seeds and chance derive from; drawn from the runtime's entropy if not given.
    seed: Option<Vec<u8>>,
    /// Settings of redis.conf as names and values, in their order.
    config: Vec<(String, String)>,
}

impl Options {
    pub(crate) fn read(options: JsValue) -> Result<Self, JsError> {
        if options.is_undefined() {
            return Ok(Self::default());
        }
        // The deserializer asks for the names it knows and does not see others.
        if let Some(object) = js_sys::Object::try_from(&options) {
            for name in js_sys::Object::keys(object).iter().filter_map(|name| name.as_string()) {
                if !NAMES.contains(&name.as_str()) {
                    return Err(JsError::new(&format!("unknown option: {name}")));
                }
            }
        }
        serde_wasm_bindgen::from_value(options).map_err(|e| JsError::new(&e.to_string()))
    }

    pub(crate) fn config(&self) -> Result<Config, JsError> {
        let mut config = Config::default();
        let defaults = [("maxmemory", MAXMEMORY)];
        let given = self.config.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        for (name, value) in defaults.into_iter().chain(given) {
            config
                .set(name, value)
                .map_err(|reason| JsError::new(&format!("config: {name}: {reason}")))?;
        }
        Ok(config)
    }

    pub(crate) fn seed(&self) -> Result<[u8; 32], JsError> {
        let mut seed = [0; 32];
        match &self.seed {
            Some(bytes) => {
                seed = bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| JsError::new("seed: expected 32 bytes"))?;
            }
            None => getrandom::fill(&mut seed).map_err(|e| JsError::new(&e.to_string()))?,
        }
        Ok(seed)
    }
}
