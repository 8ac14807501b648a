//! The modification time of every file in an image.

use std::fmt;

use fatfs::{Date, DateTime, Time, TimeProvider};

/// The first second of FAT's range, 1980-01-01 (Microsoft FAT specification 1.03, "Date and time formats").
const FAT_EPOCH: u64 = 315_532_800;
/// The last second of FAT's range, in 2107.
const FAT_END: u64 = 4_354_819_199;
const SECONDS_PER_DAY: u64 = 86_400;

/// A time in seconds since 1970-01-01 UTC. Times outside FAT's range become the nearest one inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    fn clamped(self) -> u64 {
        self.0.clamp(FAT_EPOCH, FAT_END)
    }

    /// Returns year, month and day in the Gregorian calendar (Howard Hinnant's `civil_from_days`).
    fn civil(self) -> (u16, u16, u16) {
        // Years are counted from 1 March, so that the leap day comes last and month lengths follow one formula;
        // 719 468 is the number of days from 0000-03-01 to 1970-01-01.
        let days = self.clamped() / SECONDS_PER_DAY + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let narrow = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        (narrow(year), narrow(month), narrow(day))
    }
}

impl fmt::Display for Timestamp {
    /// Writes the day, like 2026-10-06.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year}-{month:02}-{day:02}")
    }
}

impl TimeProvider for Timestamp {
    fn get_current_date(&self) -> Date {
        let (year, month, day) = self.civil();
        Date::new(year, month, day)
    }

    fn get_current_date_time(&self) -> DateTime {
        let second = self.clamped() % SECONDS_PER_DAY;
        let narrow = |value: u64| u16::try_from(value).unwrap_or_default();
        let time = Time::new(
            narrow(second / 3600),
            narrow(second / 60 % 60),
            narrow(second % 60),
            0,
        );
        DateTime::new(self.get_current_date(), time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        let cases = [
            (0, (1980, 1, 1)),
            (951_782_400, (2000, 2, 29)),
            (951_868_800, (2000, 3, 1)),
            (1_704_067_199, (2023, 12, 31)),
            (1_709_164_800, (2024, 2, 29)),
            (1_795_305_600, (2026, 11, 22)),
            (u64::MAX, (2107, 12, 31)),
        ];
        for (seconds, date) in cases {
            assert_eq!(Timestamp(seconds).civil(), date, "{seconds}");
        }
        let time = Timestamp(1_795_305_600 + 3_723).get_current_date_time().time;
        assert_eq!((time.hour, time.min, time.sec), (1, 2, 3));
    }
}
