/* The parent's side: the folder, the files that were always there, and one start in a child. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_memory.h"
#include "identity/phone.h"
#include "store/journal_internal.h"
#include "store/shard.h"
#include "store/vault.h"

int lanewayd_main(int argc, char **argv); /* daemon/main.c */

#define HANGS_S 60 /* no start takes a second */

/* What `laneway-hq ca device` gave the box, and the key that it makes for itself. */
static const struct {
	const char *name, *text;
} keys[] = {
    {"device-box.key", "-----BEGIN PRIVATE KEY-----\n"
                       "MC4CAQAwBQYDK2VuBCIEIERERERERERERERERERERERERERERERERERERERERERE\n"
                       "-----END PRIVATE KEY-----\n"},
    {"hq-box.pub", "-----BEGIN PUBLIC KEY-----\n"
                   "MCowBQYDK2VuAyEA/y7kVgHsG2cxDHeQQEWFrmlzMe7hwfjPJBlzHB//Pms=\n"
                   "-----END PUBLIC KEY-----\n"},
    {"hq-sign.pub", "-----BEGIN PUBLIC KEY-----\n"
                    "MCowBQYDK2VwAyEAyFOtDwzSthmuqSzuxP1Wok1kmdWEznklfkXP2BObYKc=\n"
                    "-----END PUBLIC KEY-----\n"},
    {"tls.key", "-"},
    {"tls.crt", "-"},
    {"ca.crt", "-"},
    {"vault.key", "4444444444444444444444444444444444444444444444444444444444444444\n"},
};
#define KEYS (sizeof keys / sizeof *keys)

static void put_conf(const struct rig *r)
{
	char text[2048];

	snprintf(text, sizeof text,
	         "store = \"s1\"\ndevice = \"d1\"\ndata = \"%s/data\"\nkeys = \"%s/data\"\n"
	         "currency = \"EUR\"\nregion = \"DE\"\ntimezone = \"UTC\"\nlog_level = \"info\"\n"
	         "lanes = {\"1\", \"2\", \"3\"}\n"
	         "journal { retention_days = 1 }\n"
	         "pos { port = 0 token_file = \"%s/pos.token\" }\n"
	         "loyalty \"card\" { prefix = 26 length = 13 }\n",
	         r->b.folder, r->b.folder, r->b.folder);
	base_put(&r->b, "store.conf", text);
}

/* A shard that HQ filled long ago, as bytes. */
static void put_shard(struct rig *r)
{
	static const char anna[] =
	    "{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"
	    "\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"2600000000170\","
	    "\"verified\":"
	    "true}],\"includes\":{},\"language\":\"de\",\"name\":\"Anna Berg\",\"points\":1200,"
	    "\"points_as_of\":\"2026-11-20T00:00:00.000Z\",\"state\":\"active\",\"tier\":\"gold\","
	    "\"version\":812,\"visits\":7}\n";
	const struct shard_mark mark = {.generation = "00000000000000aa", .version = 812};
	char path[256], err[256] = "";
	struct vault *vault;
	struct shard *s;
	bool made;

	snprintf(path, sizeof path, "%s/shard.db", r->b.folder);
	if (vault_open(&vault, r->b.folder, false, err, sizeof err) ||
	    shard_open(&s, path, vault, &made, err, sizeof err) ||
	    shard_apply(s, anna, strlen(anna), &mark, true, err, sizeof err) != 1) {
		fprintf(stderr, "rig: %s\n", err);
		abort();
	}
	shard_free(s);
	vault_free(vault);
}

static void copy_shard(struct rig *r)
{
	static uint8_t bytes[1 << 20];
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/shard.db", r->b.folder);
	f = fopen(path, "r");
	if (!f)
		abort();
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	disk_put(r->b.disk, "shard.db", bytes, n);
}

struct rig *rig_new(const char *folder)
{
	struct rig *r = base_memory(sizeof *r);
	char data[180], copy[180];

