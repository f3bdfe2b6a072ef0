#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "laneway/cli.h"

void cli_put(FILE *f, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)text[0], d = (unsigned char)text[1];
		bool c1 = c == 0xc2 && d >= 0x80 &&
		          d < 0xa0; /* U+0080 to U+009F: terminals obey them too */
		putc(c < 0x20 || c == 0x7f || c1 ? '?' : c, f);
		text += c1;
	}
}

void cli_count(uint64_t n, char out[27])
{
	char digits[21];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	char *to = out;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
}

void cli_duration(int64_t s, char out[32])
{
	int64_t min = s / 60, h = min / 60, d = h / 24;

	if (s < 60)
		snprintf(out, 32, "%" PRId64 " s", s);
	else if (h == 0)
		snprintf(out, 32, "%" PRId64 " min", min);
	else if (d == 0)
		snprintf(out, 32, "%" PRId64 " h %" PRId64 " min", h, min % 60);
	else
		snprintf(out, 32, "%" PRId64 " d %" PRId64 " h", d, h % 24);
}

void cli_bytes(uint64_t n, char out[32])
{
	if (n < 10240)
		snprintf(out, 32, "%" PRIu64 " bytes", n);
	else if (n < 10u * 1048576)
		snprintf(out, 32, "%" PRIu64 " KiB", n / 1024);
	else
		snprintf(out, 32, "%" PRIu64 " MiB", n / 1048576);
}

void cli_local_time(const char *iso, char out[32])
{
	int64_t wall_us;
	time_t s;
	struct tm tm;

	snprintf(out, 32, "never");
	if (clock_parse_iso8601(iso, &wall_us) != 0)
		return;
	s = (time_t)(wall_us / 1000000);
	localtime_r(&s, &tm);
	strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
}

const char *cli_event_words(const char *event)
{
	static const struct {
		const char *event, *words;
	} table[] = {
	    {"Epoch Opened", "{cause}, after {prev_last_seq} events of the one before"},
	    {"Box Started",
	     "{cause}, clean {clean}, version {version}, baskets restored {restored_baskets}"},
	    {"Identifier Presented", "{kind}, {method}: {outcome}"},
	    {"Profile Viewed", "{role}, {purpose}, of {hits}"},
	    {"Customer Attached", "by {by}, {reason}"},
	    {"Customer Detached", "by {by}, {reason}"},
	    {"Visit Started", "{place}, {evidence}"},
	    {"Visit Ended", "{place}, {reason}"},
	    {"Basket Opened", "till {till}, {mode}"},
	    {"Basket Abandoned", "{reason}, {lines} lines, {value}"},
	    {"Product Added", "{quantity} {unit} {name} at {price} {currency}"},
	    {"Product Removed", "{quantity} {unit} {name}, {reason}"},
	    {"Basket Line Changed", "{field} from {from} to {to}, {reason}"},
	    {"Checkout Started", "{value} {currency}, {lines} lines"},
	    {"Order Completed", "receipt {receipt_number}, {total} {currency}, {sale_kind}, "
	                        "customer known: {identified_at}"},
	    {"Order Refunded", "{refund_id}, {total} {currency}"},
	    {"Order Cancelled", "{order_id}, {reason}"},
	    {"Order Claimed", "{order_id}, {method}"},
	    {"Device Connected", "{source}, {cause}"},
	    {"Device Lost", "{source}, {cause}"},
	    {"Capture Gap", "{source}, missing {known_missing}, from {from} to {to}"},
	    {"Input Refused", "{source}, {reason}, {count} times"},
	    {"Configuration Changed", "{version}, {reason}"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].event, event) == 0)
			return table[i].words;
	return NULL;
}
