/* Who is this, at a shard that is full: next to the least that it could cost, and to Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/shard.h"
#include "store/shard_internal.h"

#define LOOKUPS 100000 /* of a round */
#define REDIS_LOOKUPS 20000
#define REDIS_PIPE 1000

/* The limit: all of it in memory, a hash table from the blind index to the sealed bytes. */
struct slot {
	uint8_t blind[VAULT_BLIND_BYTES];
	const uint8_t *sealed; /* key, length of the head's seal, the seals of head and JSON */
};
#define SEALED_HEAD (VAULT_KEY_BYTES + 4)

struct find {
	const struct bench_params *p;
	struct vault *vault;
	struct vault_work *work;
	struct vault_shard *keys;
	struct shard_reader *reader;
	struct shard_gate *gate;
	struct shard *shard; /* at rest: lookups are made beside a writer, as in the daemon */
	struct slot *slots;
	size_t room;
	uint8_t *arena;
	size_t used;
	int redis;
	struct buf json, line;
	uint8_t out[SHARD_PROFILE_MAX + SHARD_HEAD_MAX];
	uint32_t *took_ns;
	uint64_t dice;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct slot *slot_of(const struct find *f, const uint8_t *blind)
{
	size_t i = (size_t)buf_get64(blind) & (f->room - 1);

	while (f->slots[i].sealed && memcmp(f->slots[i].blind, blind, VAULT_BLIND_BYTES) != 0)
		i = (i + 1) & (f->room - 1);
	return &f->slots[i];
}

static void put32(uint8_t *p, size_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* Profile n at the end of the arena, and its identifiers in the table. */
static int add_to_limit(struct find *f, uint64_t n)
{
	static struct shard_line line;
	uint8_t blinds[SHARD_IDENTS_MAX][VAULT_BLIND_BYTES], head[SHARD_HEAD_MAX], *at;
	char err[200];

	f->line.len = 0;
	bench_profile(&f->line, n, 0);
	if (shard_line_read(&line, (char *)f->line.data, f->line.len - 1, err, sizeof err) != 0)
		return -1;
	at = f->arena + f->used;
	for (int i = 0; i < line.ident_count; i++) {
		vault_shard_blind(f->keys, f->work, line.idents[i].kind, line.idents[i].value,
		                  blinds[i]);
		struct slot *s = slot_of(f, blinds[i]);
		memcpy(s->blind, blinds[i], VAULT_BLIND_BYTES);
		s->sealed = at;
	}
	size_t n_head = shard_head_write(head, &line, blinds) + VAULT_TAG_BYTES;
	vault_random(at, VAULT_KEY_BYTES);
	put32(at + VAULT_KEY_BYTES, n_head);
	if (vault_seal_numbered(f->work, at, 0, head, n_head - VAULT_TAG_BYTES, at + SEALED_HEAD))
		return -1;
	put32(at + SEALED_HEAD + n_head, f->line.len - 1 + VAULT_TAG_BYTES);
	if (vault_seal_numbered(f->work, NULL, 1, f->line.data, f->line.len - 1,
	                        at + SEALED_HEAD + n_head + 4))
		return -1;
	f->used += SEALED_HEAD + n_head + 4 + f->line.len - 1 + VAULT_TAG_BYTES;
	return 0;
}

static bool limit_find(struct find *f, const char *kind, const char *value, bool json)
{
	uint8_t blind[VAULT_BLIND_BYTES];
	const uint8_t *at;
	size_t n;

	vault_shard_blind(f->keys, f->work, kind, value, blind);
	at = slot_of(f, blind)->sealed;
	if (!at)
		return false;
	n = buf_get32(at + VAULT_KEY_BYTES);
	if (vault_unseal_numbered(f->work, at, 0, at + SEALED_HEAD, n, f->out) < 0)
		return false;
	at += SEALED_HEAD + n;
	return !json || vault_unseal_numbered(f->work, NULL, 1, at + 4, buf_get32(at), f->out) >= 0;
}

static bool find_limit(struct find *f, const char *kind, const char *value)
{
	return limit_find(f, kind, value, false);
}

static bool find_limit_json(struct find *f, const char *kind, const char *value)
{
	return limit_find(f, kind, value, true);
}

static bool find_shard(struct find *f, const char *kind, const char *value)
{
	struct shard_hit hit;

	return shard_find(f->reader, kind, value, &hit, 1) == 1;
}

static bool find_shard_json(struct find *f, const char *kind, const char *value)
{
	struct shard_hit hit;

	f->json.len = 0;
	return shard_find_json(f->reader, kind, value, &hit, &f->json, 1) == 1;
}

static bool find_nobody(struct find *f, const char *kind, const char *value)
{
	struct shard_hit hit;

	(void)kind;
	return shard_find(f->reader, "nobody", value, &hit, 1) == 0;
}

/* ---- Redis: the same sealed head under the card's number ---- */

static bool read_until(struct find *f, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more = read(f->redis, f->out + got, sizeof f->out - got);
		if (more <= 0)
			return false;
		got += (size_t)more;
	}
	return true;
}

static bool say(struct find *f, const void *p, size_t n)
{
	return write(f->redis, p, n) == (ssize_t)n;
}

static bool find_redis(struct find *f, const char *kind, const char *value)
{
	char command[160];
	size_t got = 0;
	int n = snprintf(command, sizeof command, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s|%s\r\n",
	                 strlen(kind) + 1 + strlen(value), kind, value);

	if (!say(f, command, (size_t)n))
		return false;
	do {
		ssize_t more = read(f->redis, f->out + got, sizeof f->out - got);
		if (more <= 0)
			return false;
		got += (size_t)more;
	} while (got < 6 || memcmp(f->out + got - 2, "\r\n", 2) != 0);
	return f->out[0] == '$' && f->out[1] != '-';
}

static int fill_redis(struct find *f)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct buf b = {0};
	int waiting = 0;

