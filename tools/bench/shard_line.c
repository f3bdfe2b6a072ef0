/* Profiles as HQ sends them (WIRE.md section 10), made up from a number. */
#include <stdio.h>

#include "base/text.h"
#include "bench/shard.h"

uint64_t bench_mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15u;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return n ^ (n >> 31);
}

static const char *const first_names[] = {"Anna", "Jan",   "Mehmet", "Sofia",   "Chloé",
                                          "Lars", "Wanda", "Grace",  "Mikołaj", "Ute"};
static const char *const last_names[] = {"Berg",    "Kowalski", "Yılmaz", "Rossi", "Dubois",
                                         "Nielsen", "Okafor",   "Smith",  "Novák", "Müller"};

static void ref_of(uint64_t n, char out[23])
{
	const uint64_t bytes[2] = {bench_mix(n), bench_mix(~n)};

	text_b64(bytes, sizeof bytes, out);
}

const char *bench_ident(uint64_t n, int which, char value[64])
{
	unsigned long long person = n;

	if (which == 0)
		snprintf(value, 64, "26%011llu", person);
	else if (which == 1)
		snprintf(value, 64, "+4930%08llu", person);
	else
		snprintf(value, 64, "shopper%llu@example.org", person);
	return (const char *const[]){"loyalty", "phone", "email"}[which];
}

static void identifiers(struct buf *out, uint64_t n)
{
	char value[64], ref[23];

	for (int i = 0; i < BENCH_IDENTS; i++) {
		const char *kind = bench_ident(n, i, value);

		ref_of(n * 16 + (uint64_t)i, ref);
		buf_printf(out,
		           "%s{\"kind\":\"%s\",\"ref\":\"%s\",\"value\":\"%s\",\"verified\":%s}",
		           i > 0 ? "," : "", kind, ref, value, i == 0 ? "true" : "false");
	}
}

static void fact(struct buf *out, uint64_t n, int which, const char *field, const char *value)
{
	char id[23], unit[23];

	ref_of(n * 16 + 4 + (uint64_t)which, id);
	ref_of(n * 16 + 15, unit);
	buf_printf(out,
	           "%s{\"at\":[\"2026-03-02T09:00:00.000Z\"],\"field\":\"%s\",\"id\":\"%s\","
	           "\"source\":\"import\",\"trust\":40,\"unit\":\"%s\",\"value\":\"%s\"}",
	           which > 0 ? "," : "", field, id, unit, value);
}

static void choices(struct buf *out, uint64_t n)
{
	char id[2][23], unit[23], address[23];

	ref_of(n * 16 + 8, id[0]);
	ref_of(n * 16 + 9, id[1]);
	ref_of(n * 16 + 2, address);
	ref_of(n * 16 + 15, unit);
	buf_printf(out,
	           "{\"at\":[\"2026-03-02T09:00:00.000Z\"],\"channel\":\"store\",\"id\":\"%s\","
	           "\"method\":\"import\",\"purpose\":\"loyalty\",\"text\":\"2026-1\","
	           "\"unit\":\"%s\",\"value\":\"granted\"},",
	           id[0], unit);
	buf_printf(out,
	           "{\"address\":\"%s\",\"at\":[\"2026-03-02T09:00:00.000Z\"],\"channel\":"
	           "\"email\",\"id\":\"%s\",\"method\":\"import\",\"purpose\":\"marketing\","
	           "\"text\":\"2026-1\",\"unit\":\"%s\",\"value\":\"granted\"}",
	           address, id[1], unit);
}

void bench_profile(struct buf *out, uint64_t n, uint64_t turn)
{
	uint64_t dice = bench_mix(n);
	const char *first = first_names[dice % 10], *last = last_names[dice / 10 % 10];
	unsigned long long points = (dice / 100 + turn) % 5000, visits = dice / 7 % 90 + turn;
	char name[64], unit[23];

	snprintf(name, sizeof name, "%s %s", first, last);
	ref_of(n * 16 + 15, unit);
	buf_str(out, "{\"choices\":[");
	choices(out, n);
	buf_printf(out, "],\"customer_id\":\"C%07llu\",\"facts\":[", (unsigned long long)n + 1);
	fact(out, n, 0, "first_name", first);
	fact(out, n, 1, "name", name);
	fact(out, n, 2, "language", "de");
	buf_printf(out, "],\"first_name\":\"%s\",\"identifiers\":[", first);
	identifiers(out, n);
	buf_printf(
	    out,
	    "],\"includes\":{},\"language\":\"de\",\"last_seen\":\"2026-11-20T10:00:00.000Z\","
	    "\"name\":\"%s\",\"points\":%llu,\"points_as_of\":\"2026-11-20T00:00:00.000Z\","
	    "\"state\":\"active\",\"tier\":\"gold\",\"units\":[{\"confirmed\":true,"
	    "\"number\":%llu,\"ref\":\"%s\"}],\"version\":%llu,\"visits\":%llu}\n",
	    name, points, (unsigned long long)n + 1, unit,
	    (unsigned long long)n + 1 + turn * 10000000, visits);
}
