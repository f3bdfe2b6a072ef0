#include "hq/serve/hq_deliver.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "hq/base/hq_outbox.h"

#define HQ_DELIVER_JOBS_MAX 1024 /* in memory; more stay in the outbox until there is room */
#define HQ_DELIVER_FIRST_US INT64_C(1000000)  /* wait after the first failure */
#define HQ_DELIVER_LAST_US INT64_C(300000000) /* longest wait */
#define HQ_DELIVER_KEY_SIZE 48

struct job {
	int64_t id; /* 0: a free place */
	int64_t due_us, wait_us;
	bool under_way, unheard; /* unheard: nobody answered the last time */
	char *body;
};

struct hq_deliver {
	struct hq_db *db;
	struct hq_webhook *webhook;
	const struct clock *clock;
	struct job job[HQ_DELIVER_JOBS_MAX];
	int count;
	int64_t last; /* id of the newest job taken */
	bool failing; /* the last answer was none, or a refusal; logged once */
};

struct hq_deliver *hq_deliver_new(struct hq_db *db, struct hq_webhook *webhook,
                                  const struct clock *clock)
{
	struct hq_deliver *d = memory_zeroed(1, sizeof *d);

	if (!d)
		return NULL;
	d->db = db;
	d->webhook = webhook;
	d->clock = clock;
	return d;
}

static void drop(struct hq_deliver *d, struct job *job)
{
	free(job->body);
	memset(job, 0, sizeof *job);
	d->count--;
}

void hq_deliver_free(struct hq_deliver *d)
{
	if (!d)
		return;
	for (int i = 0; i < HQ_DELIVER_JOBS_MAX; i++)
		free(d->job[i].body);
	free(d);
}

static struct job *find(struct hq_deliver *d, int64_t id)
{
	for (int i = 0; i < HQ_DELIVER_JOBS_MAX; i++) {
		if (d->job[i].id == id)
			return &d->job[i];
	}
	return NULL;
}

static bool take(void *ctx, int64_t id, const char *body)
{
	struct hq_deliver *d = ctx;
	struct job *job = find(d, 0);
	char *copy = job && body[0] ? memory_text(body) : NULL; /* empty: it could not be read */
	uint64_t before = memory_failures();
	const char *why = copy ? hq_outbox_gate(body) : NULL;

	if (!copy || memory_failures() != before) {
		free(copy);
		return false;
	}
	if (why) {
		log_error("webhook: job %" PRId64 " is not sent: %s; it stays in the outbox", id,
		          why);
		free(copy);
		d->last = id;
		return true;
	}
	*job = (struct job){.id = id, .wait_us = HQ_DELIVER_FIRST_US, .body = copy};
	d->count++;
	d->last = id;
	return true;
}

static void post(struct hq_deliver *d, struct job *job, int64_t now_us)
{
	char key[HQ_DELIVER_KEY_SIZE];

	if (job->under_way || job->due_us > now_us)
		return;
	/* The database's generation stands in front: a restored one counts its jobs anew. */
	snprintf(key, sizeof key, "%s-%" PRId64, hq_db_generation(d->db), job->id);
	job->under_way = hq_webhook_post(d->webhook, job->id, key, job->body);
}

void hq_deliver_pump(struct hq_deliver *d)
{
	int64_t now_us = clock_mono_us(d->clock);

	while (d->count < HQ_DELIVER_JOBS_MAX && hq_outbox_open(d->db, d->last, take, d) > 0)
		continue;
	if (d->count == 0)
		return;
	for (int i = 0; i < HQ_DELIVER_JOBS_MAX; i++) {
		if (d->job[i].id)
			post(d, &d->job[i], now_us);
	}
}

static void heard_again(struct hq_deliver *d)
{
	for (int i = 0; i < HQ_DELIVER_JOBS_MAX; i++) {
		if (d->job[i].id && d->job[i].unheard) {
			d->job[i].unheard = false;
			d->job[i].due_us = 0;
			d->job[i].wait_us = HQ_DELIVER_FIRST_US;
		}
	}
}

static void failed(struct hq_deliver *d, struct job *job, long status)
{
	job->under_way = false;
	job->unheard = status == 0;
	job->due_us = clock_mono_us(d->clock) + job->wait_us;
	job->wait_us =
	    job->wait_us * 2 < HQ_DELIVER_LAST_US ? job->wait_us * 2 : HQ_DELIVER_LAST_US;
	if (!d->failing && status == 0)
		log_warn("webhook: nobody answers; trying again with back-off");
	else if (!d->failing)
		log_warn("webhook: answered %ld, expected 2xx; trying again with back-off", status);
	d->failing = true;
}

static void answered(struct hq_deliver *d, const struct hq_webhook_result *r)
{
	struct job *job = find(d, r->id);

	if (!job)
		return;
	if (r->status < 200 || r->status > 299) {
		failed(d, job, r->status);
		return;
	}
	hq_outbox_done(d->db, r->id, clock_wall_us(d->clock));
	drop(d, job);
	if (d->failing)
		log_info("webhook: answers again");
	d->failing = false;
	heard_again(d);
}

void hq_deliver_answers(struct hq_deliver *d)
{
	struct hq_webhook_result r;

	if (hq_db_begin(d->db) != 0)
		return;
	while (hq_webhook_next(d->webhook, &r))
		answered(d, &r);
	/* Not kept as done: it is posted once more after the next start, under the same key. */
	if (hq_db_commit(d->db) != 0)
		log_error("webhook: answers could not be noted; those jobs may be posted again");
	hq_deliver_pump(d);
}