	strncpy(to.sun_path, f->p->link, sizeof to.sun_path - 1);
	f->redis = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(f->redis, (struct sockaddr *)&to, sizeof to) != 0)
		return -1;
	for (uint64_t i = 0; i < f->p->count * BENCH_IDENTS; i++) {
		char value[64];
		uint8_t blind[VAULT_BLIND_BYTES];
		const char *kind = bench_ident(i / BENCH_IDENTS, (int)(i % BENCH_IDENTS), value);
		vault_shard_blind(f->keys, f->work, kind, value, blind);
		const uint8_t *sealed = slot_of(f, blind)->sealed;
		size_t n = buf_get32(sealed + VAULT_KEY_BYTES);

		buf_printf(&b, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s|%s\r\n$%zu\r\n",
		           strlen(kind) + 1 + strlen(value), kind, value, n);
		buf_add(&b, sealed + SEALED_HEAD, n);
		buf_str(&b, "\r\n");
		if (++waiting < REDIS_PIPE && i + 1 < f->p->count * BENCH_IDENTS)
			continue;
		if (!say(f, b.data, b.len) || !read_until(f, (size_t)waiting * 5))
			return -1;
		b.len = 0;
		waiting = 0;
	}
	buf_free(&b);
	return 0;
}

/* ---- rounds ---- */

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int round_of(struct find *f, const char *name, size_t n,
                    bool (*find)(struct find *f, const char *kind, const char *value))
{
	for (size_t i = 0; i < n; i++) {
		char value[64];
		uint64_t dice = bench_mix(++f->dice);
		const char *kind = bench_ident(dice / 4 % f->p->count, (int)(dice % 3), value);
		int64_t begun = now_ns();
		if (!find(f, kind, value)) {
			fprintf(stderr, "%s: %s is not found as it must be\n", name, value);
			return -1;
		}
		f->took_ns[i] = (uint32_t)(now_ns() - begun);
	}
	qsort(f->took_ns, n, sizeof *f->took_ns, by_size);
	printf("{\"what\":\"%s\",\"p50\":%u,\"p99\":%u}", name, f->took_ns[n / 2],
	       f->took_ns[n * 99 / 100]);
	return 0;
}

static const struct {
	const char *name;
	size_t n;
	bool (*find)(struct find *f, const char *kind, const char *value);
} kinds[] = {
    {"limit", LOOKUPS, find_limit},
    {"shard", LOOKUPS, find_shard},
    {"limit, JSON", LOOKUPS, find_limit_json},
    {"shard, JSON", LOOKUPS, find_shard_json},
    {"shard, nobody", LOOKUPS, find_nobody},
    {"Redis GET", REDIS_LOOKUPS, find_redis},
};

static int set_up(struct find *f)
{
	static const uint8_t salt[VAULT_SALT_BYTES] = {1};
	char path[300], err[300] = "";
	uint64_t n = f->p->count;
	bool made;

	snprintf(path, sizeof path, "%s/shard.db", f->p->dir);
	f->work = vault_work_new();
	f->gate = shard_gate_new();
	if (!f->work || !f->gate ||
	    vault_open(&f->vault, f->p->keys, false, err, sizeof err) != 0 ||
	    shard_open(&f->shard, path, f->vault, &made, err, sizeof err) != 0 ||
	    shard_reader_open(&f->reader, path, f->vault, err, sizeof err) != 0) {
		fprintf(stderr, "%s\n", err);
		return -1;
	}
	shard_share(f->shard, f->gate);
	shard_reader_share(f->reader, f->gate);
	f->keys = vault_shard_new(f->vault, f->work, salt);
	for (f->room = 1; f->room < n * BENCH_IDENTS * 2; f->room *= 2)
		;
	f->slots = calloc(f->room, sizeof *f->slots);
	f->line.len = 0;
	bench_profile(&f->line, n - 1, 0);
	f->arena = malloc(n * (f->line.len + 600));
	f->took_ns = calloc(LOOKUPS, sizeof *f->took_ns);
	if (!f->keys || !f->slots || !f->arena || !f->took_ns)
		return -1;
	for (uint64_t i = 0; i < n; i++)
		if (add_to_limit(f, i) != 0)
			return -1;
	return fill_redis(f);
}

int bench_shard_find(const struct bench_params *p)
{
	static struct find f;
	int rc;

	f.p = p;
	rc = set_up(&f);
	printf("[");
	/* The first round warms what the others measure. */
	for (uint64_t i = 0; i < p->events + 1 && rc == 0; i++) {
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && rc == 0; k++) {
			if (i + k > 0)
				printf(",");
			rc = round_of(&f, kinds[k].name, kinds[k].n, kinds[k].find);
		}
	}
	printf("]\n");
	shard_reader_free(f.reader);
	shard_free(f.shard);
	shard_gate_free(f.gate);
	vault_shard_free(f.keys);
	vault_work_free(f.work);
	vault_free(f.vault);
	free(f.slots);
	free(f.arena);
	free(f.took_ns);
	buf_free(&f.json);
	buf_free(&f.line);
	return rc ? 1 : 0;
}
