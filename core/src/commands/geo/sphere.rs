//! Distances on the sphere that Redis takes the earth for, and the shapes that a search looks into.
//!
//! Distances are haversine distances, computed in Redis's order of operations: their digits are replies.
//! Whether a position is in a shape is told without sines where it is far outside, and without the arc
//! sine where it is clearly within or without; only what is near the edge gets the whole computation.

use super::geohash::{Cell, LATITUDE_MAX, Position, STEPS};
use alloc::vec::Vec;
use libm::{asin, cos, sin, sqrt};

/// The radius of the earth in metres.
const EARTH_RADIUS: f64 = 6372797.560856;
/// Half the width of the Mercator projection in metres.
const MERCATOR_MAX: f64 = 20037726.37;

const DEGREE: f64 = core::f64::consts::PI / 180.0;

/// How far a comparison of squared sines must be from equal to be trusted: far more than rounding moves it.
const MARGIN: f64 = 1e-9;
/// The same where the latitude of what is compared may itself be off by the margin.
const WIDE_MARGIN: f64 = 1e-6;

fn radians(degrees: f64) -> f64 {
    degrees * DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / DEGREE
}

/// The distance of two positions in metres.
pub(super) fn distance(a: Position, b: Position) -> f64 {
    let v = sin((radians(b.longitude) - radians(a.longitude)) / 2.0);
    if v == 0.0 {
        return latitude_distance(a.latitude, b.latitude);
    }
    let (latitude_a, latitude_b) = (radians(a.latitude), radians(b.latitude));
    let u = sin((latitude_b - latitude_a) / 2.0);
    arc(u * u + cos(latitude_a) * cos(latitude_b) * v * v)
}

fn latitude_distance(a: f64, b: f64) -> f64 {
    EARTH_RADIUS * (radians(b) - radians(a)).abs()
}

/// The distance whose haversine is `haversine`.
fn arc(haversine: f64) -> f64 {
    2.0 * EARTH_RADIUS * asin(sqrt(haversine))
}

/// The haversine of a distance in metres, half of the way round at most.
fn haversine(distance: f64) -> f64 {
    let half_angle = distance / EARTH_RADIUS / 2.0;
    if half_angle >= core::f64::consts::FRAC_PI_2 {
        return 2.0;
    }
    let sine = sin(half_angle);
    sine * sine
}

/// What a search looks into. Lengths are in metres.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// All within a distance of the centre.
    #[allow(missing_docs)]
    Circle { radius: f64 },
    /// A box along the grid, the centre in its middle.
    #[allow(missing_docs)]
    Box { width: f64, height: f64 },
    /// The inside of a polygon of at least three vertices, whose edges are straight in degrees.
    Polygon(Vec<Position>),
}

/// A shape where it is.
#[derive(Debug)]
pub(super) struct Region {
    center: Position,
    /// The cosine of the centre's latitude.
    center_cos: f64,
    shape: Shape,
    /// The haversine of the radius, or of half of the width.
    reach: f64,
    /// The least cosine of a latitude in a circle.
    least_cos: f64,
    bounds: Bounds,
}

