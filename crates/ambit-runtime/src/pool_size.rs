//! Whether a pool of instances fits this process: its address space and its number of mappings.

use std::{fs, io};

use rustix::process::{Resource, getrlimit};

/// Address space that one guest of the pool takes: two memories of 4 GiB with their guards, two tables, a stack.
const SPACE_EACH: u64 = (8 << 30) + (128 << 20);
/// All address space there is for a process on the 64-bit machines Ambit runs on, less what everything else takes.
const SPACE: u64 = (1 << 47) - (4 << 40);
/// Mappings that one guest under way takes: a stack and its guard, a memory and what it has grown by. As `/proc/self/maps`
/// has it for 10 000 sleeping guests.
const MAPS_EACH: u64 = 5;
/// Mappings that everything else takes.
const MAPS_BESIDES: u64 = 4096;

/// Refuses a pool that cannot be, with what stands against it.
pub(crate) fn check(guests: u32) -> io::Result<()> {
    let guests = u64::from(guests);
    let space = getrlimit(Resource::As).current.unwrap_or(u64::MAX).min(SPACE);
    let most = space / SPACE_EACH;
    if guests > most {
        return Err(refused(
            guests,
            most,
            &format!("each takes {} GiB of address space, and the process may have {} GiB", SPACE_EACH >> 30, space >> 30),
        ));
    }
    let maps = fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let Some(maps) = maps else { return Ok(()) };
    let most = maps.saturating_sub(MAPS_BESIDES) / MAPS_EACH;
    if guests > most {
        return Err(refused(
            guests,
            most,
            &format!("each takes {MAPS_EACH} mappings, and vm.max_map_count is {maps}: raise it with sysctl"),
        ));
    }
    Ok(())
}

fn refused(guests: u64, most: u64, why: &str) -> io::Error {
    let message = format!(
        "a pool of {guests} guests does not fit, at most {most} do: {why}, or make the pool smaller; more guests are allocated on demand"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_the_most_that_does() {
        check(256).expect("the default fits");
        let refused = check(1_000_000).expect_err("eight petabytes").to_string();
        assert!(refused.contains("1000000 guests") && refused.contains("at most"), "{refused}");
        let most: u32 = refused.split("at most ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a number");
        let refused = check(most + 1);
        assert!(refused.is_err());
    }
}
