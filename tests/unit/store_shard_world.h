/* A shard in a folder of its own. */
#ifndef LANEWAY_TESTS_STORE_SHARD_WORLD_H
#define LANEWAY_TESTS_STORE_SHARD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "folder.h"
#include "store/db.h"
#include "store/shard.h"

#define REF "AAECAwQFBgcICQoLDA0ODw"
#define REF2 "_______________________"

static const char pem_box[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VuBCIEIERERERERERERERERERERERERERERERERERERERERERE\n"
                              "-----END PRIVATE KEY-----\n";
static const char pem_box_pub[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VuAyEA/y7kVgHsG2cxDHeQQEWFrmlzMe7hwfjPJBlzHB//Pms=\n"
                                  "-----END PUBLIC KEY-----\n";
static const char pem_sign_pub[] = "-----BEGIN PUBLIC KEY-----\n"
                                   "MCowBQYDK2VwAyEAyFOtDwzSthmuqSzuxP1Wok1kmdWEznklfkXP2BObYKc=\n"
                                   "-----END PUBLIC KEY-----\n";

static const char anna[] =
    "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"future\":{\"a\":[1]},"
    "\"identifiers\":[{\"kind\":\"loyalty\",\"ref\":\"" REF
    "\",\"value\":\"2600000000170\",\"verified\":true},{\"kind\":\"gait\",\"ref\":\"" REF
    "\",\"value\":\"slow\",\"verified\":false}],\"includes\":{\"0011223344556677\":41},"
    "\"language\":\"de\",\"last_seen\":\"2026-11-20T10:00:00.000Z\",\"name\":\"Anna Berg\","
    "\"points\":1200,\"points_as_of\":\"2026-11-20T00:00:00.000Z\",\"state\":\"active\","
    "\"tier\":\"gold\",\"version\":812,\"visits\":7}\n";

struct place {
	char dir[FOLDER_SIZE], path[96];
	struct vault *vault;
	struct shard *shard;
	struct shard_reader *reader;
	struct shard_gate *gate; /* of both */
};

static inline void put(const struct place *p, const char *name, const char *text)
{
	folder_put(p->dir, name, text, 0600);
}

static inline void open_vault(struct place *p)
{
	char err[256] = "";

	if (vault_open(&p->vault, p->dir, true, err, sizeof(err)) != 0)
		fail_msg("%s", err);
}

static inline bool open_shard(struct place *p)
{
	char err[256] = "";
	bool made = false;

	if (shard_open(&p->shard, p->path, p->vault, &made, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	shard_share(p->shard, p->gate);
	return made;
}

static inline int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char err[256];

	folder_make(p->dir, "shard");
	snprintf(p->path, sizeof(p->path), "%s/shard.db", p->dir);
	put(p, "device-box.key", pem_box);
	put(p, "hq-box.pub", pem_box_pub);
	put(p, "hq-sign.pub", pem_sign_pub);
	put(p, "tls.key", "-");
	put(p, "tls.crt", "-");
	put(p, "ca.crt", "-");
	put(p, "vault.key", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	open_vault(p);
	p->gate = shard_gate_new();
	assert_true(open_shard(p));
	assert_int_equal(shard_reader_open(&p->reader, p->path, p->vault, err, sizeof(err)), 0);
	shard_reader_share(p->reader, p->gate);
	*state = p;
	return 0;
}

static inline int tear_down(void **state)
{
	struct place *p = *state;

	shard_reader_free(p->reader);
	shard_free(p->shard);
	shard_gate_free(p->gate);
	vault_free(p->vault);
	folder_drop(p->dir);
	free(p);
	return 0;
}

static inline int apply(struct place *p, const char *lines, bool fresh)
{
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 900};
	char err[256] = "";
	int n = shard_apply(p->shard, lines, strlen(lines), &mark, fresh, err, sizeof(err));

	if (n < 0)
		print_message("%s\n", err);
	return n;
}

static inline int find(struct place *p, const char *kind, const char *nf, struct shard_hit *hit)
{
	struct shard_hit spare;

	return shard_find(p->reader, kind, nf, hit != NULL ? hit : &spare, 1);
}

#endif
