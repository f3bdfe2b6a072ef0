/* HQ, for cut_hq and fail_hq. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hq/base/hq_conf.h"
#include "hq/base/hq_db.h"
#include "hq/base/hq_memory.h"
#include "hq/serve/hq_serve.h"
#include "hqrig.h"

static struct base *make(const char *folder)
{
	struct hqrig *h = base_memory(sizeof *h);
	char data[180];

	snprintf(h->b.folder, sizeof h->b.folder, "%s", folder);
	snprintf(h->b.log, sizeof h->b.log, "%s/log", folder);
	snprintf(data, sizeof data, "%s/data", folder);
	mkdir(folder, 0700);
	base_random_openssl();
	hqrig_keys();
	sqlite3_shutdown();
	hq_memory_watch();
	h->b.disk = disk_new(data);
	return &h->b;
}

static void end(struct base *b)
{
	hqrig_forget_keys();
	base_clear(b);
	munmap(b, sizeof(struct hqrig));
}

static void begin(struct base *b, uint64_t seed)
{
	struct hqrig *h = (struct hqrig *)b;

	base_begin(b, seed);
	memset(h->confirmed, 0, sizeof h->confirmed);
	h->clone_count = 0;
	h->generation[0] = '\0';
	base_random_seed(seed);
	hqrig_write_journals(seed);
}

static void run_hq(struct base *b)
{
	struct hq_conf conf = {.currency = "EUR", .dark_s = 86400, .log_level = LOG_LEVEL_INFO};

	snprintf(conf.data, sizeof conf.data, "%s/data", b->folder);
	snprintf(conf.keys, sizeof conf.keys, "%s", hqrig_keys());
	snprintf(conf.broker_host, sizeof conf.broker_host, "none");
	conf.rules.ruleset[0] = '1';
	_exit(hq_serve(&conf));
}

static int start(struct base *b)
{
	return base_start(b, run_hq);
}

const struct subject subject = {.name = "HQ",
                                .program = "cut_hq",
                                .per_run = 15,
                                .actions = 12,
                                .no_memory = true,
                                .exit_unknown = HQ_DB_EXIT_UNKNOWN,
                                .make = make,
                                .free = end,
                                .begin = begin,
                                .start = start};