/// The edges of a box around a shape, in degrees.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Region {
    pub(super) fn new(center: Position, shape: Shape) -> Self {
        let center = match &shape {
            Shape::Polygon(vertices) => centroid(vertices),
            _ => center,
        };
        let bounds = match &shape {
            Shape::Circle { radius } => box_around(center, *radius, *radius),
            Shape::Box { width, height } => box_around(center, width / 2.0, height / 2.0),
            Shape::Polygon(vertices) => box_of(vertices),
        };
        let reach = match &shape {
            Shape::Circle { radius } => haversine(*radius),
            Shape::Box { width, .. } => haversine(width / 2.0),
            Shape::Polygon(_) => 0.0,
        };
        let latitude = bounds.south.abs().max(bounds.north.abs()).min(LATITUDE_MAX + 0.01);
        let least_cos = cos(radians(latitude));
        let center_cos = cos(radians(center.latitude));
        Self { center, center_cos, shape, reach, least_cos, bounds }
    }

    /// The distance of a position from the centre, if it is in the region; 0 where it is not `wanted`.
    #[inline]
    pub(super) fn distance_within(&self, position: Position, wanted: bool) -> Option<f64> {
        match &self.shape {
            Shape::Circle { radius } => self.distance_in_circle(position, *radius, wanted),
            Shape::Box { width, height } => {
                if latitude_distance(position.latitude, self.center.latitude) > height / 2.0 {
                    return None;
                }
                let v = self.half_chord(position);
                let latitude_cos = cos(radians(position.latitude));
                let along = latitude_cos * latitude_cos * v * v;
                let is_near = (along - self.reach).abs() <= MARGIN * self.reach;
                let in_width = if is_near {
                    let across = Position { latitude: position.latitude, ..self.center };
                    distance(position, across) <= width / 2.0
                } else {
                    along < self.reach
                };
                in_width.then(|| if wanted { distance(self.center, position) } else { 0.0 })
            }
            Shape::Polygon(vertices) => contains(vertices, position)
                .then(|| if wanted { distance(self.center, position) } else { 0.0 }),
        }
    }

    #[inline]
    fn distance_in_circle(&self, position: Position, radius: f64, wanted: bool) -> Option<f64> {
        let latitude = radians(position.latitude);
        let rise = latitude - radians(self.center.latitude);
        // The way is no shorter than the part of it along the meridian.
        if rise.abs() * EARTH_RADIUS > radius * (1.0 + MARGIN) {
            return None;
        }
        // Nor than the part along the parallel. A sine is at least its angle less a sixth of the cube,
        // so that what is far outside needs no sine.
        let turn = (radians(position.longitude) - radians(self.center.longitude)).abs() / 2.0;
        let turn = turn.min(core::f64::consts::PI - turn);
        let sine_at_least = turn - turn * turn * turn / 6.0;
        let along = self.center_cos * self.least_cos * sine_at_least * sine_at_least;
        if along > self.reach * (1.0 + WIDE_MARGIN) {
            return None;
        }
        let v = self.half_chord(position);
        if v == 0.0 {
            let distance = latitude_distance(self.center.latitude, position.latitude);
            return (distance <= radius).then_some(distance);
        }
        let u = sin(rise / 2.0);
        let haversine = u * u + self.center_cos * cos(latitude) * v * v;
        if haversine > self.reach * (1.0 + MARGIN) {
            return None;
        }
        if !wanted && haversine < self.reach * (1.0 - MARGIN) {
            return Some(0.0);
        }
        let distance = arc(haversine);
        (distance <= radius).then_some(distance)
    }

    /// The sine of half of the longitude between the centre and a position.
    #[inline]
    fn half_chord(&self, position: Position) -> f64 {
        sin((radians(position.longitude) - radians(self.center.longitude)) / 2.0)
    }

    /// The cells that hold everything in the region, in the order in which they are to be searched; a cell
    /// may come twice.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell> {
        let radius = match &self.shape {
            Shape::Circle { radius } => *radius,
            Shape::Box { width, height } => {
                sqrt((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0))
            }
            Shape::Polygon(vertices) => {
                vertices.iter().map(|v| distance(self.center, *v)).fold(0.0, f64::max)
            }
        };
        let bounds = self.bounds;
        let mut middle = Cell::around(self.center, steps(radius, self.center.latitude));
        if middle.step > 1 && !bounds.are_within_a_cell_of(middle) {
            middle = Cell::around(self.center, middle.step - 1);
        }
        let area = middle.area();
        // Whether there is anything in this direction. The coarsest cells meet on the far side as well.
        let reaches = move |columns: i32, rows: i32| {
            middle.step < 2
                || !((rows < 0 && area.south < bounds.south)
                    || (rows > 0 && area.north > bounds.north)
                    || (columns < 0 && area.west < bounds.west)
                    || (columns > 0 && area.east > bounds.east))
        };
        const AROUND: [(i32, i32); 9] =
            [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        AROUND
            .into_iter()
            .filter(move |(columns, rows)| reaches(*columns, *rows))
            .map(move |(columns, rows)| middle.neighbor(columns, rows))
    }
}

impl Bounds {
    /// Whether the neighbours of a cell reach at least as far as these bounds.
    fn are_within_a_cell_of(self, cell: Cell) -> bool {
        let area = |columns, rows| cell.neighbor(columns, rows).area();
        !(area(0, 1).north < self.north
            || area(0, -1).south > self.south
            || area(1, 0).east < self.east
            || area(-1, 0).west > self.west)
    }
}

/// The box around all that is so far from `center` to either side, in metres.
fn box_around(center: Position, width: f64, height: f64) -> Bounds {
    let rise = degrees(height / EARTH_RADIUS);
    let turn_at = |latitude: f64| degrees(width / EARTH_RADIUS / cos(radians(latitude)));
    // Parallels are shorter towards the pole.
    let turn = turn_at(if center.latitude < 0.0 {
        center.latitude - rise
    } else {
        center.latitude + rise
    });
    Bounds {
        west: center.longitude - turn,
        east: center.longitude + turn,
        south: center.latitude - rise,
        north: center.latitude + rise,
    }
}

