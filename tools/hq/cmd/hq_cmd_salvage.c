/* laneway-hq salvage. */
#include <stdio.h>

#include "base/log.h"
#include "hq/base/hq_call.h"
#include "hq/base/hq_conf.h"
#include "hq/cmd/hq_cmd.h"
#include "hq/cmd/hq_cmd_args.h"
#include "hq/intake/hq_ingest.h"
#include "hq/prove/hq_salvage.h"
#include "store/db.h"

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"ingest", no_argument, NULL, 'i'},
    {"store", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};
static const struct hq_cmd_form form = {"c:j", options, "the journal.db", NULL};

/* ---- the two ways in: this process, or the HQ that runs ---- */

struct way {
	const struct hq_conf *conf;
	struct hq_db *db;
	struct hq_ingest *ingest;
	struct hq_call *call;
	char *err;
	size_t err_size;
};

static int send_here(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	struct way *w = ctx;

	if (hq_ingest_begin(w->ingest) == 0) {
		hq_ingest_up(w->ingest, store, payload, len);
		if (hq_ingest_commit(w->ingest) == 0)
			return 0;
	}
	snprintf(w->err, w->err_size, "%s/hq.db: a batch could not be kept (see above)",
	         w->conf->data);
	return -1;
}

static int send_there(void *ctx, const char *store, const uint8_t *payload, size_t len)
{
	struct way *w = ctx;
	const struct hq_call_param params[] = {{"store", store}, {NULL, NULL}};
	json_t *answer = hq_call_post(w->call, "/v1/up", params, payload, len, w->err, w->err_size);

	if (!answer)
		return -1;
	json_decref(answer);
	return 0;
}

static int open_way(struct way *w, const struct hq_keys *keys)
{
	bool held;

	if (hq_db_open(&w->db, w->conf->data, &held, w->err, w->err_size) == 0)
		w->ingest = hq_ingest_new(w->db, keys, clock_system());
	else if (!held)
		return -1;
	else
		w->call = hq_call_open(w->conf->socket);
	if (w->ingest || w->call)
		return 0;
	snprintf(w->err, w->err_size, "out of memory");
	return -1;
}

static void close_way(struct way *w)
{
	hq_ingest_free(w->ingest);
	hq_db_close(w->db);
	hq_call_close(w->call);
}

static int bring_in(struct hq_salvage *s, const struct hq_conf *conf, const struct hq_keys *keys,
                    struct sqlite3 *db, char *err, size_t err_size)
{
	struct way w = {.conf = conf, .err = err, .err_size = err_size};
	char path[sizeof conf->keys + 16];
	uint8_t pub[32];
	int rc = -1;

	snprintf(path, sizeof path, "%s/hq-box.pub", conf->keys);
	if (vault_read_public(path, pub, err, err_size) == 0 && open_way(&w, keys) == 0) {
		const struct hq_salvage_sink sink = {w.ingest ? send_here : send_there, &w, db,
		                                     pub};
		rc = hq_salvage_send(s, &sink, err, err_size);
	}
	close_way(&w);
	return rc;
}

/* ---- the command ---- */

static int64_t new_events(const json_t *report)
{
	const json_t *epochs = json_object_get(report, "epochs");
	int64_t n = 0;

	for (size_t i = 0; i < json_array_size(epochs); i++)
		n += json_integer_value(json_object_get(json_array_get(epochs, i), "new"));
	return n;
}

/* Drops the report. */
static int tell(const struct hq_cmd_args *a, json_t *report, int64_t new_before)
{
	int64_t left = new_events(report);

	if (a->ingest)
		json_object_set_new(report, "ingested", json_integer(new_before - left));
	hq_cmd_args_print(a, report, hq_salvage_print);
	if (!a->json && a->ingest)
		printf("  %lld events were taken in\n", (long long)(new_before - left));
	if (!a->json && a->ingest && left)
		printf("  %lld were not: HQ holds others under their names, and keeps these raw "
		       "(laneway-hq forks)\n",
		       (long long)left);
	return a->ingest && left ? EXIT_SOME_BAD : EXIT_GOOD;
}

static int salvage(const struct hq_cmd_args *a, const struct hq_conf *conf, struct hq_keys *keys)
{
	char err[HQ_CMD_ERR_SIZE];
	struct sqlite3 *db = hq_cmd_args_reader(a, conf);
	struct hq_salvage *s = NULL;
	json_t *report;
	int64_t new_before;
	int rc = EXIT_NOT_DONE;

	if (!db)
		return EXIT_NOT_DONE;
	if (hq_salvage_open(&s, a->word, a->store, keys, err, sizeof err) != 0)
		goto done;
	snprintf(err, sizeof err, "out of memory");
	report = hq_salvage_report(s, db);
	if (!report)
		goto done;
	new_before = new_events(report);
	if (a->ingest) {
		json_decref(report);
		if (bring_in(s, conf, keys, db, err, sizeof err) != 0)
			goto done;
		snprintf(err, sizeof err, "out of memory");
		report = hq_salvage_report(s, db);
	}
	if (report)
		rc = tell(a, report, new_before);
done:
	if (rc == EXIT_NOT_DONE)
		hq_cmd_args_fail(a, err);
	hq_salvage_free(s);
	db_close_reader(db);
	return rc;
}

int hq_cmd_salvage(int argc, char **argv)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_cmd_args a;
	struct hq_conf *conf;
	struct hq_keys *keys = NULL;
	int rc;

	if (hq_cmd_args_read(argc, argv, &form, &a) != 0)
		return EXIT_NOT_DONE;
	conf = hq_cmd_args_conf(&a);
	if (!conf)
		return EXIT_NOT_DONE;
	if (hq_keys_open(&keys, conf->keys, err, sizeof err) != 0) {
		rc = hq_cmd_args_fail(&a, err);
	} else {
		log_open("laneway-hq", conf->log_level);
		rc = salvage(&a, conf, keys);
	}
	hq_keys_free(keys);
	hq_conf_free(conf);
	return rc;
}
