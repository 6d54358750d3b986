//! Commands on positions: sorted sets whose scores are geohashes.
//!
//! [`geohash`] and [`sphere`] are the geometry and know no keys; the other files are the commands.

mod add;
mod geohash;
mod read;
mod search;
mod sphere;

pub use add::GEOADD;
pub use read::{GEODIST, GEOHASH, GEOPOS};
pub use search::{
    GEORADIUS, GEORADIUS_RO, GEORADIUSBYMEMBER, GEORADIUSBYMEMBER_RO, GEOSEARCH, GEOSEARCHSTORE,
};

use crate::collections::decimal::{DOUBLE_LEN, Zeros, format_fixed, parse_double};
use crate::command::Args;
use crate::error::Error;
use crate::resp::Reply;
use alloc::format;
use geohash::{LATITUDE_MAX, LONGITUDE_MAX, Position};

/// The position whose longitude and latitude are the arguments from `index` on.
fn position(args: Args<'_>, index: usize) -> Result<Position, Error> {
    let longitude = parse_double(&args[index]).ok_or(Error::NotFloat)?;
    let latitude = parse_double(&args[index + 1]).ok_or(Error::NotFloat)?;
    if longitude.abs() > LONGITUDE_MAX || latitude.abs() > LATITUDE_MAX {
        return Err(Error::Owned(format!(
            "ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"
        )));
    }
    Ok(Position { longitude, latitude })
}

/// The metres in the unit at `index`.
fn unit(args: Args<'_>, index: usize) -> Result<f64, Error> {
    const UNITS: [(&str, f64); 4] = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
    let found = UNITS.iter().find(|(name, _)| args.is(index, name));
    found
        .map(|(_, metres)| *metres)
        .ok_or(Error::Text("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// A distance as replies have it, in any protocol.
fn write_distance(reply: &mut Reply, distance: f64) {
    reply.bulk(format_fixed(distance, 4, Zeros::Kept, &mut [0; DOUBLE_LEN]));
}

fn write_position(reply: &mut Reply, position: Position) {
    reply.array(2);
    for coordinate in [position.longitude, position.latitude] {
        reply.double_text(format_fixed(coordinate, 17, Zeros::Trimmed, &mut [0; DOUBLE_LEN]));
    }
}