	snprintf(r->b.folder, sizeof r->b.folder, "%s", folder);
	snprintf(r->b.log, sizeof r->b.log, "%s/log", folder);
	snprintf(r->conf, sizeof r->conf, "%s/store.conf", folder);
	snprintf(data, sizeof data, "%s/data", folder);
	snprintf(copy, sizeof copy, "%s/copy", folder);
	mkdir(folder, 0700);
	base_random_openssl();
	for (size_t i = 0; i < KEYS; i++)
		base_put(&r->b, keys[i].name, keys[i].text);
	base_put(&r->b, "pos.token", "0123456789abcdef\n");
	put_conf(r);
	put_shard(r);
	base_memory_sqlite();
	phone_prepare("DE"); /* once, before the forks */
	r->b.disk = disk_new(data);
	r->copy = disk_new(copy);
	r->saved = base_memory(sizeof *r->saved);
	return r;
}

void rig_free(struct rig *r)
{
	disk_free(r->copy);
	base_clear(&r->b);
	munmap(r->saved, sizeof *r);
	munmap(r, sizeof *r);
}

void rig_begin(struct rig *r, uint64_t seed)
{
	base_begin(&r->b, seed);
	memset(r->tills, 0, sizeof r->tills);
	memset(r->epochs, 0, r->epoch_count * sizeof *r->epochs);
	r->message_count = r->event_count = r->epoch_count = 0;
	r->spoilt = r->unheard = false;
	r->spoils = r->set_aside = 0;
	/* Some boxes are new: no key of their own yet, and no customers. */
	bool is_new = dice_below(&r->b.dice, 4) == 0;
	for (size_t i = 0; i < KEYS - is_new; i++)
		disk_put(r->b.disk, keys[i].name, keys[i].text, strlen(keys[i].text));
	if (!is_new)
		copy_shard(r);
}

void rig_save(struct rig *r)
{
	disk_save(r->b.disk, r->copy);
	r->saved->b.mono_us = r->b.mono_us;
	r->saved->b.wall_us = r->b.wall_us;
	memcpy(r->saved->tills, r->tills, sizeof r->tills);
	r->saved->message_count = r->message_count;
	r->saved->event_count = r->event_count;
	memcpy(r->saved->messages, r->messages, r->message_count * sizeof *r->messages);
	memcpy(r->saved->events, r->events, r->event_count * sizeof *r->events);
}

void rig_restore(struct rig *r)
{
	disk_save(r->copy, r->b.disk);
	/* As if a clone had lived the time since. */
	r->b.mono_us = r->saved->b.mono_us;
	r->b.wall_us = r->saved->b.wall_us;
	memcpy(r->tills, r->saved->tills, sizeof r->tills);
	r->message_count = r->saved->message_count;
	r->event_count = r->saved->event_count;
	memcpy(r->messages, r->saved->messages, r->message_count * sizeof *r->messages);
	memcpy(r->events, r->saved->events, r->event_count * sizeof *r->events);
}

/* Its first page: SQLite cannot open it, packs and rows stand behind it. */
void rig_spoil(struct rig *r)
{
	uint8_t page[JOURNAL_PAGE_BYTES];

	for (size_t i = 0; i < sizeof page; i++)
		page[i] = (uint8_t)dice(&r->b.dice);
	if (!disk_spoil(r->b.disk, "journal.db", 0, page, sizeof page))
		return;
	r->spoilt = true;
	r->spoils++;
	for (uint32_t i = 0; i < r->event_count; i++)
		r->events[i].in_wreck = true;
	/* A till that was not answered before, and a basket that the box no longer knows: a person
	 * begins anew. What was said may be there, once. */
	for (uint32_t i = 0; i < r->message_count; i++)
		r->messages[i].given_up = !r->messages[i].acked;
	for (int i = 0; i < RIG_TILLS; i++)
		r->tills[i].open = false;
}

static void run_daemon(struct base *b)
{
	struct rig *r = (struct rig *)b;
	char *argv[] = {(char *)"lanewayd", (char *)"-c", r->conf, NULL};

	_exit(lanewayd_main(3, argv));
}

int rig_start(struct rig *r)
{
	int status = base_start(&r->b, run_daemon);
	r->b.sent = r->message_count;
	r->b.kept = r->event_count;
	return status;
}
