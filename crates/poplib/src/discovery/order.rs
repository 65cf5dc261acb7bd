//! The order in which to try servers (RFC 2782).

use hickory_resolver::proto::rr::rdata::SRV;

use crate::Error;
use crate::tls::entropy;

/// By priority; among equals by chance, a record of twice the weight coming first twice as often
/// (RFC 2782). `random` gives a number up to its argument.
pub(super) fn ordered<E>(
    mut records: Vec<SRV>,
    mut random: impl FnMut(u64) -> Result<u64, E>,
) -> Result<Vec<SRV>, E> {
    // Those of weight 0 first, so that they too have a small chance.
    records.sort_by_key(|record| (record.priority, record.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let weights = records
            .iter()
            .take_while(|record| record.priority == priority)
            .map(|record| u64::from(record.weight));
        let chosen = random(weights.clone().sum())?;
        let mut running = 0;
        let place = weights.clone().position(|weight| {
            running += weight;
            running >= chosen
        });
        ordered.push(records.remove(place.unwrap_or(0)));
    }
    Ok(ordered)
}

/// A number up to `most` from the system's generator.
pub(super) fn random(most: u64) -> Result<u64, Error> {
    let [a, b, c, d, e, f, g, h, ..] = entropy()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]) % (most + 1))
}
