//! The time zones that LeadSquared takes for a user, from <https://apidocs.leadsquared.com/create-a-user/>.
//!
//! The list is the vendor's own and shorter than the IANA one; a name outside it is refused here and not by the CRM.

const TIME_ZONES: &str = "\
    Pacific/Samoa US/Hawaii US/Alaska US/Pacific US/Arizona Canada/Mountain US/Mountain America/Mexico_City \
    US/Central America/Guatemala Canada/Saskatchewan US/East-Indiana America/Bogota US/Eastern America/Manaus \
    America/Caracas America/Santiago Canada/Atlantic Canada/Newfoundland America/Argentina/Buenos_Aires \
    America/Godthab America/Bahia Etc/GMT-2 Atlantic/Cape_Verde Atlantic/Azores Africa/Casablanca Europe/London \
    Europe/Amsterdam Africa/Algiers Europe/Brussels Europe/Sarajevo Europe/Belgrade Africa/Windhoek Africa/Harare \
    Asia/Jerusalem Europe/Athens Europe/Kiev Egypt Europe/Minsk Europe/Moscow Africa/Nairobi Asia/Baghdad \
    Asia/Kuwait Asia/Tehran Asia/Tbilisi Asia/Baku Asia/Yerevan Asia/Muscat Asia/Kabul Asia/Karachi \
    Asia/Yekaterinburg Asia/Kolkata Asia/Katmandu Asia/Colombo Asia/Almaty Asia/Dhaka Asia/Rangoon Asia/Bangkok \
    Asia/Krasnoyarsk Australia/Perth Asia/Taipei Asia/Singapore Asia/Irkutsk Asia/Chongqing Asia/Yakutsk Asia/Tokyo \
    Asia/Seoul Australia/Adelaide Australia/Darwin Pacific/Guam Asia/Vladivostok Australia/Hobart \
    Australia/Brisbane Australia/Canberra Asia/Magadan Pacific/Auckland Pacific/Fiji Pacific/Tongatapu";

/// Whether LeadSquared knows this time zone.
pub(super) fn contains(name: &str) -> bool {
    TIME_ZONES.split_ascii_whitespace().any(|zone| zone == name)
}
