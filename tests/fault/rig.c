/* The parent's side: the folder, the files that were always there, and one start in a child. */
#include "rig.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_vfs.h"
#include "identity/phone.h"
#include "rig_memory.h"
#include "store/shard.h"
#include "store/vault.h"

int lanewayd_main(int argc, char **argv); /* daemon/main.c */

#define START_WALL_US INT64_C(1795280523000000) /* 2026-11-21 */
#define HANGS_S 60                              /* no start takes a second */
#define START_MONO_US INT64_C(5000000000)

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

static void put(const struct rig *r, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", r->folder, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		abort();
	}
	chmod(path, 0600);
}

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
	         r->folder, r->folder, r->folder);
	put(r, "store.conf", text);
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

	snprintf(path, sizeof path, "%s/shard.db", r->folder);
	if (vault_open(&vault, r->folder, false, err, sizeof err) ||
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

	snprintf(path, sizeof path, "%s/shard.db", r->folder);
	f = fopen(path, "r");
	if (!f)
		abort();
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	disk_put(r->disk, "shard.db", bytes, n);
}

struct rig *rig_new(const char *folder)
{
	struct rig *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE,
	                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char data[180];

	if (r == MAP_FAILED)
		return NULL;
	snprintf(r->folder, sizeof r->folder, "%s", folder);
	snprintf(r->conf, sizeof r->conf, "%s/store.conf", folder);
	snprintf(r->log, sizeof r->log, "%s/log", folder);
	snprintf(data, sizeof data, "%s/data", folder);
	mkdir(folder, 0700);
	for (size_t i = 0; i < KEYS; i++)
		put(r, keys[i].name, keys[i].text);
	put(r, "pos.token", "0123456789abcdef\n");
	put_conf(r);
	put_shard(r);
	phone_prepare("DE"); /* once, before the forks */
	r->disk = disk_new(data);
	return r->disk ? r : NULL;
}

void rig_free(struct rig *r)
{
	char command[256];

	disk_free(r->disk);
	snprintf(command, sizeof command, "rm -rf '%s'", r->folder);
	if (system(command) != 0)
		perror(command);
	munmap(r, sizeof *r);
}

void rig_begin(struct rig *r, uint64_t seed)
{
	r->dice = seed;
	r->mono_us = START_MONO_US;
	r->wall_us = START_WALL_US;
	memset(r->tills, 0, sizeof r->tills);
	memset(r->epochs, 0, r->epoch_count * sizeof *r->epochs);
	r->message_count = r->event_count = r->epoch_count = 0;
	r->last = r->may_refuse = false;
	r->actions = 0;
	r->fail_allocation = 0;
	r->resent = r->refused = 0;
	r->wrong[0] = '\0';
	disk_wipe(r->disk);
	/* Some boxes are new: no key of their own yet, and no customers. */
	bool is_new = dice_below(&r->dice, 4) == 0;
	for (size_t i = 0; i < KEYS - is_new; i++)
		disk_put(r->disk, keys[i].name, keys[i].text, strlen(keys[i].text));
	if (!is_new)
		copy_shard(r);
	if (truncate(r->log, 0) != 0) {
		/* the first run: there is none yet */
	}
}

static _Noreturn void run_child(struct rig *r)
{
	char *argv[] = {(char *)"lanewayd", (char *)"-c", r->conf, NULL};
	int log = open(r->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	dup2(log, STDERR_FILENO);
	disk_random_seed(dice(&r->dice));
	disk_install(r->disk);
	rig_memory_sqlite();
	disk_vfs_register();
	rig_mine = r; /* from here on it counts */
	alarm(HANGS_S);
	optind = 0; /* getopt begins anew */
	_exit(lanewayd_main(3, argv));
}

int rig_start(struct rig *r)
{
	int status = 0;
	pid_t pid;

	r->ready = false;
	r->allocations = 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_child(r);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		abort();
	}
	return status;
}
