/* The chain's customers: made from a seed, written and read as the CSV file that HQ imports. */
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

void sim_random_seed(struct sim_random *r, uint64_t seed, uint64_t stream)
{
	r->state = seed * 0x9e3779b97f4a7c15u + stream * 0xbf58476d1ce4e5b9u + 1;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct sim_random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint32_t sim_random_below(struct sim_random *r, uint32_t n)
{
	return (uint32_t)(((next(r) >> 32) * n) >> 32);
}

bool sim_random_chance(struct sim_random *r, uint32_t percent)
{
	return sim_random_below(r, 100) < percent;
}

static const char *const first_names[] = {
    "Anna",  "Ben",   "Clara", "David", "Elif",  "Felix", "Greta", "Hannah", "Ismail", "Jonas",
    "Katja", "Lena",  "Marek", "Nadia", "Oskar", "Paula", "Rosa",  "Samira", "Tobias", "Ulrike",
    "Vera",  "Wanda", "Yusuf", "Zofia", "Åsa",   "Émile", "Jörg",  "Łukasz", "Mehmet", "Chiara",
};
static const char *const last_names[] = {
    "Berg",    "Yılmaz",  "Novák",    "Schmidt", "Müller",  "Fischer", "Weber",
    "Wagner",  "Becker",  "Hoffmann", "Koch",    "Richter", "Klein",   "Wolf",
    "Neumann", "Schwarz", "Krüger",   "Hofmann", "Lange",   "Krause",
};
static const char *const tiers[] = {"base", "base", "base", "silver", "silver", "gold"};

#define PICK(list, r) (list)[sim_random_below((r), (uint32_t)(sizeof(list) / sizeof(list)[0]))]

/* GS1's check digit for the digits in text, appended (weights 3 1 from the right). */
static void append_ean_digit(char *text)
{
	size_t n = strlen(text);
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (text[n - 1 - i] - '0') * (i % 2 ? 1 : 3);
	text[n] = (char)('0' + (10 - sum % 10) % 10);
	text[n + 1] = '\0';
}

static void card(char out[33], uint32_t series, uint32_t index)
{
	snprintf(out, 33, "26%03u%07u", series, index);
	append_ean_digit(out);
}

void people_unknown_card(char out[33], uint32_t index)
{
	card(out, 999, index);
}

void people_payment_card(char out[33], uint32_t index)
{
	int sum = 0;

	/* 4000 00: a range of Visa's used in examples; Luhn's digit appended. */
	snprintf(out, 33, "400000%09u", index);
	for (int i = 0; i < 15; i++) {
		int d = (out[14 - i] - '0') * (i % 2 ? 1 : 2);
		sum += d > 9 ? d - 9 : d;
	}
	out[15] = (char)('0' + (10 - sum % 10) % 10);
	out[16] = '\0';
}

void people_write(FILE *out, size_t count, uint64_t seed)
{
	struct sim_random r;

	sim_random_seed(&r, seed, 0);
	fprintf(out, "customer_id,first_name,last_name,loyalty,phone,email,tier,points,points_as_"
	             "of,language\n");
	for (size_t i = 0; i < count; i++) {
		char loyalty[33];
		card(loyalty, 1, (uint32_t)i + 1);
		fprintf(out, "X%06zu,%s,%s,%s,", i + 1, PICK(first_names, &r), PICK(last_names, &r),
		        loyalty);
		fprintf(out,
		        "+49151%08zu,customer%zu@mail%u.example,%s,%u,2026-01-01T00:00:00Z,de\n",
		        23000000 + i * 7, i + 1, sim_random_below(&r, 9), PICK(tiers, &r),
		        sim_random_below(&r, 5000));
	}
}

static int read_person(struct people *p, char *line)
{
	char *fields[6], *save = NULL, *token = strtok_r(line, ",\r\n", &save);
	struct person *one;

	for (int i = 0; i < 6; i++, token = strtok_r(NULL, ",\r\n", &save)) {
		if (!token)
			return -1;
		fields[i] = token;
	}
	if (p->count % 1024 == 0) {
		void *more = realloc(p->list, (p->count + 1024) * sizeof *p->list);
		if (!more)
			return -1;
		p->list = more;
	}
	one = &p->list[p->count++];
	snprintf(one->id, sizeof one->id, "%s", fields[0]);
	snprintf(one->first_name, sizeof one->first_name, "%s", fields[1]);
	snprintf(one->last_name, sizeof one->last_name, "%s", fields[2]);
	snprintf(one->loyalty, sizeof one->loyalty, "%s", fields[3]);
	snprintf(one->phone, sizeof one->phone, "%s", fields[4]);
	snprintf(one->email, sizeof one->email, "%s", fields[5]);
	return 0;
}

int people_read(struct people *p, const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "re");
	int rc = 0;

	memset(p, 0, sizeof *p);
	if (!f) {
		perror(path);
		return -1;
	}
	if (!fgets(line, sizeof line, f))
		rc = -1;
	while (rc == 0 && fgets(line, sizeof line, f))
		rc = read_person(p, line);
	fclose(f);
	if (rc < 0 || p->count == 0) {
		fprintf(stderr, "%s: not a customer file of `laneway-sim customers`\n", path);
		people_free(p);
		return -1;
	}
	return 0;
}

void people_free(struct people *p)
{
	free(p->list);
	memset(p, 0, sizeof *p);
}