fn box_of(vertices: &[Position]) -> Bounds {
    let start = Bounds {
        west: f64::INFINITY,
        east: f64::NEG_INFINITY,
        south: f64::INFINITY,
        north: f64::NEG_INFINITY,
    };
    vertices.iter().fold(start, |bounds, vertex| Bounds {
        west: bounds.west.min(vertex.longitude),
        east: bounds.east.max(vertex.longitude),
        south: bounds.south.min(vertex.latitude),
        north: bounds.north.max(vertex.latitude),
    })
}

/// The place under the mean of the vertices in space.
fn centroid(vertices: &[Position]) -> Position {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for vertex in vertices {
        let (longitude, latitude) = (radians(vertex.longitude), radians(vertex.latitude));
        x += cos(latitude) * cos(longitude);
        y += cos(latitude) * sin(longitude);
        z += sin(latitude);
    }
    let count = vertices.len() as f64;
    (x, y, z) = (x / count, y / count, z / count);
    Position {
        longitude: degrees(libm::atan2(y, x)),
        latitude: degrees(libm::atan2(z, sqrt(x * x + y * y))),
    }
}

/// Whether a position is inside: a ray from it crosses the edges an odd number of times.
fn contains(vertices: &[Position], position: Position) -> bool {
    let mut inside = false;
    let mut before = vertices.last();
    for vertex in vertices {
        if let Some(previous) = before
            && (vertex.latitude > position.latitude) != (previous.latitude > position.latitude)
            && position.longitude
                < (previous.longitude - vertex.longitude) * (position.latitude - vertex.latitude)
                    / (previous.latitude - vertex.latitude)
                    + vertex.longitude
        {
            inside = !inside;
        }
        before = Some(vertex);
    }
    inside
}

/// How often to halve the grid so that nine cells hold a circle.
fn steps(radius: f64, latitude: f64) -> u32 {
    if radius == 0.0 {
        return STEPS;
    }
    let mut step = 1;
    let mut range = radius;
    while range < MERCATOR_MAX {
        range *= 2.0;
        step += 1;
    }
    // A radius reaches to both sides, and nearly everywhere one step more is safe enough.
    step -= 2;
    if latitude.abs() > 66.0 {
        step -= 1;
    }
    if latitude.abs() > 80.0 {
        step -= 1;
    }
    step.clamp(1, STEPS as i32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Position = Position { longitude: 13.361389, latitude: 38.115556 };
    const CATANIA: Position = Position { longitude: 15.087269, latitude: 37.502669 };

    #[test]
    fn the_distance_of_two_cities_is_known() {
        assert!((distance(PALERMO, CATANIA) - 166_274.0).abs() < 1.0);
        assert_eq!(distance(PALERMO, PALERMO), 0.0);
    }

    #[test]
    fn shortcuts_never_decide_otherwise_than_the_distance() {
        let mut rng = crate::rng::Rng::new(8);
        for _ in 0..300 {
            let mut place = |limit: u64| rng.below(limit * 2000) as f64 / 1000.0 - limit as f64;
            let center = Position { longitude: place(180), latitude: place(85) };
            let radius = [10.0, 1e4, 1e6, 9e6, 2e7, 3e7][(place(100) + 100.0) as usize % 6];
            let region = Region::new(center, Shape::Circle { radius });
            for _ in 0..300 {
                let position = Position { longitude: place(180), latitude: place(85) };
                let far = distance(center, position);
                let expected = (far <= radius).then_some(far);
                assert_eq!(region.distance_within(position, true), expected);
                assert_eq!(region.distance_within(position, false).is_some(), expected.is_some());
            }
        }
    }

    #[test]
    fn a_search_in_its_cells_finds_what_a_search_everywhere_does() {
        let mut rng = crate::rng::Rng::new(9);
        for _ in 0..200 {
            let mut place = |limit: u64| rng.below(limit * 2000) as f64 / 1000.0 - limit as f64;
            let center = Position { longitude: place(150), latitude: place(60) };
            let region = Region::new(center, Shape::Circle { radius: 50_000.0 });
            let cells: Vec<_> = region.cells().map(Cell::scores).collect();
            for _ in 0..200 {
                let position = Position {
                    longitude: center.longitude + place(1),
                    latitude: center.latitude + place(1),
                };
                let score = position.score();
                let position = Position::of_score(score);
                if distance(center, position) <= 50_000.0 {
                    assert!(cells.iter().any(|scores| scores.contains(&score)));
                }
            }
        }
    }

    #[test]
    fn a_polygon_has_an_inside() {
        let at = |longitude, latitude| Position { longitude, latitude };
        let vertices = [at(0.0, 0.0), at(4.0, 0.0), at(4.0, 4.0), at(2.0, 1.0), at(0.0, 4.0)];
        assert!(contains(&vertices, at(1.0, 1.0)));
        assert!(!contains(&vertices, at(2.0, 3.0)));
        assert!(!contains(&vertices, at(5.0, 1.0)));
    }
}
