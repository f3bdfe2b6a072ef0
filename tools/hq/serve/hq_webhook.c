#include "hq/serve/hq_webhook.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/queue.h"

#define HQ_WEBHOOK_QUEUE_MAX 2048 /* jobs; more stay in the outbox */
#define HQ_WEBHOOK_PARALLEL_MAX 8 /* one slow answer must not hold up the next order */
#define HQ_WEBHOOK_TIMEOUT_S 10L  /* of one post, answer included */
#define HQ_WEBHOOK_CONNECT_TIMEOUT_S 5L
#define HQ_WEBHOOK_POLL_MS 1000
#define HQ_WEBHOOK_ANSWER_MAX (64 * 1024) /* bytes read of an answer that nobody needs */
#define HQ_WEBHOOK_KEY_SIZE 64

struct job {
	int64_t id;
	long status;
	CURL *easy;
	struct curl_slist *headers;
	size_t answer_bytes;
	char key[HQ_WEBHOOK_KEY_SIZE];
	char *body;
};

struct hq_webhook {
	char *url;
	struct queue *jobs, *results;
	CURLM *multi;
	struct job *slot[HQ_WEBHOOK_PARALLEL_MAX]; /* under way; NULL: free. The thread's own */
	int running;
	atomic_bool stop;
	pthread_t thread;
};

static void free_job(struct job *job)
{
	if (!job)
		return;
	if (job->easy)
		curl_easy_cleanup(job->easy);
	curl_slist_free_all(job->headers);
	free(job->body);
	free(job);
}

static size_t discard(char *p, size_t size, size_t n, void *ctx)
{
	struct job *job = ctx;

	(void)p;
	job->answer_bytes += size * n;
	return job->answer_bytes > HQ_WEBHOOK_ANSWER_MAX ? 0 : size * n;
}

static void finish(struct hq_webhook *w, struct job *job, long status)
{
	job->status = status;
	if (job->easy)
		curl_easy_cleanup(job->easy);
	job->easy = NULL;
	if (!queue_push(w->results, job))
		free_job(job);
}

/* Never a redirect: what leaves here goes to the configured address only. */
static int start(struct hq_webhook *w, struct job *job)
{
	char key[HQ_WEBHOOK_KEY_SIZE + 32];

	job->easy = curl_easy_init();
	if (!job->easy)
		return -1;
	snprintf(key, sizeof key, "Idempotency-Key: %s", job->key);
	job->headers = curl_slist_append(NULL, "Content-Type: application/json");
	job->headers = curl_slist_append(job->headers, "Expect:");
	job->headers = curl_slist_append(job->headers, key);
	curl_easy_setopt(job->easy, CURLOPT_URL, w->url);
	curl_easy_setopt(job->easy, CURLOPT_HTTPHEADER, job->headers);
	curl_easy_setopt(job->easy, CURLOPT_POSTFIELDS, job->body);
	curl_easy_setopt(job->easy, CURLOPT_TIMEOUT, HQ_WEBHOOK_TIMEOUT_S);
	curl_easy_setopt(job->easy, CURLOPT_CONNECTTIMEOUT, HQ_WEBHOOK_CONNECT_TIMEOUT_S);
	curl_easy_setopt(job->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(job->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(job->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(job->easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(job->easy, CURLOPT_WRITEDATA, job);
	curl_easy_setopt(job->easy, CURLOPT_PRIVATE, job);
	return curl_multi_add_handle(w->multi, job->easy) == CURLM_OK ? 0 : -1;
}

static void set_slot(struct hq_webhook *w, const struct job *from, struct job *to)
{
	int i = 0;

	while (w->slot[i] != from)
		i++;
	w->slot[i] = to;
	w->running += to ? 1 : -1;
}

static void take_jobs(struct hq_webhook *w)
{
	struct job *job;

	while (w->running < HQ_WEBHOOK_PARALLEL_MAX && (job = queue_pop(w->jobs)) != NULL) {
		if (start(w, job) == 0)
			set_slot(w, NULL, job);
		else
			finish(w, job, 0);
	}
}

static void take_answers(struct hq_webhook *w)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(w->multi, &left)) != NULL) {
		CURL *easy = msg->easy_handle;
		bool ok = msg->data.result == CURLE_OK;
		struct job *job = NULL;
		long status = 0;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &job);
		if (ok)
			curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_multi_remove_handle(w->multi, easy);
		set_slot(w, job, NULL);
		finish(w, job, status);
	}
}

static void *run(void *arg)
{
	struct hq_webhook *w = arg;
	int active;

	while (!atomic_load(&w->stop)) {
		take_jobs(w);
		curl_multi_perform(w->multi, &active);
		take_answers(w);
		if (queue_len(w->jobs) == 0 || w->running == HQ_WEBHOOK_PARALLEL_MAX)
			curl_multi_poll(w->multi, NULL, 0, HQ_WEBHOOK_POLL_MS, NULL);
	}
	return NULL;
}

struct hq_webhook *hq_webhook_start(const char *url)
{
	struct hq_webhook *w = memory_zeroed(1, sizeof *w);

	if (!w || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		goto err_free;
	w->url = memory_text(url);
	w->jobs = queue_new(HQ_WEBHOOK_QUEUE_MAX);
	w->results = queue_new(2 * HQ_WEBHOOK_QUEUE_MAX);
	w->multi = curl_multi_init();
	if (!w->url || !w->jobs || !w->results || !w->multi ||
	    pthread_create(&w->thread, NULL, run, w) != 0)
		goto err_clean_up;
	return w;
err_clean_up:
	if (w->multi)
		curl_multi_cleanup(w->multi);
	queue_free(w->results);
	queue_free(w->jobs);
	free(w->url);
	curl_global_cleanup();
err_free:
	free(w);
	return NULL;
}

static void free_queued(struct queue *q)
{
	struct job *job;

	while ((job = queue_pop(q)) != NULL)
		free_job(job);
	queue_free(q);
}

static void give_up(struct hq_webhook *w)
{
	for (int i = 0; i < HQ_WEBHOOK_PARALLEL_MAX; i++) {
		if (!w->slot[i])
			continue;
		curl_multi_remove_handle(w->multi, w->slot[i]->easy);
		free_job(w->slot[i]);
	}
}

void hq_webhook_stop(struct hq_webhook *w)
{
	if (!w)
		return;
	atomic_store(&w->stop, true);
	curl_multi_wakeup(w->multi);
	pthread_join(w->thread, NULL);
	give_up(w);
	curl_multi_cleanup(w->multi);
	free_queued(w->jobs);
	free_queued(w->results);
	free(w->url);
	free(w);
	curl_global_cleanup();
}

bool hq_webhook_post(struct hq_webhook *w, int64_t id, const char *key, const char *body)
{
	struct job *job = memory_zeroed(1, sizeof *job);

	if (!job)
		return false;
	job->id = id;
	job->body = memory_text(body);
	snprintf(job->key, sizeof job->key, "%s", key);
	if (!job->body || !queue_push(w->jobs, job)) {
		free_job(job);
		return false;
	}
	curl_multi_wakeup(w->multi);
	return true;
}

bool hq_webhook_next(struct hq_webhook *w, struct hq_webhook_result *out)
{
	struct job *job = queue_pop(w->results);

	if (!job)
		return false;
	out->id = job->id;
	out->status = job->status;
	free_job(job);
	return true;
}

int hq_webhook_fd(const struct hq_webhook *w)
{
	return queue_fd(w->results);
}
